"""`latentia fit DATA`: a model, its judgement and its report in a run folder."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from latentia.commands.output import print_figures, print_verdict
from latentia.errors import ConfigError

IMPORTANCE = 20  # samples of an item for the log-likelihood that ends a fit


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
    from latentia.kinds.run import DataSpec, fit_run

    if data is None:
        raise ConfigError("DATA is missing: latentia fit DATA, for example latentia fit digits")
    params = _params(model, latent_dim, epochs, n_components, quiet)
    params |= {"random_state": seed, **parse_settings(set or [])}
    spec = DataSpec(data, seed, image_size, label_column, hold_out)
    folder = Path(out) if out else _new_folder(data, model, resume or overwrite)
    say = (lambda _: None) if quiet else print
    fitted = fit_run
    if auto_remedy:
        from latentia.kinds.vae.auto_remedy import fit_with_remedies as fitted
    run = fitted(spec, params, folder, command=_command(), resume=resume, overwrite=overwrite, say=say)
    figures = run.evaluate(n_importance=IMPORTANCE)
    if not quiet:
        print_figures(figures)
    print_verdict(figures)
    if report:
        from latentia.kinds.vae.page import report_run

        print(f"report: {report_run(run)}")


def _params(
    model: str, latent_dim: int | None, epochs: int | None, n_components: int | str | None, quiet: bool
) -> dict[str, Any]:
    """What the flags say of the estimator; a flag of the other kind of model is an error."""
    from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
    from latentia.kinds.names import mixture_name

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


def parse_settings(pairs: list[str]) -> dict[str, Any]:
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
