"""Two fits in one command: a first model within a minute and a half, in whose place the whole fit's then steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latentia.data import Dataset
from latentia.errors import ConfigError, RunFolderError
from latentia.estimators import folder as run_folder
from latentia.files import exchange
from latentia.kinds import kind_of
from latentia.kinds.fitting import DEFAULT_MODEL, check_folder, fit_run
from latentia.kinds.kind import Kind
from latentia.kinds.known import DataSpec
from latentia.kinds.run import Run

FIRST = "first"
"""Entry of `config.json` of a run that another will replace: the parameters that differ from what was asked for."""


def fit_in_stages(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    judged: Callable[[Run], None],
    resume: bool = False,
    overwrite: bool = False,
    quick: bool = False,
    dataset: Dataset | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Fit, judge, and keep all in `out`; where that takes long, a first model lies there meanwhile.

    The long fit is made in a hidden folder beside `out`, which changes places with it at once when it is whole. A first fit that Ctrl-C ended
    early is not followed by another, unless it is resumed.

    Args:
        spec: the data.
        params: see `fit_run`.
        out: the run folder.
        command: what the person typed.
        judged: called with each run when it is fitted, while it is where it was fitted.
        resume: go on with what was interrupted.
        overwrite: replace what is in `out`.
        quick: end with the first model.
        dataset: what `spec` loads, if it is there already.
        say: told what happens.

    Raises:
        ConfigError: with `quick`, for a kind of model that cannot be told how long to take; and as `fit_run`.
        RunFolderError: as `fit_run`.
    """
    params = {"model": DEFAULT_MODEL, **params}
    out = out.absolute()
    if out == out.parent:
        raise RunFolderError(f"{out} is the root of all files; give a folder below it as --out")
    later = out.with_name(f".{out.name}.long")
    settle(out)
    state = check_folder(out, spec, params, resume, overwrite)
    known = run_folder.read_json(out / run_folder.CONFIG).get(FIRST) if state is not None and resume else None
    options: dict[str, Any] = {"command": command, "say": say}
    kind = kind_of(params["model"])
    if quick and not takes_minutes(kind):
        raise ConfigError(
            f"--quick is for models that take --minutes; {params['model']} ({kind.title}) does not"
        )
    if state is None:
        shutil.rmtree(later, ignore_errors=True)
        dataset = spec.load() if dataset is None else dataset
        known = first_of(kind, params, dataset)
    if known is None:
        run = fit_run(spec, params, out, resume=resume, overwrite=overwrite, dataset=dataset, **options)
        judged(run)
        return run
    if state == "fitted":
        run = Run.open(out)
    else:
        say(
            f"a first model within {60 * known['max_minutes']:.0f} seconds; what was asked for takes its place later"
        )
        notes = {"asked": plain(params), FIRST: known}
        changed = {**params, **known}
        run = fit_run(
            spec, changed, out, resume=resume, overwrite=overwrite, dataset=dataset, notes=notes, **options
        )
        judged(run)
        if quick or run.estimator.cooled_:
            return run
    say(f"{out.name} holds a first model; now what was asked for")
    run = fit_run(spec, params, later, resume=later.exists(), dataset=run.dataset, **options)
    run.home = out
    judged(run)
    exchange(out, later)
    shutil.rmtree(later)
    return Run.open(out)


def first_of(kind: Kind, params: dict[str, Any], dataset: Dataset) -> dict[str, Any] | None:
    """The parameters of a first, short fit, as far as they differ; None where the fit is short itself, or its kind has none."""
    if not takes_minutes(kind) or dataset.shape not in kind.accepts:
        return None
    found: dict[str, Any] | None = kind.recipe(params).first(dataset)
    return found


def takes_minutes(kind: Kind) -> bool:
    """Whether fits of a kind can be told how long to take."""
    return any(flag.parameter == "max_minutes" for flag in kind.flags)


def settle(out: Path) -> None:
    """Put back what was aside when two folders that were to change places were cut off, where a system cannot do that at once."""
    aside = out.with_name(f".{out.name}.aside")
    if aside.exists() and not out.exists():
        aside.rename(out)


def plain(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
