"""How long a fit is and how it goes down: its iterations, where it is judged, the learning rate and the progress of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentia.training.config import TrainingConfig, learning_rate_at

MARKS = 8
"""Times that a fit is judged if an epoch is longer than the part between two of them."""
COOLED_SHARE = 0.25
"""Of the updates done: so many more, at most, let an interrupted fit come to rest."""
COOLED_SECONDS = 60.0
FEWEST_COOLED = 8
"""Updates; a fit that would rest for fewer has hardly begun."""


@dataclass(frozen=True)
class Cooling:
    """An early end: the learning rate falls to zero along a line.

    Attributes:
        begun: iterations that were done before.
        ends: iterations that will have been done.
    """

    begun: int
    ends: int


class Pace:
    """The iterations of one fit.

    Args:
        config: of the fit.
        n_batches: iterations of an epoch.
        cooling: the early end that was decided, if one was.

    Attributes:
        planned: iterations in all, if nobody interrupts.
        extends: whether a finished fit is gone on with: what rises or falls with progress stays as it was at the end.
        leg: iterations between two judgements: those of an epoch, or an eighth of a fit that is cut by `max_updates` and has fewer than
            eight epochs.

    Example:
        >>> pace = Pace(TrainingConfig(max_epochs=3, max_updates=20), n_batches=100)
        >>> pace.total, [pace.mark(leg) for leg in (0, 1, 7)], pace.marks
        (20, [3, 5, 20], 8)
    """

    def __init__(self, config: TrainingConfig, n_batches: int, cooling: Cooling | None = None) -> None:
        self.config, self.n_batches, self.cooling = config, n_batches, cooling
        self.planned = updates_of(config, n_batches)
        self.extends = False
        cut = config.max_updates is not None and MARKS * n_batches > self.planned
        self.leg: float = max(1.0, self.planned / MARKS) if cut else n_batches

    @property
    def total(self) -> int:
        """Iterations in all."""
        return self.planned if self.cooling is None else self.cooling.ends

    @property
    def marks(self) -> int:
        """Times that the fit is judged."""
        return next((n for n in range(self.total + 1) if self._place(n) >= self.total), 0)

    def mark(self, leg: int) -> int:
        """The iterations after which leg number `leg` (from 0) ends, and the fit is judged."""
        return min(self._place(leg + 1), self.total)

    def _place(self, mark: int) -> int:
        return math.floor(mark * self.leg + 0.5)

    def epochs_at(self, step: int) -> float:
        """Passes over the training set after so many iterations: a whole number, or one of three decimals.

        >>> Pace(TrainingConfig(max_epochs=3), n_batches=100).epochs_at(200)
        2
        """
        whole, rest = divmod(step, self.n_batches)
        return whole if rest == 0 else round(step / self.n_batches, 3)

    def rate(self, step: int) -> float:
        """The learning rate of step `step` (from 0)."""
        if self.cooling is None or step <= self.cooling.begun:
            return learning_rate_at(step, self.planned, self.config)
        highest = learning_rate_at(self.cooling.begun, self.planned, self.config)
        return highest * (1 - self._cooled(step))

    def progress(self, step: int) -> float:
        """The share of the fit that is done before step `step`; 1 at the end of an interrupted one, too."""
        if self.extends:
            return 1.0
        if self.cooling is None or step <= self.cooling.begun:
            return step / self.planned
        begun = self.cooling.begun / self.planned
        return begun + (1 - begun) * self._cooled(step)

    def _cooled(self, step: int) -> float:
        assert self.cooling is not None
        return (step - self.cooling.begun) / (self.cooling.ends - self.cooling.begun)

    def cool(self, step: int, seconds_per_step: float) -> int:
        """Decide, after `step` iterations, to come to rest; how many more that takes, 0 if it is not worth beginning.

        Where no more are left anyway, the fit goes on as planned.
        """
        more = min(int(step * COOLED_SHARE), int(COOLED_SECONDS / max(seconds_per_step, 1e-9)))
        if more < FEWEST_COOLED:
            return 0
        if step + more < self.planned:
            self.cooling = Cooling(step, step + more)
        return self.total - step

    def decay(self, decay: float) -> float:
        """A moving average's decay whose horizon keeps its share of the fit, as long as that is now.

        >>> pace = Pace(TrainingConfig(max_epochs=1), 1000, Cooling(400, 500))
        >>> round(pace.decay(0.98), 6)
        0.96
        """
        return decay if self.cooling is None else max(0.5, 1 - (1 - decay) * self.planned / self.total)


def updates_of(config: TrainingConfig, n_batches: int) -> int:
    """Iterations of a fit with `n_batches` an epoch."""
    updates = config.max_epochs * n_batches
    return updates if config.max_updates is None else min(updates, config.max_updates)
