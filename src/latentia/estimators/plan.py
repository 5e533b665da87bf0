"""How long a fit may take, made into a network and a number of updates: once, before the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from latentia.errors import RunFolderError
from latentia.estimators.choices import Choice
from latentia.estimators.defaults import MOST_EPOCHS
from latentia.training.pace import MARKS
from latentia.training.validation import EPOCH_ROWS, FINAL_ROWS

FEWEST_UPDATES = 1500
"""With fewer a smaller network is better, if there is one (docs/default.md)."""

_OF_NETWORK = {"conv": 4000}


def fewest_updates(network: str) -> int:
    """With fewer updates of a network a smaller one is better, if there is one (docs/default.md).

    >>> fewest_updates("conv"), fewest_updates("patch")
    (4000, 1500)
    """
    return _OF_NETWORK.get(network, FEWEST_UPDATES)


JUDGED = 2000
"""Held-out rows by which a planned fit is judged on its way, at most."""

PASS = 1 / 3
"""An item's pass through the network, as a share of its update, which goes back as well."""


def refined_passes(steps: int) -> float:
    """Passes of an item that is encoded with so many refinement steps: each goes through the decoder and back to the code."""
    return 1 + 1.25 * steps


@dataclass(frozen=True)
class Plan:
    """What a fit is to be, so that it ends in time.

    Attributes:
        minutes: that it may take.
        network: the name of one.
        updates: steps.
        seconds: of one, by network, the largest first: as they were timed on this machine, or reckoned of one that is out of reach.
        otherwise: seconds that the fit would have taken, of one whose length nobody gave; None where minutes were asked for.
    """

    minutes: float
    network: str
    updates: int
    seconds: dict[str, float]
    otherwise: float | None = None

    def describe(self) -> dict[str, Any]:
        """As `config.json` has it."""
        return asdict(self)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`.

        Raises:
            RunFolderError: if an entry is missing.
        """
        try:
            return cls(**described)
        except TypeError as error:
            raise RunFolderError(f'config.json distorts its entry "plan" ({error}); fit again') from None

    def pass_seconds(self, batch_size: int) -> float:
        """Seconds of an item's pass through the network, forward; see `PASS`."""
        return self.seconds[self.network] * PASS / batch_size

    def choices(self) -> list[Choice]:
        """What is said of it."""
        took = f"{1000 * self.seconds[self.network]:.3g} ms"
        reason = f"{self.minutes:g} minutes, and an update took {took} before the first"
        found = [Choice("updates", str(self.updates), reason)]
        if self.otherwise is not None:
            longer = (
                f"the default would take {in_words(self.otherwise)}: max_epochs or max_minutes=None have it"
            )
            found.insert(0, Choice("minutes", f"{self.minutes:g}", longer))
        if len(self.seconds) > 1:
            larger = [
                f"{name}: fewer than {fewest_updates(name)}" for name in self.seconds if name != self.network
            ]
            found.append(Choice("network", self.network, f"{', '.join(larger)} updates in that time"))
        return found


@dataclass(frozen=True)
class Work:
    """What a fit does beside its updates.

    Attributes:
        n_train: rows to learn from.
        n_held: held-out rows.
        batch_size: of an update.
        passes: what follows the fit, in passes of an item through the network.
        seconds: what follows it, whatever the network.
    """

    n_train: int
    n_held: int
    batch_size: int
    passes: float
    seconds: float

    def updates_within(self, seconds: float, update: float) -> int:
        """Updates of so many seconds each that leave time for all else."""
        one = update * PASS / self.batch_size
        judged = MARKS * (min(EPOCH_ROWS, self.n_train) + min(JUDGED, self.n_held))
        beside = one * (judged + min(FINAL_ROWS, self.n_train) + self.passes) + self.seconds
        most = MOST_EPOCHS * max(1, self.n_train // self.batch_size)
        return max(1, min(most, int((seconds - beside) / update)))


def planned(
    minutes: float,
    networks: Sequence[str],
    timed: Callable[[str], float],
    work: Work,
    spent: Callable[[], float],
) -> Plan:
    """The largest network with enough updates in the time that is left, or the smallest.

    Args:
        minutes: that the fit may take.
        networks: names, the largest first.
        timed: seconds of an update with one.
        work: what there is to do beside.
        spent: seconds that have gone by so far.

    Example:
        >>> work = Work(n_train=10_000, n_held=1000, batch_size=50, passes=0, seconds=0)
        >>> plan = planned(1, ["large", "small"], lambda name: {"large": 0.1, "small": 0.01}[name], work, lambda: 0)
        >>> plan.network, plan.updates
        ('small', 5770)
    """
    taken: dict[str, float] = {}
    updates, name = 0, ""
    for name in networks:
        taken[name] = timed(name)
        updates = work.updates_within(60 * minutes - spent(), taken[name])
        if updates >= fewest_updates(name):
            break
    return Plan(minutes, name, updates, taken)


def in_words(seconds: float) -> str:
    """A time to two digits or so.

    >>> in_words(4.2), in_words(95), in_words(1500), in_words(9000)
    ('5 seconds', '2 minutes', '25 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{math.ceil(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
