"""From numbers of columns back to a data frame: names, types, levels and ways of writing as they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.column import Column


def frame_of(
    values: NDArray[np.float64],
    columns: Sequence[Column],
    index: Any = None,
    random: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Numbers `[n, d]`, NaN where a cell is missing, as the table that the columns were.

    Args:
        values: categories as numbers of their levels.
        columns: what each is.
        index: of the rows.
        random: draws which rare level an "other" is, by their rows; None takes the most frequent.

    Example:
        >>> plan = Column("plan", "category", levels=("free", "pro"), dtype="str")
        >>> frame_of(np.array([[1.0, 2.5], [np.nan, 1.0]]), [plan, Column("paid", "number")])
          plan  paid
        0  pro   2.5
        1  NaN   1.0
    """
    found = {i: _column(values[:, i], column, random) for i, column in enumerate(columns)}
    frame = pd.DataFrame(found)
    frame.columns = pd.Index([column.name for column in columns])
    if index is not None:
        frame.index = index
    return frame


def _column(values: NDArray[np.float64], column: Column, random: np.random.Generator | None) -> Any:
    if column.kind in ("category", "ordinal", "binary") and column.levels:
        return _levels(values, column, random)
    if column.kind == "date":
        assert column.date is not None
        dates = column.date.write(values, column.whole)
        return dates.astype(cast(Any, column.dtype)) if column.dtype.startswith("datetime64") else dates
    values = _rounded(values, column)
    if column.dtype.startswith("timedelta64"):
        return pd.Series(pd.to_timedelta(values, unit="D")).astype(cast(Any, column.dtype))
    if column.number is not None:
        style = column.number
        return pd.Series([None if np.isnan(x) else style.write(x) for x in values], dtype=object)
    return _typed(values, column.dtype)


def _rounded(values: NDArray[np.float64], column: Column) -> NDArray[np.float64]:
    if column.whole or column.kind == "count":
        return np.round(values)
    return values if column.digits is None else np.round(values, column.digits)


def _typed(values: NDArray[np.float64], dtype: str) -> Any:
    """Numbers in the type that they had, or in a wider one that can miss some."""
    if not dtype.lower().startswith(("int", "uint")):
        return pd.Series(values, dtype=dtype if dtype.lower().startswith("float") else "float64")
    if np.isnan(values).any():
        wide = {"i": "Int64", "u": "UInt64"}[dtype.lower()[0]]
        return pd.Series(values).astype(cast(Any, dtype if dtype[0].isupper() else wide))
    info = np.iinfo(dtype.lower())
    return pd.Series(np.clip(values, info.min, info.max)).astype(cast(Any, dtype))


def _levels(values: NDArray[np.float64], column: Column, random: np.random.Generator | None) -> Any:
    missing = np.isnan(values)
    codes = np.where(missing, 0, values).astype(np.int64)
    levels = list(column.levels) + [level for level, _ in column.rare]
    own, others = len(column.levels), len(column.rare)
    if others:
        weights = np.array([n for _, n in column.rare], dtype=np.float64)
        other = codes >= own
        picked = (
            0 if random is None else random.choice(others, size=int(other.sum()), p=weights / weights.sum())
        )
        codes[other] = own + picked
    codes = np.minimum(codes, len(levels) - 1)
    if column.dtype == "category":
        ordered = column.kind == "ordinal"
        return pd.Series(
            pd.Categorical.from_codes(np.where(missing, -1, codes), cast(Any, levels), ordered=ordered)
        )
    found = np.array(levels, dtype=object)[codes]
    gaps = found.copy()
    gaps[missing] = None
    if column.dtype == "str":
        return pd.Series(gaps, dtype="str")
    if column.dtype == "bool":
        return pd.Series(gaps, dtype="boolean" if missing.any() else "bool")
    return _typed(np.where(missing, np.nan, found.astype(np.float64)), column.dtype)
