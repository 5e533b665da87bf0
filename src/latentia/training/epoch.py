"""What Lightning iterates over."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from latentia.training.task import Position, Task


class EpochBatches:
    """What Lightning iterates over once an epoch: the present epoch's batches that are still to be done.

    Args:
        task: what is to be done.
        position: where the fit stands; looked at when an epoch begins.
    """

    def __init__(self, task: Task, position: Position) -> None:
        self.task, self.position = task, position

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return self.task.train.n_batches(self.task.config.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        """Stored batches from the present position on; looked up when the first is asked for."""
        config, position = self.task.config, self.position
        yield from self.task.train.epoch(config.seed, position.epoch, config.batch_size, position.batch)
