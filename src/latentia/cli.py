"""The command line: `latentia fit DATA`, `evaluate RUN`, `sample RUN`, ... Nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn

from jsonargparse import ActionYesNo, ArgumentParser, Namespace

from latentia.commands.anomaly import anomaly
from latentia.commands.benchmark import benchmark
from latentia.commands.complete import complete
from latentia.commands.compress import compress
from latentia.commands.decompress import decompress
from latentia.commands.diagnose import diagnose, print_verdict
from latentia.commands.disentangle import disentangle
from latentia.commands.inpaint import inpaint
from latentia.commands.interpolate import interpolate
from latentia.commands.neighbours import neighbours
from latentia.commands.resample import resample
from latentia.commands.traverse import traverse
from latentia.errors import ConfigError, LatentiaError


class Parser(ArgumentParser):
    """An argument parser whose errors are one line and exit status 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # noqa: ARG002
        """Print what is wrong in one line and exit with status 2."""
        lines = [line.strip() for line in str(message).splitlines() if line.strip()]
        _fail("; ".join(lines))


def _fail(message: str) -> NoReturn:
    print(f"latentia: error: {' '.join(str(message).split())}", file=sys.stderr)
    raise SystemExit(2)


def fit(
    data: str | None = None,
    model: str = "sigma-vae",
    latent_dim: int | None = None,
    epochs: int | None = None,
    n_components: int | str | None = None,
    out: str | None = None,
    seed: int = 0,
    set: list[str] | None = None,  # noqa: A002  the flag's name
    resume: bool = False,
    overwrite: bool = False,
    image_size: int | None = None,
    label_column: str | None = None,
    hold_out: bool = True,
    auto_remedy: bool = False,
    report: bool = True,
    quiet: bool = False,
) -> None:
    """Fit a model to data, judge it, and keep everything in a run folder.

    Args:
        data: a name (`latentia datasets`), a folder of images, a .npy .npz .csv .tsv .parquet file, or hf://owner/name.
        model: a name of `latentia models`.
        latent_dim: length of a code, of a VAE; chosen by the size of the data if left out.
        epochs: passes over the data, not of mixtures; chosen by their number if left out.
        n_components: of a mixture, a number (8) or a range (1..7), from which BIC (of Dirichlet-multinomials, the Laplace evidence) chooses; 1..10 if left out.
        out: run folder; runs/DATA-MODEL if left out.
        seed: of everything random.
        set: further parameters of the estimator (latentia.VAE, latentia.GaussianMixture, ...), as name=value; options of the objective as objective_options.beta=8.
        resume: go on with an interrupted run.
        overwrite: replace the run in the folder.
        image_size: cut the middle square out of each image and resize it to so many pixels.
        label_column: column of a table that holds classes: not fitted, used to colour maps.
        hold_out: keep a test part from fitting; --no-hold-out fits a mixture to all rows, as is usual where a criterion chooses the number of components.
        auto_remedy: where the diagnosis finds a fault, fit again with its remedy, at most twice, and keep the better run.
        report: write report.html.
        quiet: print nothing but the verdict.
    """
    from latentia.estimators.run import DataSpec, fit_run

    if data is None:
        raise ConfigError("DATA is missing: latentia fit DATA, for example latentia fit digits")
    params = _params(model, latent_dim, epochs, n_components, quiet)
    params |= {"random_state": seed, **_settings(set or [])}
    spec = DataSpec(data, seed, image_size, label_column, hold_out)
    folder = Path(out) if out else _new_folder(data, model, resume or overwrite)
    say = (lambda _: None) if quiet else print
    fitted = fit_run
    if auto_remedy:
        from latentia.estimators.auto_remedy import fit_with_remedies as fitted
    run = fitted(spec, params, folder, command=_command(), resume=resume, overwrite=overwrite, say=say)
    figures = run.evaluate(n_importance=FIT_IMPORTANCE)
    if not quiet:
        _print_figures(figures)
    print_verdict(figures)
    if report:
        from latentia.report import report_run

        print(f"report: {report_run(run)}")


