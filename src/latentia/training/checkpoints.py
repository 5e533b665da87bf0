"""Checkpoints: all that a killed fit needs to go on bit for bit, written so that a half-written one is never read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentia.errors import LatentiaError, RunFolderError, TrainingError
from latentia.files import sweep, write_atomically
from latentia.guard import read_plain
from latentia.training.batches import Batches
from latentia.training.checkpoint_file import packed, unpacked
from latentia.training.config import TrainingConfig

_FORMAT = 6
LAST = "last.ckpt"
_FREE = ("loggers", "progress", "checkpoint_seconds", "device")  # settings that change no weight


class Checkpoints:
    """A checkpoint of a run folder, `checkpoints/last.ckpt`, and what it belongs to.

    Args:
        folder: the run folder.
        identity: what a checkpoint must agree with to be resumed; see `identity_of`.
        name: of the file.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], name: str = LAST) -> None:
        self.path = folder / "checkpoints" / name
        self.identity = identity

    def clear(self) -> None:
        """Remove what an earlier run left in this folder."""
        sweep(self.path.parent)
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunFolderError(f"cannot remove {self.path}: {error.strerror or error}") from error

    def save(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint by `state`."""
        write_atomically(self.path, packed({"format": _FORMAT, "identity": self.identity, "state": state}))

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last, or None if there is none.

        Raises:
            TrainingError: if it is of another model, configuration or data; says what differs.
            RunFolderError: if it cannot be read.
        """
        sweep(self.path.parent)
        checkpoint = self.read()
        if checkpoint is None:
            return None
        unlike = difference(checkpoint["identity"], self.identity)
        if unlike is not None:
            raise TrainingError(
                f"checkpoint {self.path} does not belong to this fit: {unlike}; resume with what it was started"
                " with, or fit into another folder"
            )
        state: dict[str, Any] = checkpoint["state"]
        return state

    def read(self) -> dict[str, Any] | None:
        """The file as it was written, whatever it belongs to; None if there is none.

        Raises:
            RunFolderError: if it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            content = read_plain(self.path)
            if content[:2] == b"PK":  # as torch.save wrote it, up to format 4
                raise ValueError("an earlier version wrote it, which alone can resume it")
            found = unpacked(content)
            version = found["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise RunFolderError(
                f"cannot read checkpoint {self.path}: {reason}; remove it to start again from the first epoch"
            ) from error
        if version != _FORMAT:
            raise RunFolderError(
                f"checkpoint {self.path} has format {version}, this version reads {_FORMAT}; resume it with the version"
                " that wrote it, or remove it to start again"
            )
        return found


@contextmanager
def taken(checkpoints: Checkpoints | None) -> Iterator[None]:
    """Around what puts a state back: whatever does not fit is one error, which names the file."""
    try:
        yield
    except LatentiaError:
        raise
    except (
        Exception
    ) as error:  # a state of another shape breaks model, optimizer and schedule in ways of their own
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise RunFolderError(
            f"checkpoint {getattr(checkpoints, 'path', '')} lacks or distorts a part ({why}); remove it to start again from the "
            "first epoch"
        ) from error


def learned(model: nn.Module, objective: nn.Module | None) -> dict[str, Any]:
    """What training has made of a model, and of an objective that learns."""
    return {
        "model": model.state_dict(),
        "objective": None if objective is None else objective.state_dict(),
    }


def identity_of(
    model: nn.Module,
    objective: object,
    train: Batches,
    validation: Batches | None,
    config: TrainingConfig,
    device: torch.device,
    schedule: object,
) -> dict[str, Any]:
    """All that decides the weights at the end and can be told from outside."""
    return {
        "part": {name or "model": type(module).__qualname__ for name, module in model.named_modules()},
        "shape of": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "objective": _described(objective),
        "schedule": _described(schedule),
        "training data": train.fingerprint(),
        "validation data": None if validation is None else validation.fingerprint(),
        "setting": {
            name: value
            for name, value in vars(config).items()
            if name not in _FREE and (value or name != "graph")  # which checkpoints had not always
        },
        "device": device.type,
    }


def _described(value: Any) -> Any:
    """An objective in plain values: its kind and, of a dataclass, what it is made of; functions by their names."""
    if isinstance(value, (int, float, str, bool, type(None))):
        return value
    if isinstance(value, (tuple, list)):
        return {f"{number}": _described(item) for number, item in enumerate(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _described(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__qualname__, **parts}
    if isinstance(value, partial):
        return {"kind": _described(value.func), **{k: _described(v) for k, v in value.keywords.items()}}
    return getattr(value, "__qualname__", type(value).__qualname__)


def difference(there: Any, here: Any, where: str = "") -> str | None:
    """The first difference in words, or None."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in [*there, *(name for name in here if name not in there)]:
            inner = f"{where} {name}".strip()
            if name not in there or name not in here:
                return f"{inner} is only {'here' if name in here else 'there'}"
            found = difference(there[name], here[name], inner)
            if found is not None:
                return found
        return None
    return None if there == here else f"{where} is {there!r} there and {here!r} here"
