"""A fit that begins at the weights of one that is finished: what is handed over, and how it is taken up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from latentia.errors import RunFolderError, TrainingError
from latentia.files import write_atomically
from latentia.training.averaging import copy_of
from latentia.training.checkpoint_file import packed
from latentia.training.checkpoints import Checkpoints, difference
from latentia.training.records import EpochRecord
from latentia.training.task import Position

if TYPE_CHECKING:
    from latentia.training.loop import Loop

BEGIN = "begin.ckpt"
"""Beside the last checkpoint of a fit: the finished one that it goes on from."""
_SAME = ("part", "shape of", "training data")
_COMPARED = ("objective", "validation data")
_DATA = ("training data", "validation data")


def hand_over(finished: Path, folder: Path, *, same_data: bool = True) -> None:
    """Put the checkpoint of a finished fit where another will begin.

    Args:
        finished: folder of the finished fit.
        folder: of the other.
        same_data: whether that one must have the same data.

    Raises:
        RunFolderError: if there is no checkpoint of a finished fit.
    """
    found = Checkpoints(finished, {}).read()
    if found is None or not found["state"]["position"]["finished"]:
        raise RunFolderError(
            f"{finished} holds no checkpoint of a finished fit: finish it with --resume, or fit again"
        )
    if not same_data:
        found["identity"].update(dict.fromkeys(_DATA))
    write_atomically(folder / "checkpoints" / BEGIN, packed(found))


def handed_over(folder: Path | None, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a fit into a folder begins with; None if it begins from scratch.

    Raises:
        TrainingError: if that is of another model or of other data; says what differs.
        RunFolderError: if it cannot be read.
    """
    path = None if folder is None else folder / "checkpoints" / BEGIN
    if folder is None or path is None or not path.exists():
        return None
    found = Checkpoints(folder, {}, BEGIN).read()
    assert found is not None
    there = {name: value for name, value in found["identity"].items() if value is not None}
    for name in _SAME:
        unlike = difference(there[name], identity[name], name) if name in there else None
        if unlike is not None:
            raise TrainingError(
                f"a finished fit cannot be gone on with: {unlike}; extend it with the data and settings that it had"
            )
    state: dict[str, Any] = found["state"]
    state["comparable"] = all(there.get(name) == identity[name] for name in _COMPARED)
    return state


def take_weights(begin: Mapping[str, Any], model: nn.Module, objective: object) -> None:
    """Give a model the weights to begin with, and its objective what it had learned."""
    model.load_state_dict(begin["model"])
    if isinstance(objective, nn.Module) and begin.get("objective") is not None:
        objective.load_state_dict(begin["objective"])


def take_up(begin: Mapping[str, Any], loop: Loop, *, anew: bool) -> None:
    """Let a loop stand where the finished one ended: its weights are the best so far, and what ramps up has done so.

    Args:
        begin: what was handed over.
        loop: of the fit that goes on from it.
        anew: whether it has done nothing yet.
    """
    loop.pace.extends = True
    if not anew:
        return
    position = loop.position
    former = Position(
        **{**begin["position"], "records": [EpochRecord(**each) for each in begin["position"]["records"]]}
    )
    epochs, position.former_best = in_all(former)
    position.former = [vars(record) for record in epochs]
    if begin["comparable"] and former.best_score is not None:
        position.best_score, position.best_leg = former.best_score, 0
        with torch.no_grad():
            loop.judge.best = copy_of(loop.model)


def in_all(position: Position) -> tuple[tuple[EpochRecord, ...], float | None]:
    """The records of a fit after those of the finished one that it goes on from, and the epoch whose weights are kept."""
    before = [EpochRecord(**each) for each in position.former]
    epoch, step = (before[-1].epoch, before[-1].step) if before else (0, 0)
    after = [
        replace(each, epoch=epoch + each.epoch, step=step + each.step) if before else each
        for each in position.records
    ]
    best = len(after) if position.best_leg is None else position.best_leg
    return (*before, *after), after[best - 1].epoch if best else position.former_best
