"""Fitted estimators from run folders."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, TypeVar

from latentia.diagnostics import Verdict
from latentia.errors import RunFolderError
from latentia.estimators import folder as run_folder
from latentia.estimators.sealed import unsealed
from latentia.guard import shown
from latentia.kinds import kind_of_estimator
from latentia.kinds.plugins import check_plugins

E = TypeVar("E")
logger = logging.getLogger("latentia")


def load(folder: str | Path) -> Any:
    """Read a fitted estimator, of the class that `config.json` names, from a run folder; nothing in it is executed.

    Raises:
        RunFolderError: if the folder is absent, half-written, altered, or from a newer version; the message says which.
        ConfigError: if it needs a plug-in that is not there; the message says which module to import.
    """
    folder = Path(folder)
    config = run_folder.read_config(folder)
    estimator = run_folder.read(folder, config, class_of(folder, config))
    estimator._verdict = _verdict_of(folder)
    return estimator


def load_as(kind: type[E], folder: str | Path) -> E:
    """Read a fitted estimator that must be of a class, or one derived from it; see `load`."""
    estimator = load(folder)
    if not isinstance(estimator, kind):
        raise RunFolderError(
            f"{folder} holds a {type(estimator).__name__}, not a {kind.__name__}: use latentia.load"
        )
    return estimator


def class_of(folder: Path, config: dict[str, Any]) -> Any:
    """The class of estimators that a `config.json` names."""
    check_plugins(folder, config)
    name = config.get("estimator")
    kind = kind_of_estimator(name)
    if kind is None or not isinstance(name, str):
        raise RunFolderError(
            f"{folder / run_folder.CONFIG} names the estimator {name!r}, which latentia does not have"
        )
    return kind.estimator(name)


def read_judged(path: Path) -> dict[str, dict[str, Any]]:
    """The evaluations of a run, by split; one that was altered is left out, and so measured anew.

    Raises:
        RunFolderError: if the file cannot be read.
    """
    if not path.exists():
        return {}
    found = {}
    for split, figures in run_folder.read_json(path).items():
        plain = unsealed(figures) if isinstance(figures, dict) else None
        if plain is None or not isinstance(plain.get("verdict"), str):
            logger.warning(
                "%s: what it says of the %s split was altered, and is left aside", path, shown(split)
            )
        else:
            found[split] = plain
    return found


def _verdict_of(folder: Path) -> Verdict | None:
    """The verdict that stands in `evaluation.json`; None where there is none."""
    judged = read_judged(folder / run_folder.EVALUATION)
    found = judged.get("test") or next(iter(judged.values()), None)
    if found is None:
        return None
    names, evidence, remedies = (
        tuple(map(str, found.get(name) or ())) for name in ("verdicts", "evidence", "remedies")
    )
    return Verdict(str(found["verdict"]), evidence, remedies, names)
