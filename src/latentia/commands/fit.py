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
    out: str | None = None,
    seed: int = 0,
    set: list[str] | None = None,  # noqa: A002  the flag's name
    resume: bool = False,
    overwrite: bool = False,
    image_size: int | None = None,
    channels: str = "auto",
    label_column: str | None = None,
    column: list[str] | None = None,
    drop: list[str] | None = None,
    text_column: str | None = None,
    id: str | None = None,  # noqa: A002  the flag's name
    order: str | None = None,
    time: str | None = None,
    event: str | None = None,
    hold_out: bool = True,
    auto_remedy: bool = False,
    report: bool = True,
    quiet: bool = False,
    **flags: Any,
) -> None:
    """Fit a model to data, judge it, and keep everything in a run folder.

    Args:
        data: a name (`latentia datasets`), a folder of images, a .txt .jsonl .npy .npz .csv .tsv .parquet file, or hf://owner/name.
        model: a name of `latentia models`; for data that this one is not for, the first model that is.
        out: run folder; runs/DATA-MODEL if left out.
        seed: of everything random.
        set: further parameters of the estimator (latentia.VAE, latentia.GaussianMixture, ...), as name=value; options of the objective as objective_options.beta=8.
        resume: go on with an interrupted run.
        overwrite: replace the run in the folder.
        channels: where images in a .npy or .npz have their channels, first or last; auto takes the only axis that they can be.
        image_size: cut the middle square out of each image and resize it to so many pixels.
        label_column: column of a table that holds classes: not fitted, used to colour maps.
        column: what a column of a table is to be taken as, NAME=KIND; a kind is number, count, binary, category, ordinal, date, date:FORMAT, decimal-comma, id or drop. May be given more than once.
        drop: a column of a table to leave out; may be given more than once.
        text_column: column of a table (key of a .jsonl file) that holds texts.
        id: the column of a table that names its rows; with --event or --time, the column that says whose the event or time step is.
        order: the column by which events are ordered.
        time: the same, of time steps.
        event: the column that says what happened.
        hold_out: keep a test part from fitting; --no-hold-out fits a mixture to all rows, as is usual where a criterion chooses the number of components.
        auto_remedy: where the diagnosis finds a fault, fit again with its remedy, at most twice, and keep the better run.
        report: write report.html.
        quiet: print nothing but the verdict.
        flags: those of the kinds of models (`latentia.kinds.kind.Flag`), by key.
    """
    from latentia.data.loading import shape_before
    from latentia.kinds.spec import DataSpec

    if data is None:
        raise ConfigError("DATA is missing: latentia fit DATA, for example latentia fit digits")
    roles, id = _roles(text_column, id, order, time, event)  # noqa: A001  the flag's name
    kinds = _kinds(column or [])
    spec = DataSpec(
        data, seed, image_size, label_column, hold_out, channels, roles or None, kinds, drop, id
    )  # fmt: skip
    # what is wrong with a table is told before anything heavy is loaded
    dataset = spec.load() if spec.is_table and not resume else None
    from latentia.kinds import fitting_model, kind_of, params_of
    from latentia.kinds.auto_remedy import fit_with_remedies
    from latentia.kinds.fitting import fit_run
    from latentia.kinds.reporting import report_run

    model = fitting_model(model, shape_before(data, roles))
    kind = kind_of(model)
    params = params_of(kind, model, flags)
    if kind.shows_progress:
        params["verbose"] = not quiet
    params |= {"random_state": seed, **parse_settings(set or [])}
    folder = Path(out) if out else _new_folder(data, model, resume or overwrite)
    say = (lambda _: None) if quiet else print
    fitted = fit_with_remedies if auto_remedy else fit_run
    run = fitted(
        spec, params, folder, command=_command(), dataset=dataset, resume=resume, overwrite=overwrite, say=say
    )
    figures = run.evaluate(n_importance=IMPORTANCE)
    if not quiet:
        print_figures(figures, kind.words)
    print_verdict(figures)
    if report:
        print(f"report: {report_run(run)}")


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


def _roles(
    text: str | None, who: str | None, order: str | None, time: str | None, event: str | None
) -> tuple[dict[str, str], str | None]:
    """Roles of the columns of a table with a row an event; else the column that names the rows."""
    named = (("text", text), ("order", order), ("time", time), ("event", event))
    roles = {name: column for name, column in named if column is not None}
    return ({**roles, "id": who}, None) if who is not None and roles else (roles, who)


def _kinds(pairs: list[str]) -> dict[str, str] | None:
    """`["plan=category"]` as `{"plan": "category"}`."""
    found = {}
    for pair in pairs:
        name, equals, kind = pair.rpartition("=")
        if not equals or not name:
            raise ConfigError(f"--column {pair!r}: expected NAME=KIND, for example --column plan=category")
        found[name] = kind
    return found or None


def _new_folder(data: str, model: str, reuse: bool) -> Path:
    stem = Path(data.removeprefix("hf://").rstrip("/")).name.split(".")[0] or "data"
    base = Path("runs") / f"{stem}-{model}"
    if reuse or not base.exists():
        return base
    return next(path for i in range(2, 10_000) if not (path := base.with_name(f"{base.name}-{i}")).exists())


def _command() -> str:
    return shlex.join(["latentia", *sys.argv[1:]])
