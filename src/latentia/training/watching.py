"""A look at the model every few epochs that costs a small share of the training time, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from latentia.training.batches import Batches
from latentia.training.randomness import seeded

SHARE = 0.02
"""Of the work of training, which all looks together may take."""
ITEMS = 512
_STEP = (
    3.0  # passes of the model that a training step on an item is worth: forward, and twice as much backward
)
_LOOK = 6.0  # passes that a look at an item takes

Measure = Callable[[nn.Module, Iterable[Tensor], float, float], Mapping[str, float]]
"""(model in evaluation mode, held-out batches, epoch from 1, share of training that is done) -> figures by name."""


class Watch:
    """Calls a measure at the ends of epochs, as often as its share of the training's work allows.

    Weights and random state are as if it were not there: the measure sees the model in evaluation mode, without gradients and
    with its own seed. Which epochs it looks at depends on the numbers of items alone, neither on the clock nor on interruptions.

    Args:
        measure: what is called.
        seed: of what the measure draws.
        share: of the work of training.
    """

    def __init__(self, measure: Measure, seed: int, share: float = SHARE) -> None:
        self.measure = measure
        self.seed = seed
        self.share = share

    def looks(self, n_rows: int, before: int, after: int) -> bool:
        """Whether a look is due.

        Args:
            n_rows: held-out items that are looked at.
            before: items that had been trained on at the end of the last epoch.
            after: those now.

        Example:
            >>> watch = Watch(lambda *_: {}, seed=0)
            >>> [watch.looks(512, 60_000 * e, 60_000 * (e + 1)) for e in range(3)]
            [True, True, True]
            >>> sum(watch.looks(512, 1000 * e, 1000 * (e + 1)) for e in range(100))
            1
        """
        price = _LOOK * n_rows / (_STEP * self.share)
        return int(after / price) > int(before / price)

    def look(
        self,
        model: nn.Module,
        data: Batches,
        batch_size: int,
        *,
        epoch: float,
        progress: float,
        trained: tuple[int, int],
    ) -> dict[str, float]:
        """Figures of the model as it is, if it is time for a look; else nothing.

        Args:
            model: in evaluation mode.
            data: held-out rows.
            batch_size: of the passes.
            epoch: passes over the training set that are done.
            progress: share of training that is done.
            trained: items that had been trained on at the end of the last epoch, and now.
        """
        rows = data.subset(ITEMS, self.seed)
        if not self.looks(len(rows), *trained):
            return {}
        with seeded(self.seed, data.device), torch.no_grad():
            return dict(self.measure(model, data.ordered(batch_size, rows), epoch, progress))