def _params(
    model: str, latent_dim: int | None, epochs: int | None, n_components: int | str | None, quiet: bool
) -> dict[str, Any]:
    """What the flags say of the estimator; a flag of the other kind of model is an error."""
    from latentia.catalog import DENSITY_MODELS, mixture_name

    name = mixture_name(model)
    if model in DENSITY_MODELS:
        for flag, value in (("--latent-dim", latent_dim), ("--n-components", n_components)):
            if value is not None:
                raise ConfigError(
                    f"{flag} is not for {model}, which has no latent variable; it takes --epochs"
                )
        return {"model": model, "max_epochs": epochs, "verbose": not quiet}
    if name is None:
        if n_components is not None:
            raise ConfigError(f"--n-components is for mixtures; {model} takes --latent-dim and --epochs")
        return {"model": model, "latent_dim": latent_dim, "max_epochs": epochs, "verbose": not quiet}
    for flag, value in (("--latent-dim", latent_dim), ("--epochs", epochs)):
        if value is not None:
            instead = "--n-components" if flag == "--latent-dim" else "--set max_iter=N"
            raise ConfigError(f"{flag} is for VAEs; {name} takes {instead}")
    return {"model": name, "n_components": n_components}


FIT_IMPORTANCE = 20


def evaluate(
    run: str,
    split: Literal["train", "validation", "test"] = "test",
    n_importance: int = 100,
    importance_items: int | None = 1000,
    json: bool = False,
) -> None:
    """Measure a run on one part of its data: bound, rate and distortion, likelihood, errors, active units, verdict.

    Args:
        run: run folder.
        split: train, validation or test.
        n_importance: importance samples for the log-likelihood; 0 leaves it out.
        importance_items: items for which they are drawn, the bound of all being corrected by theirs; null draws for all.
        json: print one JSON object and nothing else.
    """
    from latentia.estimators.run import Run

    figures = Run.open(run).evaluate(split, n_importance, importance_items)
    if json:
        print(_dump(figures))
    else:
        _print_figures(figures)
        print_verdict(figures)


def sample(
    run: str,
    n: int = 64,
    out: str = "samples.png",
    mean: bool = True,
    seed: int = 0,
    label: str | None = None,
) -> None:
    """Draw from the model: z from the prior, decoded; of a mixture, a component and then x; else pixel by pixel.

    Args:
        run: run folder.
        n: how many.
        out: a .png (images), .npy or .csv file.
        mean: of VAEs, the mean of p(x|z) at each z; false adds its noise. Other models always draw x.
        seed: of the draw.
        label: of a model that is conditional on a class (--set conditional=true), which; all in turn if left out.
    """
    from latentia.estimators.folder import read_config
    from latentia.estimators.run import draw
    from latentia.report import write_items

    items = draw(Path(run), n, mean=mean, seed=seed, label=label)
    print(write_items(items, Path(out), read_config(Path(run)).get("columns")))


def reconstruct(
    run: str,
    n: int = 32,
    out: str = "reconstructions.png",
    split: Literal["train", "validation", "test"] = "test",
) -> None:
    """Put items through their codes and back; a .png shows originals above reconstructions.

    Args:
        run: run folder.
        n: how many items, from the start of the split.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test.
    """
    from latentia.estimators.run import Run, require_vae
    from latentia.report import write_items

    opened = Run.open(run)
    estimator = require_vae(opened.estimator, "reconstruct")
    items = opened.split(split).take(n).x
    rebuilt = estimator.reconstruct(items)
    print(write_items(rebuilt, Path(out), opened.config.get("columns"), beside=items))


def report(run: str) -> None:
    """Write report.html and its figures anew.

    Args:
        run: run folder.
    """
    from latentia.estimators.run import Run
    from latentia.report import report_run

    print(report_run(Run.open(run)))


