"""What Lightning iterates over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from latentia.training.pace import Pace
from latentia.training.task import Position, Task


class LegBatches:
    """What Lightning iterates over, and calls an epoch: the batches of the present leg that are still to be done.

    Args:
        task: what is to be done.
        position: where the fit stands; looked at before each batch.
        pace: where legs end; an interrupt may bring the end nearer.
    """

    def __init__(self, task: Task, position: Position, pace: Pace) -> None:
        self.task, self.position, self.pace = task, position, pace

    def __len__(self) -> int:
        """Batches of a leg, at most."""
        return math.ceil(self.pace.leg)

    def __iter__(self) -> Iterator[Any]:
        """Stored batches from the present position on; a leg may go from one epoch into the next."""
        config, position, pace = self.task.config, self.position, self.pace
        while position.step < pace.mark(position.leg):
            epoch, batch = divmod(position.step, pace.n_batches)
            for stored in self.task.train.epoch(config.seed, epoch, config.batch_size, batch):
                yield stored
                if position.step >= pace.mark(position.leg):
                    return
