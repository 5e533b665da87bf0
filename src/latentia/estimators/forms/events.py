"""Events with times as a person hands them over, and their gaps as a model sees them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.events import Events
from latentia.data.items import Ragged
from latentia.errors import DataError
from latentia.estimators.choices import Choice
from latentia.estimators.forms.sequences import Sequenced
from latentia.nn.gaps import gaps_of, with_gaps

_HOW = "lists of (label, time), a frame of three columns (whose, when, which), or a file with --id, --order and --event"
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class GapForm:
    """Gaps between events as their logarithms.

    Attributes:
        unit: what is added to each gap before its logarithm is taken: 0 where no two training events of an item are at one time, else the
            smallest other gap.
        least: the smallest positive gap in training, for which a gap of 0 is taken where the unit is 0.
        center: mean of the logarithms in training.
        scale: their deviation.
        dated: whether times are days.
    """

    unit: float
    least: float
    center: float
    scale: float
    dated: bool

    @classmethod
    def of(cls, items: Events) -> tuple[Self, Choice]:
        """For training items.

        Raises:
            DataError: if no event of an item is later than the one before it.
        """
        gaps = items.gaps()
        gaps = gaps[~np.isnan(gaps)]
        positive = gaps[gaps > 0]
        if not len(positive):
            raise DataError(
                "gaps: no event of an item is later than the one before it; leave out gaps, or name other times"
            )
        least, ties = float(positive.min()), len(gaps) - len(positive)
        unit = least if ties else 0.0
        logs = np.log(gaps + unit)
        scale = float(logs.std())
        form = cls(unit, least, float(logs.mean()), scale if scale > 1e-6 else 1.0, items.dated)
        told = f"{len(gaps):,} of them, {np.median(gaps):.4g} at the median"
        if ties:
            told += f"; {ties:,} are 0, so {unit:.4g} is added to each before its logarithm"
        return form, Choice("gaps", form.units, f"a log-normal given what came before and the code: {told}")

    @property
    def units(self) -> str:
        """What times are in."""
        return "in days, as times are dates" if self.dated else "in the units of the times"

    def logs(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithms of gaps."""
        return np.log(np.where((gaps <= 0) & (self.unit == 0), self.least, gaps) + self.unit)

    def attached(self, stored: Ragged, items: Events) -> Ragged:
        """Numbers of tokens with the gaps before them, int64; see `latentia.nn.gaps`."""
        starts = items.starts
        place = np.arange(len(stored.values)) - np.repeat(stored.offsets[:-1], stored.lengths)
        there = (place > 0) & (place < np.repeat(np.diff(starts), stored.lengths))
        label = (np.repeat(starts[:-1], stored.lengths) + place)[there]
        values = stored.values.astype(np.int64)
        logs = torch.from_numpy(self.logs(items.gaps()[label]))
        values[there] = with_gaps(torch.from_numpy(values[there]), logs).numpy()
        return Ragged(values, stored.offsets)

    def times(self, x: Tensor) -> NDArray[np.float64]:
        """Times since the first event of each item, `[n, T]`, of tokens that carry gaps."""
        logs, there = gaps_of(x)
        gaps = (logs.double().exp() - self.unit).clamp(min=0) * there
        return np.asarray(gaps.cumsum(-1).numpy())

    def independent(self, items: Events) -> NDArray[np.float64]:
        """Log-density of each gap in nats under one log-normal for all, that of the training gaps; what else a model says must be better."""
        gaps = items.gaps()
        logs = self.logs(gaps[~np.isnan(gaps)])
        z = (logs - self.center) / self.scale
        return -0.5 * z**2 - math.log(self.scale) - 0.5 * math.log(2 * math.pi) - logs

    def describe(self) -> dict[str, Any]:
        """What rebuilds it."""
        return asdict(self)

    @classmethod
    def rebuild(cls, described: Mapping[str, Any] | None) -> Self | None:
        """The inverse of `describe`; None of None."""
        return None if described is None else cls(**described)


def as_events(X: Any) -> Sequenced:
    """Lists of (label, time), a frame of three columns (whose, when, which), or `Events`.

    Raises:
        DataError: for items without times, times that fall, or something else in an item.

    Example:
        >>> as_events([[("a", 0.0), ("b", 3.0)], [("b", 1.0)]]).items.timed()
        [[('a', 0.0), ('b', 3.0)], [('b', 1.0)]]
    """
    if isinstance(X, Events):
        return Sequenced(X)
    if hasattr(X, "columns"):
        return Sequenced(_of_frame(X))
    if isinstance(X, str | bytes | Ragged) or not hasattr(X, "__iter__"):
        raise DataError(f"gaps: the items have no times; expected {_HOW}")
    rows: list[list[tuple[str, Any]]] = []
    numeric = True
    for i, item in enumerate(X):
        row = _pairs(item, i)
        numeric = numeric and all(isinstance(label, int) and not isinstance(label, bool) for label, _ in row)
        rows.append([(str(label), time) for label, time in row])
    kinds = {_is_date(time) for row in rows for _, time in row}
    if len(kinds) > 1:
        raise DataError("gaps: some times are dates and others are numbers; expected one of both throughout")
    dated = kinds == {True}
    items = Events.of_events([[(label, _number(time)) for label, time in row] for row in rows], dated)
    return Sequenced(items, numeric=numeric)


def _of_frame(frame: Any) -> Events:
    from latentia.data.long_tables import events_of_frame

    if frame.shape[1] != 3:
        raise DataError(f"gaps: a frame of {frame.shape[1]} columns; expected {_HOW}")
    who, when, which = (str(name) for name in frame.columns)
    items: Any = events_of_frame(
        frame.reset_index(drop=True), "X", who=who, order=when, event=which, label=None
    ).train.x
    return items


def _pairs(item: Any, i: int) -> Sequence[tuple[Any, Any]]:
    if isinstance(item, str | bytes) or not hasattr(item, "__iter__"):
        raise DataError(f"gaps: item {i} is {str(item)[:40]!r}; expected {_HOW}")
    found = []
    for place, pair in enumerate(item):
        if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise DataError(f"gaps: item {i}, position {place}: {str(pair)[:40]!r} is no (label, time)")
        label, time = (
            part.item() if isinstance(part, np.generic) and not _is_date(part) else part for part in pair
        )
        if label is None or label != label:
            raise DataError(f"item {i}, position {place}: {label!r} is no token")
        if not _is_date(time) and (isinstance(time, bool) or not isinstance(time, int | float)):
            raise DataError(
                f"item {i}, position {place}: {str(time)[:40]!r} is no time; expected a number or a date"
            )
        found.append((label, time))
    return found


def _is_date(time: Any) -> bool:
    return isinstance(time, datetime.date | np.datetime64)


def _number(time: Any) -> float:
    """A time as a number; of a date, days since 1970."""
    if not _is_date(time):
        return float(time)
    if isinstance(time, datetime.datetime) and time.tzinfo is not None:
        time = time.astimezone(datetime.UTC).replace(tzinfo=None)
    return float((np.datetime64(time, "us") - np.datetime64("1970-01-01", "us")) / _DAY)
