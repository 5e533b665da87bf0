"""Checkpoints: all that a killed fit needs to go on bit for bit, written so that a half-written one is never read."""

from __future__ import annotations

import dataclasses
import os
import pickle
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from latentia.errors import RunFolderError, TrainingError
from latentia.files import write_atomically
from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig

_FORMAT = 4
_FREE = ("loggers", "progress", "checkpoint_seconds", "device")  # settings that change no weight


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint plugin with atomic writes (temporary file, fsync, rename) and reads that run no code."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any = None,  # noqa: ARG002  (the plugin's signature)
    ) -> None:
        """Write `checkpoint` to `path`; the file that was there stays until the new one is complete.

        Raises:
            RunFolderError: if it cannot be written; what was written of it is removed.
        """
        write_atomically(Path(path), lambda file: torch.save(checkpoint, file))

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Any = "cpu",
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """Read a checkpoint; only tensors and plain values are accepted.

        Raises:
            RunFolderError: if the file cannot be read as one.
        """
        try:
            with Path(path).open("rb") as file:
                state = torch.load(file, map_location=map_location, weights_only=weights_only)
            version = state["format"]
        except (
            OSError,
            RuntimeError,
            EOFError,
            KeyError,
            TypeError,
            ValueError,
            pickle.UnpicklingError,
        ) as error:
            reason = str(error).split("\n")[0]
            raise RunFolderError(
                f"cannot read checkpoint {path}: {reason}; remove it to start again from the first epoch"
            ) from error
        if version != _FORMAT:
            raise RunFolderError(
                f"checkpoint {path} has format {version}, this version reads {_FORMAT}; resume it with the version"
                " that wrote it, or remove it to start again"
            )
        return state


class Checkpoints:
    """The one checkpoint of a run folder, `checkpoints/last.ckpt`, and what it belongs to.

    Args:
        folder: the run folder.
        identity: what a checkpoint must agree with to be resumed; see `identity_of`.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.path = folder / "checkpoints" / "last.ckpt"
        self.identity = identity
        self.io = AtomicCheckpointIO()

    def clear(self) -> None:
        """Remove what an earlier run left in this folder."""
        for path in (self.path, self.path.with_name(self.path.name + ".tmp")):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise RunFolderError(f"cannot remove {path}: {error.strerror or error}") from error

    def save(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint by `state`."""
        checkpoint = {"format": _FORMAT, "identity": self.identity, "state": state}
        self.io.save_checkpoint(checkpoint, self.path)

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last, or None if there is none.

        Raises:
            TrainingError: if it is of another model, configuration or data; says what differs.
            RunFolderError: if it cannot be read.
        """
        if not self.path.exists():
            return None
        checkpoint = self.io.load_checkpoint(self.path)
        difference = _difference(checkpoint["identity"], self.identity)
        if difference is not None:
            raise TrainingError(
                f"checkpoint {self.path} does not belong to this fit: {difference}; resume with what it was started"
                " with, or fit into another folder"
            )
        return checkpoint["state"]


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
        "setting": {name: value for name, value in vars(config).items() if name not in _FREE},
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


def _difference(there: Any, here: Any, where: str = "") -> str | None:
    """The first difference in words, or None."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in [*there, *(name for name in here if name not in there)]:
            inner = f"{where} {name}".strip()
            if name not in there or name not in here:
                return f"{inner} is only {'here' if name in here else 'there'}"
            found = _difference(there[name], here[name], inner)
            if found is not None:
                return found
        return None
    return None if there == here else f"{where} is {there!r} there and {here!r} here"
