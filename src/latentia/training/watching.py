"""A look at the model every few epochs that costs a small share of the training time, and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from latentia.training.batches import Batches
from latentia.training.randomness import seeded

SHARE = 0.02
"""Of the training time, which all looks together may take; the first few may stray from what they were expected to take."""
ITEMS = 512
_FIRST_GUESS = 4.0  # a look is expected to take so many times what validating as many items took

Measure = Callable[[nn.Module, Iterable[Tensor], float, float], Mapping[str, float]]
"""(model in evaluation mode, held-out batches, epoch from 1, share of training that is done) -> figures by name."""


class Watch:
    """Calls a measure at the ends of epochs, as often as its share of the training time allows.

    Weights and random state are as if it were not there: the measure sees the model in evaluation mode, without gradients and
    with its own seed. Which epochs it looks at depends on the clock.

    Args:
        measure: what is called.
        seed: of what the measure draws.
        share: of the training time.
    """

    def __init__(self, measure: Measure, seed: int, share: float = SHARE) -> None:
        self.measure = measure
        self.seed = seed
        self.share = share
        self.spent = 0.0
        self._expected: float | None = None

    def look(
        self,
        model: nn.Module,
        data: Batches,
        batch_size: int,
        *,
        epoch: float,
        progress: float,
        elapsed: float,
        validating: float,
    ) -> dict[str, float]:
        """Figures of the model as it is, if it is time for a look; else nothing.

        Args:
            model: in evaluation mode.
            data: held-out rows.
            batch_size: of the passes.
            epoch: passes over the training set that are done.
            progress: share of training that is done.
            elapsed: seconds of training so far.
            validating: seconds that a pass over all of `data` took.
        """
        rows = data.subset(ITEMS, self.seed)
        if self._expected is None:
            self._expected = _FIRST_GUESS * validating * len(rows) / len(data)
        if self.spent + self._expected > self.share * elapsed:
            return {}
        started = time.monotonic()
        with seeded(self.seed, data.device), torch.no_grad():
            figures = dict(self.measure(model, data.ordered(batch_size, rows), epoch, progress))
        took = time.monotonic() - started
        self.spent += took
        self._expected = max(took, 0.5 * self._expected)
        return figures
