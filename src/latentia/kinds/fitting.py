"""Fitting into a run folder: the data by name, the model by name, all kept in one place; what `latentia fit` calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from latentia.data import Dataset
from latentia.data.shapes import Shape
from latentia.errors import ConfigError, RunFolderError
from latentia.estimators import folder as run_folder
from latentia.estimators.planning import AUTO
from latentia.kinds import kind_of
from latentia.kinds.kind import Kind
from latentia.kinds.known import KNOWN, DataSpec, in_numbers, knowledge_of
from latentia.kinds.replacing import is_rest_of_run, put_back_unless_begun
from latentia.kinds.run import Run
from latentia.progress import stage

DEFAULT_MODEL = "sigma-vae"
MOST_LINES = 60
"""Lines on columns that are said."""


def fit_run(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
    dataset: Dataset | None = None,
    notes: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """Fit, and keep everything in `out`.

    Args:
        spec: the data.
        params: `model`, a name of `latentia models`, and arguments of its estimator (of mixtures, `n_components` may be a
            range as "1..7", or None for 1..10).
        out: the run folder.
        command: what the person typed, kept for the report.
        resume: go on with the interrupted run in `out`; a finished one is returned as it is.
        overwrite: replace what is in `out`.
        say: told what happens.
        dataset: what `spec` loads, if it is there already.
        notes: further entries of `config.json`.

    Raises:
        ConfigError: if a resumed run has other settings than those given.
        DataError: if the kind of model is not for such data.
        RunFolderError: if `out` holds a run already, or cannot be written.
    """
    params = {"model": DEFAULT_MODEL, **params}
    started = check_folder(out, spec, dict(notes.get("asked", params)), resume, overwrite)
    if started == "fitted":
        say(f"{out} is finished already")
        return Run.open(out)
    kind = kind_of(params["model"])
    recipe = kind.recipe(params)
    if recipe.holds_out and not spec.hold_out:
        raise ConfigError(
            f"--no-hold-out is for mixtures, whose size a criterion chooses; {params.get('model')} stops by rows held out"
        )
    with stage("reading data"):
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
    about = {"kind": kind.name, "data": asdict(spec), "command": command, **notes}
    with put_back_unless_begun(out, replaces=overwrite and not resume, resumes=resume):
        run_folder.start(recipe.estimator, out, {**about, **recipe.asked}, resume)
        with stage(f"fit of {params['model']}"):
            estimator, entries = recipe.fit(dataset, out, resume, say)
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
        if out.is_dir() and any(out.iterdir()) and not resume and not (overwrite and is_rest_of_run(out)):
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
        if name == "max_minutes" and value == AUTO and kept.get(name) is None:
            continue  # so it was before a fit could have a time that nobody gave
        if name != "verbose" and kept.get(name) != value:
            raise ConfigError(
                f"the run in {out} was started with {name}={kept.get(name)!r}, not {value!r}: resume it with the "
                "settings that it was started with"
            )
    return str(config.get("state"))