def models() -> None:
    """List the models: name, what it is, reference."""
    from rich.table import Table

    from latentia.catalog import CATALOG, DENSITY_MODELS, DISCRETE, MIXTURES

    table = Table("model", "what it is", "reference", show_lines=True)
    entries: dict[str, Any] = {**CATALOG, **DISCRETE, **DENSITY_MODELS, **MIXTURES}
    for name, entry in entries.items():
        table.add_row(name, entry.summary, entry.reference)
    _print_table(table)


def datasets() -> None:
    """List the data sets by name: size, whether found, where it was looked for."""
    from rich.table import Table

    from latentia.data import datasets_table

    table = Table("data", "what it is", "items", "shape", "found", show_lines=True)
    for row in datasets_table():
        shape = " x ".join(map(str, row.shape))
        found = row.found or "no: looked in " + ", ".join(row.looked_for) + "; " + row.how_to_get
        table.add_row(row.name, row.summary, str(row.n), shape, found)
    _print_table(table)


def export(run: str, onnx: bool = True, out: str | None = None) -> None:
    """Export the deterministic encoder and decoder, checked against torch with onnxruntime.

    Args:
        run: run folder.
        onnx: as ONNX (the one format there is).
        out: folder for encoder.onnx and decoder.onnx; RUN/onnx if left out.
    """
    from latentia.estimators import load
    from latentia.estimators.export import export_onnx
    from latentia.estimators.run import require_vae

    if not onnx:
        raise ConfigError("--onnx false leaves nothing to export to; ONNX is the one format")
    estimator = require_vae(load(run), "export")
    for path, difference in export_onnx(estimator, Path(out) if out else Path(run) / "onnx"):
        print(f"{path}  (largest difference from torch {difference:.1e})")


_FITTING = (fit, evaluate, diagnose, sample, reconstruct, complete, report, models, datasets, export)
_USING = (interpolate, traverse, neighbours, resample, inpaint, anomaly, compress, decompress, disentangle)
COMMANDS: tuple[Callable[..., None], ...] = (*_FITTING, *_USING, benchmark)
_POSITIONAL = {"data": "DATA", "run": "RUN", "table": "TABLE", "images": "IMAGES", "file": "FILE"}


def build_parser() -> Parser:
    """The parser of all commands, from the signatures and docstrings of their functions."""
    from latentia import __version__

    parser = Parser(
        prog="latentia",
        description="Fit latent-variable models, judge them, and use them.",
        version=__version__,
    )
    subcommands = parser.add_subcommands(required=True, dest="command")
    for function in COMMANDS:
        summary = (function.__doc__ or "").splitlines()[0]
        sub = Parser(description=summary, exit_on_error=True)
        sub.add_argument("--config", action="config", help="file with settings, as --print_config writes it")
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        _add_arguments(sub, function, names)
        subcommands.add_subcommand(function.__name__, sub, help=summary)
    return parser


def _add_arguments(parser: Parser, function: Any, names: tuple[str, ...]) -> None:
    """One argument for each parameter: type and default from the signature, help from the docstring."""
    import inspect
    import typing

    hints = typing.get_type_hints(function)
    helps = _argument_help(function.__doc__ or "")
    for name in names:
        default = inspect.signature(function).parameters[name].default
        text = helps.get(name, "")
        if name in _POSITIONAL and name == names[0]:
            if hints[name] == list[str] | None:
                parser.add_argument(name, nargs="*", type=str, metavar=_POSITIONAL[name], help=text)
                continue
            parser.add_argument(name, nargs="?", type=str, metavar=_POSITIONAL[name], help=text)
            continue
        flags = ["-n", "--n"] if name == "n" else [f"--{name.replace('_', '-')}"]
        if hints[name] is bool:
            yes_no = ActionYesNo(yes_prefix="", no_prefix="no-")
            parser.add_argument(*flags, dest=name, default=default, action=yes_no, help=text)
        elif name == "set":
            parser.add_argument(*flags, dest=name, nargs="+", default=[], type=str, metavar="K=V", help=text)
        elif hints[name] == list[str]:
            parser.add_argument(
                *flags, dest=name, nargs="+", default=default, type=str, metavar="NAME", help=text
            )
        else:
            parser.add_argument(*flags, dest=name, default=default, type=hints[name], help=text)


