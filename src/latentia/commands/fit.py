"""`latentia fit DATA`: a model, its judgement and its report in a run folder."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentia.commands.named import named
from latentia.commands.output import print_figures, print_verdict
from latentia.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from latentia.data import Dataset
    from latentia.kinds.run import Run
    from latentia.kinds.spec import DataSpec

IMPORTANCE = 20  # samples of an item for the log-likelihood that ends a fit


def fit(
    data: str | None = None,
    model: str = "sigma-vae",
    out: str | None = None,
    seed: int = 0,
    set: list[str] | None = None,  # noqa: A002  the flag's name
    resume: bool = False,
    extend: bool = False,
    overwrite: bool = False,
    image_size: int | None = None,
    channels: str = "auto",
    label_column: str | None = None,
    column: list[str] | None = None,
    drop: list[str] | None = None,
    text_column: str | None = None,
    input_column: str | None = None,
    output_column: str | None = None,
    id: str | None = None,  # noqa: A002  the flag's name
    order: str | None = None,
    time: str | None = None,
    event: str | None = None,
    hold_out: bool = True,
    auto_remedy: bool = False,
    quick: bool = False,
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
        extend: train the finished run in the folder on, for as many --epochs or --minutes more; where nothing better is found its weights stay.
        overwrite: replace the run in the folder.
        channels: where images in a .npy or .npz have their channels, first or last; auto takes the only axis that they can be.
        image_size: cut the middle square out of each image and resize it to so many pixels.
        label_column: column of a table that holds classes: not fitted, used to colour maps.
        column: what a column of a table is to be taken as, NAME=KIND; a kind is number, count, binary, category, ordinal, date, date:FORMAT, decimal-comma, id or drop. May be given more than once.
        drop: a column of a table to leave out; may be given more than once.
        text_column: column of a table (key of a .jsonl file) that holds texts.
        input_column: column of a table that holds texts from which others follow; an empty cell: only the other is known.
        output_column: the column that holds those others.
        id: the column of a table that names its rows; with --event or --time, the column that says whose the event or time step is.
        order: the column by which events are ordered.
        time: the same, of time steps.
        event: the column that says what happened.
        hold_out: keep a test part from fitting; --no-hold-out fits a mixture to all rows, as is usual where a criterion chooses the number of components.
        auto_remedy: where the diagnosis finds a fault, fit again with its remedy, at most twice, and keep the better run.
        quick: end with a first model, within a minute and a half; otherwise a fit that takes long replaces it when it is done.
        report: write report.html.
        quiet: print nothing but the verdict.
        flags: those of the kinds of models (`latentia.kinds.kind.Flag`), by key.
    """
    if data is None:
        raise ConfigError("DATA is missing: latentia fit DATA, for example latentia fit digits")
    from latentia.data.loading import shape_before
    from latentia.kinds.spec import DataSpec

    _check_ways(resume, quick, auto_remedy, extend)
    roles = _given(
        text=text_column, input=input_column, output=output_column, order=order, time=time, event=event
    )
    if id is not None and roles:
        roles["id"], id = id, None  # noqa: A001  the flag's name
    kinds = named("--column", column or [], "NAME=KIND", "plan=category", last=True)
    of_columns = (roles or None, kinds or None, drop, id)
    spec = DataSpec(data, seed, image_size, label_column, hold_out, channels, *of_columns)
    # what is wrong with a file is told before anything heavy is loaded
    dataset = spec.load() if spec.is_file and not (resume or extend) else None
    from latentia.kinds import fitting_model, kind_of, params_of

    model = fitting_model(model, shape_before(data, roles))
    shown = {"verbose": not quiet} if kind_of(model).shows_progress else {}
    own = params_of(kind_of(model), model, flags)
    params = {**own, **shown, "random_state": seed, **parse_settings(set or [])}
    folder = Path(out) if out else _new_folder(data, model, resume or extend or overwrite)
    judged = partial(_judged, folder=folder, report=report, quiet=quiet)
    how = {"command": _command(), "overwrite": overwrite, "say": (lambda _: None) if quiet else print}
    ways = {"extend": extend, "auto_remedy": auto_remedy, "resume": resume, "quick": quick}
    _carry_out(spec, params, folder, dataset, judged, how, **ways)


def _carry_out(
    spec: DataSpec,
    params: dict[str, Any],
    folder: Path,
    dataset: Dataset | None,
    judged: Callable[[Run], None],
    how: dict[str, Any],
    *,
    extend: bool,
    auto_remedy: bool,
    resume: bool,
    quick: bool,
) -> None:
    """One way to fit, by what was asked for."""
    from latentia.kinds.auto_remedy import fit_with_remedies
    from latentia.kinds.extending import extend_run
    from latentia.kinds.stages import fit_in_stages

    if extend:
        extend_run(spec, params, folder, judged=judged, **how)
    elif auto_remedy:
        judged(fit_with_remedies(spec, params, folder, resume=resume, dataset=dataset, **how))
    else:
        how = {**how, "resume": resume, "dataset": dataset}
        fit_in_stages(spec, params, folder, judged=judged, quick=quick, **how)


def _check_ways(resume: bool, quick: bool, auto_remedy: bool, extend: bool) -> None:
    """Ways to fit that exclude each other."""
    if quick and auto_remedy:
        raise ConfigError("--quick ends with one short fit, --auto-remedy fits again: give one of them")
    if extend and (resume or quick or auto_remedy):
        raise ConfigError(
            "--extend trains a finished run on: give it without --resume, --quick and --auto-remedy"
        )


def _judged(run: Run, folder: Path, report: bool, quiet: bool) -> None:
    """Judge a run that was fitted, and write its report; `folder` is where it will be."""
    from latentia.kinds.reporting import report_run

    figures = run.evaluate(n_importance=IMPORTANCE, items=run.items_in_proportion())
    if not quiet:
        print_figures(figures, run.kind.words)
    print_verdict(figures)
    if report:
        print(f"report: {folder / report_run(run).name}")


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """`["patience=5", "network=mlp"]` as parameters, `["a.b=1"]` as `{"a": {"b": 1}}`; values are JSON where they can be."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {pair!r}: expected name=value, for example --set patience=20")
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
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


def _given(**columns: str | None) -> dict[str, str]:
    """Those that a person named."""
    return {role: column for role, column in columns.items() if column is not None}
