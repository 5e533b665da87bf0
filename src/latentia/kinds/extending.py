"""A finished run is trained on, in a hidden folder beside it, which takes its place when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latentia.data import Dataset
from latentia.errors import ConfigError, RunFolderError
from latentia.estimators import folder as run_folder
from latentia.estimators.planning import AUTO
from latentia.files import exchange
from latentia.kinds.fitting import DEFAULT_MODEL, check_folder, fit_run
from latentia.kinds.known import DataSpec
from latentia.kinds.run import Run
from latentia.kinds.stages import FIRST, plain, settle, takes_minutes
from latentia.training.extension import BEGIN, hand_over

EXTENDED = "extended"
"""Entry of `config.json`: what each part of a fit that was gone on with was asked for, the first part first."""
LENGTH = ("max_epochs", "max_minutes", "patience", "steps", "prior_epochs")
"""Parameters that say how long a fit is, and may differ."""
_CHECKPOINTS, _LATER_STAGE = "checkpoints", "prior"


def extend_run(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    judged: Callable[[Run], None],
    overwrite: bool = False,
    dataset: Dataset | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Train the finished run in `out` on, by a new schedule of the learning rate; where that finds nothing better, its weights stay.

    Args:
        spec: its data.
        params: its parameters; those of `LENGTH` say how much longer.
        out: the run folder.
        command: what the person typed.
        judged: called with the run when it is in its place.
        overwrite: begin anew what was interrupted, instead of going on with it.
        dataset: what `spec` loads, if it is there already.
        say: told what happens.

    Raises:
        ConfigError: for other settings than those of the run, or a kind of model that is not trained by epochs.
        RunFolderError: if `out` holds no finished run.
    """
    params = plain({"model": DEFAULT_MODEL, **params})
    out = out.absolute()
    later = out.with_name(f".{out.name}.longer")
    settle(out)
    same = {name: value for name, value in params.items() if name not in LENGTH}
    if check_folder(out, spec, same, resume=True, overwrite=False) is None:
        raise RunFolderError(f"{out} holds no run that could be extended: fit one first")
    run = Run.open(out)
    _check_whole(run)
    if overwrite:
        shutil.rmtree(later, ignore_errors=True)
    notes = {"asked": run.config.get("asked", run.asked), EXTENDED: [*_parts(run), _part(params)]}
    chosen = getattr(run.estimator, "network_", None)
    open_ = takes_minutes(run.kind) and params.get("max_epochs") is None
    if run.config.get(run_folder.PLAN) or (open_ and params.get("max_minutes", AUTO) is not None):
        params["network"] = chosen  # time chose it, and would choose again
    say(f"{out.name} is trained on; it stays as it is until that is done")
    try:
        if not later.exists():
            hand_over(out, later)
            if (
                out / _LATER_STAGE / _CHECKPOINTS
            ).exists():  # its data are codes, which change with the model
                hand_over(out / _LATER_STAGE, later / _LATER_STAGE, same_data=False)
        longer = fit_run(
            spec, params, later, command=command, resume=True, say=say, dataset=dataset, notes=notes
        )
    except Exception:
        if not any(later.glob(f"{_CHECKPOINTS}/last.ckpt")):
            shutil.rmtree(later, ignore_errors=True)
        raise
    for path in later.rglob(BEGIN):
        path.unlink()
    exchange(out, later)
    shutil.rmtree(later)
    run = Run.open(out)
    run._dataset = longer.dataset
    judged(run)  # where it is: what it says of remedies names its folder
    return run


def _check_whole(run: Run) -> None:
    """Raise `ConfigError` for a run that was not trained by epochs, in one piece and to its end."""
    assert run.folder is not None
    if FIRST in run.config:
        raise ConfigError(
            f"{run.folder.name} holds a first model: --resume goes on to the one that was asked for"
        )
    kept = run.folder / _CHECKPOINTS
    if not kept.is_dir():
        raise ConfigError(
            f"--extend is for models that are trained by epochs; {run.model} ({run.kind.title}) is not, or its checkpoint is gone: fit it again"
        )
    if any(path.is_dir() for path in kept.iterdir()):
        raise ConfigError(
            f"--extend is for fits of one piece; {run.model} ({run.kind.title}) learns parts of itself first: fit it again, with more --epochs"
        )


def _parts(run: Run) -> list[dict[str, Any]]:
    """What each part of the fit so far was asked for."""
    found: list[dict[str, Any]] = run.config.get(EXTENDED) or [_part(run.config["params"])]
    found[-1] = {**found[-1], **({"plan": plan} if (plan := run.config.get(run_folder.PLAN)) else {})}
    return found


def _part(params: dict[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in LENGTH if params.get(name) not in (None, AUTO)}