def _argument_help(docstring: str) -> dict[str, str]:
    lines = docstring.partition("Args:")[2].splitlines()
    pairs = (line.strip().partition(": ") for line in lines if ": " in line)
    return {name: text for name, _, text in pairs}


def main(argv: list[str] | None = None) -> None:
    """Run a command; an expected error is one line on standard error and exit status 2."""
    parser = build_parser()
    if argv is not None:
        sys.argv = ["latentia", *argv]
    arguments: Namespace = parser.parse_args(sys.argv[1:])
    chosen = arguments.command
    given = arguments[chosen].as_dict()
    configs = given.pop("config", None) or []
    for name in _POSITIONAL:  # an absent positional would hide what the configuration says of it
        if name in given and not given[name]:
            given[name] = _from_config(configs, name)
    function = next(function for function in COMMANDS if function.__name__ == chosen)
    if "run" in given and given["run"] is None and function.__code__.co_varnames[0] == "run":
        _fail(f"RUN is missing: latentia {chosen} RUN, a folder that `latentia fit --out RUN` made")
    try:
        function(**given)
    except LatentiaError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("latentia: interrupted; go on with the same command and --resume", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None


def _from_config(configs: list[Any], name: str) -> str | None:
    """The entry `name` of the last configuration file that has one."""
    import yaml

    found = [yaml.safe_load(Path(str(path)).read_text()).get(name) for path in configs]
    return next((value for value in reversed(found) if value is not None), None)


def _settings(pairs: list[str]) -> dict[str, Any]:
    """`["patience=5", "network=mlp"]` as parameters, `["a.b=1"]` as `{"a": {"b": 1}}`; values are JSON where they can be."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {pair!r}: expected name=value, for example --set patience=20")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = {"True": True, "False": False, "None": None}.get(text, text)
        outer, dot, inner = name.partition(".")
        if dot:
            settings[outer] = {**settings.get(outer, {}), inner: value}
        else:
            settings[name] = tuple(value) if isinstance(value, list) else value
    return settings


def _new_folder(data: str, model: str, reuse: bool) -> Path:
    stem = Path(data.removeprefix("hf://").rstrip("/")).name.split(".")[0] or "data"
    base = Path("runs") / f"{stem}-{model}"
    if reuse or not base.exists():
        return base
    return next(path for i in range(2, 10_000) if not (path := base.with_name(f"{base.name}-{i}")).exists())


def _command() -> str:
    return shlex.join(["latentia", *sys.argv[1:]])


def _dump(figures: dict[str, Any]) -> str:
    return json.dumps(figures, allow_nan=False)


_SHOWN = (
    ("log_likelihood", "log-likelihood", "nats"),
    ("elbo", "bound (ELBO)", "nats"),
    ("distortion", "distortion", "nats"),
    ("kl", "rate (KL)", "nats"),
    ("bits_per_dim", "bits/dim", ""),
    ("uniform_bits_per_dim", "bits/dim", "uniform prior"),
    ("perplexity", "code perplexity", "whole split"),
    ("used_codes", "codes used", ""),
    ("sse", "squared error", "per item"),
    ("sigma2", "sigma^2", ""),
    ("n_components", "components", ""),
    ("aic", "AIC", "train split"),
    ("bic", "BIC", "train split"),
    ("icl", "ICL", "train split"),
    ("laplace", "Laplace", "train split"),
)


def _print_figures(figures: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(
        "figure", "value", "unit", title=f"{figures['model']} on {figures['data']}, {figures['split']} split"
    )
    for name, label, unit in _SHOWN:
        if figures.get(name) is not None:
            table.add_row(label, f"{figures[name]:.6g}", unit)
    if "active_units" in figures:
        table.add_row("active units", f"{figures['active_units']} of {figures['latent_dim']}", "")
    _print_table(table)


def _print_table(table: Any) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(table)


if __name__ == "__main__":
    main()
