"""How a fit comes to rest before its time: at the first Ctrl-C (the second stops it), and where its bound rises no more."""

from __future__ import annotations

import logging
import time

from latentia.training.averaging import Average
from latentia.training.pace import Pace
from latentia.training.task import Position

logger = logging.getLogger("latentia")


class Rest:
    """Hears Ctrl-C between two steps.

    Args:
        position: where the fit stands; an early end is noted there.
        pace: told of it.
        average: of the weights; its horizon keeps its share of the fit.
    """

    def __init__(self, position: Position, pace: Pace, average: Average | None) -> None:
        self.position, self.pace, self.average = position, pace, average
        self._answered = False
        self.start()

    def start(self) -> None:
        """Steps are timed from here on."""
        self._started, self._first = time.monotonic(), self.position.step

    def stops(self, pressed: int) -> bool:
        """Whether the fit is to stop at once, Ctrl-C having been pressed so many times: at the second, or where a rest would be worth nothing."""
        if pressed == 0 or (pressed == 1 and self._answered):
            return False
        tired, done = self.position.tired, self.position.step
        if pressed > 1 or (self.position.cooling is not None and not tired):
            return True
        seconds = (time.monotonic() - self._started) / max(1, done - self._first)
        more = self.pace.total - done if tired else self._cool(seconds)
        if not more:
            return True
        self._answered = True
        logger.warning(
            "interrupted: the fit comes to rest in %d more updates, about %.0f s, and then ends as usual; Ctrl-C again stops at once",
            more,
            more * seconds,
        )
        return False

    def tires(self, patience: int) -> None:
        """Let a fit whose bound did not rise for `patience` judgements come to rest, unless it has hardly begun: its learning rate is still
        high, and what it learned under it shows at zero. However long that takes, so that it is the same on every machine.
        """
        more = self._cool(0.0)
        if more:
            self.position.tired = True
            logger.warning(
                "the bound on held-out items has not risen %d times in a row: the fit comes to rest in %d more updates",
                patience,
                more,
            )

    def _cool(self, seconds: float) -> int:
        """Decide on an early end; how many updates it takes, 0 if it is not worth beginning."""
        more = self.pace.cool(self.position.step, seconds)
        if more and self.pace.cooling is not None:
            self.position.cooling = self.pace.cooling.begun, self.pace.cooling.ends
            if self.average is not None:
                self.average.decay = self.pace.decay(self.average.decay)
        return more
