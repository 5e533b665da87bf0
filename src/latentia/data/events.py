"""Events: lists of labels, each with its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentia.data.items import BEHIND_LABEL, Strings
from latentia.errors import DataError


@dataclass(frozen=True, eq=False)
class Events(Strings):
    """Lists of labels with times that never fall within an item; without their times they are `Strings` like any other.

    Attributes:
        times: of all labels, `[total labels]`; of an item they begin anywhere.
        dated: whether times were dates: they are in days.

    Raises:
        DataError: for times that fall or are not finite, named by item and position.

    Example:
        >>> events = Events.of_events([[("left", 0), ("up", 2.5)], [], [("up", 7)]])
        >>> events[[2, 0]].timed(), events.lists()
        ([[('up', 7.0)], [('left', 0.0), ('up', 2.5)]], [['left', 'up'], [], ['up']])
        >>> events.gaps().tolist()
        [nan, 2.5, nan]
    """

    times: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    dated: bool = False

    @classmethod
    def of_events(cls, items: Iterable[Sequence[tuple[Any, Any]]], dated: bool = False) -> Self:
        """From lists of (label, time)."""
        items = [list(item) for item in items]
        times = np.array([time for item in items for _, time in item], dtype=np.float64)
        return cls.of_times([[label for label, _ in item] for item in items], times, dated)

    @classmethod
    def of_times(cls, labels: Iterable[Sequence[str]], times: NDArray[np.float64], dated: bool) -> Self:
        """From lists of labels, and the times of all of them, one item behind another."""
        found = replace(cls.of_labels(labels), times=times, dated=dated)
        starts, gaps = found.starts, found.gaps()
        bad = ~np.isfinite(times) | (gaps < 0)
        if bad.any():
            place = int(bad.argmax())
            item = int(np.searchsorted(starts, place, side="right")) - 1
            what = f"time {times[place]}" + (
                " is before that of the event before it" if gaps[place] < 0 else ""
            )
            raise DataError(
                f"item {item}, position {place - starts[item]}: {what}; times never fall, and are finite"
            )
        return found

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the labels of each item begin among all, and where the last end, `[n + 1]`."""
        ends = np.concatenate([[0], np.cumsum(self.values == ord(BEHIND_LABEL))])
        return np.asarray(ends[self.offsets], dtype=np.int64)

    def gaps(self) -> NDArray[np.float64]:
        """Time since the event before, `[total labels]`; NaN of the first of an item."""
        found = np.diff(self.times, prepend=np.nan)
        starts = self.starts[:-1]
        found[starts[starts < len(found)]] = np.nan
        return found

    def timed(self) -> list[list[tuple[str, float]]]:
        """The items as lists of (label, time)."""
        starts, times = self.starts, self.times.tolist()
        ends = zip(self.lists(), starts[:-1], starts[1:], strict=True)
        return [list(zip(item, times[start:end], strict=True)) for item, start, end in ends]

    def __getitem__(self, rows: Any) -> Self:
        """The items at some places, in that order."""
        starts = self.starts
        chosen = np.arange(len(self))[rows]
        places = [np.arange(starts[i], starts[i + 1]) for i in chosen]
        times = self.times[np.concatenate(places)] if places else np.empty(0)
        return replace(super().__getitem__(rows), times=times)

    def followed_by(self, others: Sequence[Any]) -> Self:
        """See `Ragged.followed_by`."""
        times = np.concatenate([part.times for part in (self, *others)])
        return replace(super().followed_by(others), times=times)
