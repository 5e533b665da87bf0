"""What a fit is to do, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from latentia.core import Objective
from latentia.training.batches import Batches
from latentia.training.checkpoints import Checkpoints
from latentia.training.config import TrainingConfig
from latentia.training.records import EpochRecord
from latentia.training.schedule import Schedule
from latentia.training.watching import Watch

Information = Callable[[nn.Module, Iterable[Tensor]], float]


class Interrupted(Exception):
    """Ctrl-C was seen between two steps; Lightning would turn a KeyboardInterrupt into an exit of the program."""


@dataclass
class Position:
    """Where a run stands, in plain values."""

    leg: int = 0  # legs (epochs, or parts of one) that are complete
    step: int = 0  # iterations since the start of the run: steps that ended a batch
    drawn: int = 0  # batches taken from the second stream
    seconds: float = 0.0  # of the present leg, up to the last checkpoint
    records: list[EpochRecord] = field(default_factory=list)
    best_score: float | None = None
    best_leg: int | None = None  # from 1
    cooling: tuple[int, int] | None = None  # an early end: see `latentia.training.pace.Cooling`
    tired: bool = (
        False  # whether that is for want of a better bound; see `latentia.training.resting.Rest.tires`
    )
    finished: bool = False
    former: list[dict[str, Any]] = field(
        default_factory=list
    )  # records of a finished fit that this one goes on from
    former_best: float | None = None  # the epoch whose weights it kept

    def plain(self) -> dict[str, Any]:
        """As values that a checkpoint can hold."""
        return {**vars(self), "records": [vars(record) for record in self.records]}

    def stale(self, patience: int | None) -> bool:
        """Whether `patience` legs have passed without a better validation bound."""
        return patience is not None and self.best_leg is not None and self.leg - self.best_leg >= patience

    def ended(self, patience: int | None) -> bool:
        """Whether that ends the fit, which does not come to rest first."""
        return self.stale(patience) and not self.tired


@dataclass
class Task:
    """What is to be done: the arguments of `fit`, ready for the device."""

    model: nn.Module
    objective: Objective
    train: Batches
    validation: Batches | None
    config: TrainingConfig
    schedule: Schedule
    information: Information | None
    device: torch.device
    interrupted: Callable[[], int]
    checkpoints: Checkpoints | None = None
    listeners: list[Callable[[EpochRecord], None]] = field(default_factory=list)
    watch: Watch | None = None
