"""Fitting into a run folder: the data by name, the model by name, all kept in one place; what `latentia fit` calls."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from latentia.data import Dataset
from latentia.data.shapes import Shape
from latentia.errors import ConfigError, LatentiaError, RunFolderError, TrainingError
from latentia.estimators import folder as run_folder
from latentia.kinds import kind_of
from latentia.kinds.kind import Kind
from latentia.kinds.known import KNOWN, ROWS, DataSpec, in_numbers, knowledge_of
from latentia.kinds.run import Run

DEFAULT_MODEL = "sigma-vae"
MOST_LINES = 60
"""Lines on columns that are said."""
ATTEMPTS = "attempts"  # the folder of a run in which those of `--auto-remedy` lie


def fit_run(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    dataset: Dataset | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Fit, and keep everything in `out`.

    Args:
        spec: the data.
        params: `model`, a name of `latentia models`, and arguments of its estimator (of mixtures, `n_components` may be a
            range as "1..7", or None for 1..10).
        out: the run folder.
        command: what the person typed, kept for the report.
        dataset: the data, if they are loaded already.
        resume: go on with the interrupted run in `out`; a finished one is returned as it is.
        overwrite: replace what is in `out`.
        say: told what happens.

    Raises:
        ConfigError: if a resumed run has other settings than those given.
        DataError: if the kind of model is not for such data.
        RunFolderError: if `out` holds a run already, or cannot be written.
    """
    params = {"model": DEFAULT_MODEL, **params}
    started = check_folder(out, spec, params, resume, overwrite)
    if started == "fitted":
        say(f"{out} is finished already")
        return Run.open(out)
    kind = kind_of(params["model"])
    recipe = kind.recipe(params)
    if recipe.holds_out and not spec.hold_out:
        raise ConfigError(
            f"--no-hold-out is for mixtures, whose size a criterion chooses; {params.get('model')} stops by rows held out"
        )
    dataset = spec.load() if dataset is None else dataset
    if not takes_columns(kind, params.get("model")):
        dataset = in_numbers(dataset)
    if dataset.shape not in kind.accepts:
        takes = ", ".join(sorted(shape.value for shape in kind.accepts))
        raise ConfigError(
            f"{params.get('model')} ({kind.title}) is for {takes}; {spec.name} holds {dataset.shape.value}: take another --model"
        )
    say(dataset.source)
    for line in [] if params.get("verbose") else [*dataset.notes[:MOST_LINES], *_further(dataset.notes)]:
        say(f"  {line}")  # estimators that speak tell it themselves
    new = not out.exists()
    if overwrite and not resume:
        clear(out)
    about = {"kind": kind.name, "data": asdict(spec), "command": command}
    run_folder.start(recipe.estimator, out, {**about, **recipe.asked})
    try:
        estimator, entries = recipe.fit(dataset, out, resume, say)
    except LatentiaError as error:
        if new and not isinstance(error, TrainingError):
            shutil.rmtree(out, ignore_errors=True)
        raise
    columns = None if dataset.feature_names is None else list(dataset.feature_names)
    known = {KNOWN: knowledge_of(spec, dataset, out)}
    kept = {**about, "source": dataset.source, "columns": columns, **known}
    run_folder.save(estimator, out, {**kept, **recipe.asked, **entries})
    run = Run.open(out)
    run._dataset = dataset
    return run


def takes_columns(kind: Kind, model: Any) -> bool:
    """Whether a model takes tables of unlike columns; of a kind that takes no tables at all, others say what is wrong."""
    if Shape.MIXED not in kind.accepts:
        return Shape.TABLE not in kind.accepts
    name = kind.model_name(model)
    return name is None or bool(getattr(kind.entries()[name], "mixed", True))


def _further(notes: Sequence[str]) -> list[str]:
    return [f"... and {len(notes) - MOST_LINES} more columns"] if len(notes) > MOST_LINES else []


def check_folder(
    out: Path, spec: DataSpec, params: dict[str, Any], resume: bool, overwrite: bool
) -> str | None:
    """Whether `out` may be written to; gives the state of the run in it, if it is to be resumed."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file, not a folder; give another --out")
    config_file = out / run_folder.CONFIG
    if not config_file.exists():
        if out.is_dir() and any(out.iterdir()) and not resume:
            raise RunFolderError(f"{out} is not empty and no run folder; give a new or empty folder")
        return None
    if not resume:
        if overwrite:
            return None
        raise RunFolderError(f"{out} holds a run already: give another --out, or --overwrite, or --resume")
    config = run_folder.read_json(config_file)
    wanted = {"data": asdict(spec), **params}
    known = {**asdict(DataSpec("")), **(config.get("data") or {})}
    kept = {"data": known, **config.get("asked", config.get("params", {}))}
    for name, value in wanted.items():
        value = list(value) if isinstance(value, tuple) else value
        if name != "verbose" and kept.get(name) != value:
            raise ConfigError(
                f"the run in {out} was started with {name}={kept.get(name)!r}, not {value!r}: resume it with the "
                "settings that it was started with"
            )
    return str(config.get("state"))


def clear(out: Path) -> None:
    """Remove an old run's files, and only those."""
    for name in (
        run_folder.CONFIG,
        run_folder.WEIGHTS,
        run_folder.METRICS,
        run_folder.EVALUATION,
        ROWS,
        "report.html",
    ):
        (out / name).unlink(missing_ok=True)
    for name in ("checkpoints", "figures", "logs", "prior", ATTEMPTS):
        shutil.rmtree(out / name, ignore_errors=True)
