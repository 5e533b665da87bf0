"""How long an update takes, found by taking a few on a copy."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from latentia.core import Loss, Objective, Trace
from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig
from latentia.training.fitting import fit

WARM = 3
TIMED = 8


class _Timed:
    """An objective that notes when it is called; all else is that of another."""

    def __init__(self, objective: Objective, clock: Callable[[], float]) -> None:
        self._objective, self._clock = objective, clock
        self._calls: list[float] = []

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        self._calls.append(self._clock())
        return self._objective(trace, progress)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objective, name)

    def spans(self) -> list[float]:
        """Seconds from each call to the next."""
        return [after - before for before, after in zip(self._calls, self._calls[1:], strict=False)]


def update_seconds(
    model: nn.Module,
    objective: Objective,
    train: Batches,
    config: TrainingConfig,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one update of a joint fit: the median of eight, after three that find memory and choose kernels, with all that the loop adds.

    Neither model nor objective changes, and no random state.

    Args:
        model: as for `fit`.
        objective: as for `fit`.
        train: as for `fit`; of its rows the first are taken.
        config: of the fit; its length is not read.
        clock: what tells the time.
    """
    updates = WARM + TIMED + 1
    timed = _Timed(copy.deepcopy(objective), clock)
    few = train.first(updates * config.batch_size)
    epochs = math.ceil(updates / few.n_batches(config.batch_size))
    brief = replace(config, max_epochs=epochs, max_updates=None, patience=None, loggers=(), progress=False)
    fit(copy.deepcopy(model), timed, few, None, brief)
    return statistics.median(timed.spans()[WARM:])
