"""Dates that are written as text, and dates as numbers: days since 1970-01-01, in universal time where they have a zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAY = 86_400_000_000  # microseconds
_ISO = "ISO8601"
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y.%m.%d",
         "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%b %d %Y")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_MONTH_FIRST = {"%m/%d/%Y": "%d/%m/%Y", "%m-%d-%Y": "%d-%m-%Y", "%m/%d/%y": "%d/%m/%y"}
_LIKE_A_DATE = re.compile(
    r"\d{4}-|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[ -][^\W\d_]{3,12}[ -]\d{4}|[^\W\d_]{3,12} \d{1,2},? \d{4}"
)
CYCLES = (("year", 365.2425), ("week", 7.0), ("day", 1.0))
"""Cycles that dates may follow, with their length in days."""
_ROWS_OF_A_CYCLE, _PROBABLE = 50, 1e-3


@dataclass(frozen=True)
class DateStyle:
    """How the dates of a column are written.

    Attributes:
        format: of `strptime`, or "ISO8601"; "": they are dates and no text.
        zone: name of the time zone in which they were; "": none was told.
        ambiguous: whether day and month could change places in all of them.
    """

    format: str = ""
    zone: str = ""
    ambiguous: bool = False

    def write(self, days: NDArray[np.float64], whole: bool) -> pd.Series[Any]:
        """Days as dates `[n]`, in the zone and as they were written; `whole`: dates without a time."""
        values = pd.Series(times_of(np.round(days) if whole else days))
        if self.zone:
            values = values.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        if not self.format:
            return values
        pattern = self.format if self.format != _ISO else "%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%S%z"
        return values.dt.strftime(pattern).astype(object).where(values.notna(), None)


def date_style(
    texts: Sequence[str], wanted: str | None = None
) -> tuple[DateStyle, NDArray[np.float64]] | None:
    """How all of some texts are written as dates, and their days `[n]`; None where one of them is none.

    Args:
        texts: different cells, without blanks around them.
        wanted: a format of `strptime`, if it is known.

    Example:
        >>> style, days = date_style(["31.12.1899", "01.02.1970"])
        >>> style.format, days.tolist()
        ('%d.%m.%Y', [-25568.0, 31.0])
        >>> date_style(["01/02/2020", "03/04/2021"])[0].ambiguous
        True
    """
    if wanted and len(texts):
        return _read(texts, wanted)
    if not len(texts) or not all(len(text) >= 6 and _LIKE_A_DATE.match(text) for text in texts):
        return None
    iso = all(text[:4].isdigit() and text[4:5] == "-" for text in texts)
    if iso:
        return _read(texts, _ISO)
    first = texts[0]
    for day in _DAYS:
        for time in _TIMES:
            if _days(pd.Series([first]), day + time) is None:
                continue
            found = _read(texts, day + time)
            if found is not None:
                other = next((m for m, d in _MONTH_FIRST.items() if d == day), _MONTH_FIRST.get(day))
                ambiguous = other is not None and _read(texts, other + time) is not None
                if ambiguous and day not in _MONTH_FIRST:  # month first is how most such files are written
                    swapped = _read(texts, str(other) + time)
                    assert swapped is not None
                    return DateStyle(str(other) + time, ambiguous=True), swapped[1]
                return DateStyle(day + time, ambiguous=ambiguous), found[1]
    return None


def _read(texts: Sequence[str], pattern: str) -> tuple[DateStyle, NDArray[np.float64]] | None:
    series = pd.Series(list(texts), dtype=object)
    zoned = pattern == _ISO and bool(series.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True).any())
    days = _days(series, pattern, zoned)
    return None if days is None else (DateStyle(pattern, "UTC" if zoned else ""), days)


def _days(series: pd.Series[Any], pattern: str, zoned: bool = False) -> NDArray[np.float64] | None:
    try:
        found = pd.to_datetime(series, format=pattern, errors="coerce", utc=zoned)
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found.isna().any() else days_of(found)


def days_of(dates: pd.Series[Any]) -> NDArray[np.float64]:
    """Dates as days since 1970-01-01 `[n]`, NaN where one is missing; with a zone, in universal time."""
    if isinstance(dates.dtype, pd.DatetimeTZDtype):
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    micro = dates.to_numpy(dtype="datetime64[us]")
    days = micro.astype(np.int64) / DAY
    return np.where(np.isnat(micro), np.nan, days)


def times_of(days: NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Days since 1970-01-01 as times to the microsecond `[n]`."""
    known = np.isfinite(days)
    micro = np.round(np.where(known, days, 0.0) * DAY).astype(np.int64).astype("datetime64[us]")
    return np.where(known, micro, np.datetime64("NaT", "us"))


def cycles_of(days: NDArray[np.float64]) -> tuple[str, ...]:
    """The cycles that dates follow: those that they run through at least twice, and whose phases are not uniform.

    The rule is Rayleigh's test (Mardia & Jupp 2000, section 6.3.1): n R^2 with R the length of the mean of exp(2 pi i t / T) is about
    exponential where phases are uniform; it is a cycle if that large a value has a probability below one in a thousand.

    Example:
        >>> winter = np.concatenate([np.arange(-30, 30) + 365.2425 * year for year in range(4)])
        >>> cycles_of(winter)
        ('year',)
    """
    days = days[np.isfinite(days)]
    if len(days) < _ROWS_OF_A_CYCLE:
        return ()
    found = []
    for name, length in CYCLES:
        if length == 1.0 and bool((days == np.round(days)).all()):
            continue
        if np.ptp(days) < 2 * length:
            continue
        mean = np.exp(2j * np.pi * days / length).mean()
        if np.exp(-len(days) * abs(mean) ** 2) < _PROBABLE:
            found.append(name)
    return tuple(found)
