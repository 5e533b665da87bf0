"""Cells of later tables as numbers, as the columns of the first one say: what is meant is converted, what cannot be is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.cells import NumberStyle, number_style
from latentia.data.column import Column
from latentia.data.dates import date_style, days_of
from latentia.data.decided import figure, problem
from latentia.data.deciding import GAPS

_PEEK = 40


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of a later table.

    Attributes:
        values: `[n]`, float64, NaN where a cell is missing.
        unseen: levels that the first table did not have, with their cells.
        problem: what must be mended first, or nothing.
    """

    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    unseen: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


def coded(column: Column, cells: pd.Series[Any]) -> Coded:
    """Cells as numbers of a column that is known.

    A level that was not there is "other" (of ordered levels: missing) and is counted; anything else that a column cannot hold is a
    problem, named by its row.

    Example:
        >>> plan = Column("plan", "category", levels=("free", "pro"), dtype="str")
        >>> found = coded(plan, pd.Series(["pro", "gold", None]))
        >>> found.values.tolist(), dict(found.unseen)
        ([1.0, 2.0, nan], {'gold': 1})
        >>> coded(Column("paid", "number"), pd.Series(["1", "much"])).problem
        "row 2, column 'paid' holds 'much' where a number is expected; mend it or empty the cell"
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(cells.cat.categories.dtype)
    if column.kind in ("category", "ordinal", "binary"):
        return _levels(column, cells)
    if column.kind == "date":
        return _dates(column, cells)
    values, wrong = _numbers(cells, column.number)
    if wrong is not None:
        return Coded(problem=_unlike(column, cells, wrong, "a number"))
    bad = np.isinf(values)
    if column.kind == "count":
        bad |= (values < 0) | ((values != np.round(values)) & ~np.isnan(values))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        what = "a whole number of at least 0" if column.kind == "count" else "a finite number"
        return Coded(problem=problem(column.name, row, f"is {figure(values[row])}", f"{what} is expected"))
    return Coded(values)


def _numbers(cells: pd.Series[Any], style: NumberStyle | None) -> tuple[NDArray[np.float64], int | None]:
    """Cells as numbers, and the row of the first that is none."""
    if pd.api.types.is_timedelta64_dtype(cells.dtype):
        return cells.dt.total_seconds().to_numpy(dtype=np.float64) / 86_400, None
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_complex_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan), None
    codes, different = pd.factorize(cells.astype(object))
    values = np.full(len(different) + 1, np.nan)
    wrong = np.zeros(len(different) + 1, dtype=bool)
    decimal = None if style is None or style.is_plain else style.decimal
    for i, cell in enumerate(different):
        if isinstance(cell, int | float | np.number):
            values[i] = float(cell)
        elif str(cell).strip().lower() not in GAPS:
            found = number_style([str(cell).strip()], decimal) or number_style([str(cell).strip()])
            wrong[i] = found is None
            values[i] = np.nan if found is None else found[1][0]
    rows = np.flatnonzero(wrong[codes])
    return values[codes], int(rows[0]) if rows.size else None


def _dates(column: Column, cells: pd.Series[Any]) -> Coded:
    if isinstance(cells.dtype, pd.PeriodDtype):
        cells = cells.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return Coded(days_of(cells))
    codes, different = pd.factorize(cells.astype(object))
    days = np.full(len(different) + 1, np.nan)
    wrong = np.zeros(len(different) + 1, dtype=bool)
    pattern = None if column.date is None else column.date.format or None
    for i, cell in enumerate(different):
        if not isinstance(cell, str):
            days[i] = days_of(pd.to_datetime(pd.Series([cell]), errors="coerce", utc=True))[0]
        elif cell.strip().lower() not in GAPS:
            found = date_style([cell.strip()], None if pattern == "ISO8601" else pattern)
            days[i] = np.nan if found is None else found[1][0]
        else:
            continue
        wrong[i] = bool(np.isnan(days[i]))
    rows = np.flatnonzero(wrong[codes])
    if rows.size:
        return Coded(problem=_unlike(column, cells, int(rows[0]), "a date"))
    return Coded(days[codes])


def _levels(column: Column, cells: pd.Series[Any]) -> Coded:
    codes, different = pd.factorize(cells.astype(object))
    known = {_key(level): i for i, level in enumerate(column.levels)}
    other = float(len(column.levels)) if column.kind == "category" else np.nan
    known_rare = {_key(level) for level, _ in column.rare}
    values = np.full(len(different) + 1, np.nan)
    unseen: Counter[str] = Counter()
    counts = np.bincount(codes[codes >= 0], minlength=len(different))
    for i, cell in enumerate(different):
        key = _key(cell)
        if key in known:
            values[i] = known[key]
        elif str(cell).strip().lower() in GAPS and key not in known_rare:
            continue
        elif column.kind == "binary":
            row = int(np.flatnonzero(codes == i)[0])
            expected = f"it is one of {column.levels[0]!r} and {column.levels[1]!r}, or empty, in the table of the fit"
            return Coded(problem=problem(column.name, row, f"holds {str(cell)[:_PEEK]!r}", expected))
        else:
            values[i] = other
            if key not in known_rare:
                unseen[str(cell)[:_PEEK]] = int(counts[i])
    return Coded(values[codes], unseen)


def _key(level: Any) -> Any:
    """What levels are compared by: numbers by value, also where they are written as text; words without blanks around them."""
    if isinstance(level, bool | np.bool_):
        return float(level)
    if isinstance(level, int | float | np.number):
        return float(level)
    text = str(level).strip()
    if text in ("True", "False", "true", "false", "TRUE", "FALSE"):
        return float(text.lower() == "true")
    try:
        return float(text) if text[:1] != "0" or text[:2] in ("0", "0.") else text
    except ValueError:
        return text


def _unlike(column: Column, cells: pd.Series[Any], row: int, what: str) -> str:
    text = str(cells.iloc[row])[:_PEEK]
    return problem(column.name, row, f"holds {text!r} where {what} is expected", "mend it or empty the cell")
