"""What Ctrl-C asks of a fit: first that it comes to rest and ends as usual, then that it stops."""

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
        if pressed > 1 or self.position.cooling is not None:
            return True
        done = self.position.step
        seconds = (time.monotonic() - self._started) / max(1, done - self._first)
        more = self.pace.cool(done, seconds)
        if not more:
            return True
        self._answered = True
        if self.pace.cooling is not None:
            self.position.cooling = self.pace.cooling.begun, self.pace.cooling.ends
            if self.average is not None:
                self.average.decay = self.pace.decay(self.average.decay)
        logger.warning(
            "interrupted: the fit comes to rest in %d more updates, about %.0f s, and then ends as usual; Ctrl-C again stops at once",
            more,
            more * seconds,
        )
        return False
