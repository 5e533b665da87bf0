"""What a fit has to show: a row for each epoch, the whole history, and the means of an epoch's loss terms."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentia.core import Loss
from latentia.errors import RunFolderError, TrainingError


@dataclass(frozen=True)
class EpochRecord:
    """One epoch in figures; of a fit that is cut by `max_updates`, the part between two marks.

    Attributes:
        epoch: passes over the training set that are done: 1 after the first epoch.
        step: iterations since the start of the run, each of which ends with a step on a batch of the epoch.
        train: mean over the epoch's items of the objective ("loss") and of each of its parts, in nats.
        validation: mean over the validation set, in nats per item, of "elbo", "log_likelihood" and "kl", and of "loss",
            what the objective minimises; empty without a validation set.
        learning_rate: of the epoch's last step.
        seconds: the epoch took, validation included.
        schedule: what the schedule notes: "encoder_steps" of an aggressive one, the steps of the encoder alone that came on
            top of the epoch's iterations, and "mutual_information" in nats of validation data, while it decides.
        watched: further figures, in epochs in which a look was taken.
    """

    epoch: float
    step: int
    train: dict[str, float]
    validation: dict[str, float]
    learning_rate: float
    seconds: float
    schedule: dict[str, float] = field(default_factory=dict)
    watched: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The record as one flat row, e.g. for a table.

        Example:
            >>> EpochRecord(1, 8, {"loss": 2.0}, {"elbo": -2.5}, 1e-3, 0.5).row()
            {'epoch': 1, 'step': 8, 'train_loss': 2.0, 'validation_elbo': -2.5, 'learning_rate': 0.001, 'seconds': 0.5}
        """
        return {
            "epoch": self.epoch,
            "step": self.step,
            **{f"train_{name}": value for name, value in self.train.items()},
            **{f"validation_{name}": value for name, value in self.validation.items()},
            "learning_rate": self.learning_rate,
            "seconds": self.seconds,
            **self.watched,
            **self.schedule,  # what decided stands where both took the mutual information
        }


@dataclass(frozen=True)
class History:
    """The learning curves of a fit.

    Attributes:
        epochs: a record for each epoch, in order.
        best_epoch: the epoch (from 1) whose weights were kept; None if there was none.
        stopped_early: whether the validation bound ended training before `max_epochs`.
        cooled: whether Ctrl-C did, and the learning rate fell to zero at once.
    """

    epochs: tuple[EpochRecord, ...]
    best_epoch: float | None
    stopped_early: bool
    cooled: bool = False

    @property
    def seconds(self) -> float:
        """Time that all epochs took."""
        return sum(record.seconds for record in self.epochs)

    def rows(self) -> list[dict[str, Any]]:
        """One flat row for each epoch."""
        return [record.row() for record in self.epochs]


class MetricsFile:
    """`metrics.jsonl`: a line of JSON for each epoch; a value that is not finite is written as null.

    Raises:
        RunFolderError: if a row cannot be written; no part of it is left in the file.
    """

    def __init__(self, path: Path, rows: Iterable[EpochRecord]) -> None:
        self.path = path
        # Rows that a killed run wrote after its last checkpoint will come again: start from those it holds.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"cannot write {path}: {error.strerror or error}; choose a folder that can be written"
            ) from error
        self._write("".join(map(_line, rows)))

    def append(self, record: EpochRecord) -> None:
        """Add a row."""
        self._write(_line(record))

    def _write(self, text: str) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if self.path.exists():
                os.truncate(self.path, size)
            raise RunFolderError(
                f"cannot write {self.path}: {error.strerror or error}; free some space or choose another folder"
            ) from error


def _line(record: EpochRecord) -> str:
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.row().items()
    }
    return json.dumps(finite) + "\n"


class Meter:
    """Running means of the loss and its parts over an epoch, without waiting for the device at every step.

    The terms of the last steps stay on the device; every `every` steps they are fetched in one go, checked, and
    added up step by step in double precision, so that the sums do not depend on when they were fetched.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every
        self.sums: dict[str, float] = {}
        self.items = 0
        self._names: list[str] = []
        self._pending: list[tuple[int, int]] = []
        self._terms = torch.empty(0)

    @property
    def started(self) -> bool:
        """Whether there is anything to take a mean of."""
        return bool(self.items or self._pending)

    def add(self, loss: Loss, n: int, step: int) -> None:
        """Note the terms of step number `step` on a batch of `n` items."""
        if not self._pending:
            self._names = ["loss", *loss.parts]
            if self._terms.shape != (self.every, len(self._names)):
                self._terms = torch.empty(self.every, len(self._names), device=loss.total.device)
        terms = [value.detach().float() for value in (loss.total, *loss.parts.values())]
        self._terms[len(self._pending)] = torch.stack(terms)
        self._pending.append((step, n))
        if len(self._pending) == self.every:
            self.fetch()

    def fetch(self) -> None:
        """Bring the sums up to date.

        Raises:
            TrainingError: if a term was not finite; names the term and the first step at which it was so.
        """
        rows = self._terms[: len(self._pending)].tolist()
        for (step, n), row in zip(self._pending, rows, strict=True):
            broken = [name for name, value in zip(self._names, row, strict=True) if not math.isfinite(value)]
            if broken:
                terms = ", ".join(name for name in broken if name != "loss") or "the loss"
                raise TrainingError(
                    f"{terms} became non-finite at step {step}; a lower learning_rate, a gradient_clip or data"
                    " without extreme values may help; the last good checkpoint, if any, is kept"
                )
            self.items += n
            for name, value in zip(self._names, row, strict=True):
                self.sums[name] = self.sums.get(name, 0.0) + n * value
        self._pending = []

    def means(self) -> dict[str, float]:
        """Mean over the items seen since the last `reset`."""
        self.fetch()
        return {name: value / self.items for name, value in self.sums.items()}

    def reset(self) -> None:
        """Start a new epoch."""
        self.sums, self.items, self._pending = {}, 0, []


def check_weights(parameters: Iterable[Tensor], step: int) -> None:
    """Raise `TrainingError` if a weight is not finite after step number `step`."""
    finite = [weight.detach().isfinite().all() for weight in parameters]
    if finite and not bool(torch.stack(finite).all()):
        raise TrainingError(
            f"a gradient became non-finite and broke the weights by step {step}, while the loss was still finite; a"
            " lower learning_rate or a gradient_clip may help; the last good checkpoint, if any, is kept"
        )
