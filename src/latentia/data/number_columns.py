"""Columns of quantities: numbers, counts, dates; and numbers that name rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.cells import NumberStyle
from latentia.data.column import COLUMN_KINDS, Column
from latentia.data.dates import DateStyle, cycles_of
from latentia.data.decided import EXACT, Decided, figure, problem, share_missing, shell
from latentia.data.level_columns import FEW_LEVELS, RARE_ROWS, ROWS_OF_A_LEVEL, of_levels
from latentia.data.skewness import tail_of

FEWEST_ROWS = 20
"""With fewer rows nothing is concluded from which numbers occur."""
LARGEST = 1e150
"""Numbers up to which squares can be taken."""
LARGEST_COUNT = 1000
ID_WORDS = (
    "id",
    "key",
    "uuid",
    "guid",
    "identifier",
    "index",
    "rownames",
    "row",
    "nr",
    "no",
    "number",
    "code",
)
"""Last words of a header of names of rows."""


def of_numbers(
    name: str,
    numbers: pd.Series[Any],
    missing: NDArray[np.bool_],
    wanted: str,
    dtype: str,
    style: NumberStyle | None = None,
) -> Decided:
    """A column of numbers, of a kind that a person wants or of the one that they look like."""
    values = numbers.to_numpy(dtype=np.float64)
    odd = np.flatnonzero(np.isinf(values) & ~missing)
    if odd.size:
        word = f"is {values[odd[0]]}"
        return Decided(
            problem=problem(name, int(odd[0]), word, "a finite number, or an empty cell, is expected")
        )
    told = values[~np.isnan(values)]
    if not len(told):
        return Decided(role="left out", why="nothing is in it")
    if (largest := float(np.abs(told).max())) > LARGEST:
        return Decided(
            problem=f"column {name!r} holds numbers up to {largest:.3g}, whose squares overflow; divide it by one of that size"
        )
    whole = bool((told == np.round(told)).all())
    column = Column(name, "number", dtype=dtype, whole=whole, digits=_digits(told) if not whole else None,
                    number=None if style is None or style.is_plain else style)  # fmt: skip
    gaps = share_missing(np.isnan(values)) + (
        f"; {style}" if style is not None and not style.is_plain else ""
    )
    levels = np.unique(told)
    kind = wanted or _kind_of(name, values, told, levels, whole, dtype)
    if kind == "id":
        return Decided(role="id", why=_id_why(name, levels, len(values)))
    span = f"from {figure(levels[0])} to {figure(levels[-1])}"
    if kind in ("binary", "category", "ordinal"):
        return of_levels(column, values, levels, kind, gaps)
    if kind == "count" and (levels[0] < 0 or not whole):
        row = int(np.flatnonzero((values < 0) | (values != np.round(values)) & ~np.isnan(values))[0])
        return Decided(
            problem=problem(
                name, row, f"is {figure(values[row])}", "a count, a whole number of at least 0, is expected"
            )
        )
    if kind not in COLUMN_KINDS or kind == "date":
        return Decided(problem=f"column {name!r} holds numbers; it cannot be taken as {kind!r}")
    what = f"{len(levels)} whole numbers" if whole else "numbers"
    constant = "the same in all rows: " if len(levels) == 1 else ""
    tail = "" if kind == "count" else tail_of(told)
    found = replace(
        column, kind="count" if kind == "count" else "number", why=f"{constant}{what} {span}{tail}{gaps}"
    )
    return Decided(found, values)


def _kind_of(
    name: str,
    values: NDArray[np.float64],
    told: NDArray[np.float64],
    levels: NDArray[np.float64],
    whole: bool,
    dtype: str,
) -> str:
    """What a column of numbers is, by which occur."""
    n = len(told)
    if dtype == "bool":
        return "binary"
    if len(values) < FEWEST_ROWS or len(levels) == 1:
        return "number"
    if len(levels) == 2 and (whole or RARE_ROWS <= int((told == levels[0]).sum()) <= n - RARE_ROWS):
        return "binary"
    if (
        whole
        and len(levels) == n == len(values)
        and (
            _counts_rows(levels)
            or named_as_id(name)
            or (levels[-1] > EXACT and not dtype.startswith("float"))
        )
    ):
        return "id"
    if whole and len(levels) <= FEW_LEVELS and n >= ROWS_OF_A_LEVEL * len(levels):
        return "category"
    if whole and levels[0] in (0, 1) and levels[-1] <= LARGEST_COUNT and not is_bounded(told):
        return "count" if told.var() >= 0.8 * told.mean() else "number"
    return "number"


def is_bounded(told: NDArray[np.float64]) -> bool:
    """Whether numbers spread evenly between two ends: no Poisson or negative binomial has a kurtosis below 3.

    >>> is_bounded(np.arange(24.0).repeat(10)), is_bounded(np.random.default_rng(0).poisson(3, 500))
    (True, False)
    """
    centred = told - told.mean()
    variance = float((centred**2).mean())
    return variance > 0 and float((centred**4).mean()) < 2.3 * variance**2


def _counts_rows(levels: NDArray[np.float64]) -> bool:
    return bool(levels[-1] - levels[0] == len(levels) - 1)


def named_as_id(name: str) -> bool:
    """Whether a header says that its column names the rows.

    >>> named_as_id("customerId"), named_as_id("order_nr"), named_as_id("paid")
    (True, True, False)
    """
    words = "".join(c if c.isalnum() else " " for c in _snake(name)).lower().split()
    return bool(words) and (words[-1] in ID_WORDS or words[0] in ("id", "uuid", "index"))


def _snake(name: str) -> str:
    return "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))


def _id_why(name: str, levels: NDArray[np.float64], n: int) -> str:
    if _counts_rows(levels):
        return f"whole numbers that count the {n} rows, from {figure(levels[0])} to {figure(levels[-1])}"
    return "whole numbers with one value a row" + (
        "" if named_as_id(name) else ", larger than what floating-point numbers tell apart"
    )


def of_dates(
    name: str, days: NDArray[np.float64], missing: NDArray[np.bool_], style: DateStyle, dtype: str
) -> Decided:
    """A column of dates."""
    told = days[np.isfinite(days)]
    if not len(told):
        return Decided(role="left out", why="nothing is in it")
    whole = bool((told == np.round(told)).all()) and not style.zone
    cycles = cycles_of(told)
    first, last = (style.write(np.array([day]), whole).iloc[0] for day in (told.min(), told.max()))
    why = f"dates from {first} to {last}"
    if style.ambiguous:
        why += f", read as month before day; --column {shell(name)}=date:%d/%m/%Y if the day is first"
    if cycles:
        why += f", with the cycle of the {' and the '.join(cycles)}"
    column = Column(
        name,
        "date",
        dtype=dtype,
        whole=whole,
        date=style,
        cycles=cycles,
        why=f"{why}{share_missing(missing)}",
    )
    return Decided(column, days)


def _digits(told: NDArray[np.float64]) -> int | None:
    """Decimal places that all values have at most, if at most 6."""
    largest = float(np.abs(told).max())
    for digits in range(1, 7):
        if largest * 10**digits < EXACT / 8 and bool((np.round(told, digits) == told).all()):
            return digits
    return None
