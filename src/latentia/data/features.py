"""The features of a table: an array where they are numbers or counts, else columns of unlike kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.compositions import why_no_composition
from latentia.data.deciding import decided
from latentia.data.number_columns import FEWEST_ROWS, named_as_id
from latentia.data.schema import NOTHING, Asked, is_unique, table_of

_AS_COUNTS = "--set likelihood=multinomial (or negative-binomial) takes it as one"


@dataclass(frozen=True, eq=False)
class Features:
    """What a table holds beside its classes.

    Attributes:
        x: `[n, d]`, or `latentia.data.items.Mixed`.
        titles: names of the features.
        names: of the rows, or None.
        what: the features are, in words.
        beside: which columns are none, in words, and why the table is read as it is.
        lines: a line for each column, where they are of unlike kinds.
    """

    x: Any
    titles: tuple[str, ...]
    names: NDArray[Any] | None
    what: str
    beside: str
    lines: tuple[str, ...] = ()


def features_of(
    frame: pd.DataFrame, titles: Sequence[str], where: str, asked: Asked = NOTHING, names_first: bool = False
) -> Features:
    """Read the columns of a table that are no classes.

    Whole numbers of at least 0 in all columns are counts of one kind of thing, unless they look measured; of two values in the whole
    table it is binary; where every column is a number without a gap it is an array; else the columns are of unlike kinds.

    Raises:
        DataError: cells that no column can hold, all in one message.
    """
    reason = ""
    if not asked.is_any:
        found, reason = _counts(frame, titles, names_first)
        if found is not None:
            return found
    table = table_of(frame, titles, where, asked, names_first)
    mixed, beside = table.items, _beside(table.ids, table.left_out)
    said = any(asked.of(column.name) is not None for column in mixed.columns)
    if mixed.is_numeric and not said:
        numbers = mixed.as_numbers()
        low, high = numbers.min(), numbers.max()
        two = low < high and bool(((numbers == low) | (numbers == high)).all())
        if two or all(column.kind == "number" and column.number is None for column in mixed.columns):
            whole = (
                _are_whole(frame, [titles.index(name) for name in mixed.names]) and numbers.dtype == np.int64
            )
            x, what = (numbers, "whole numbers") if whole else (numbers.astype(np.float64), "numbers")
            return Features(x, mixed.names, table.names, what, _why(reason) + beside)
    return Features(mixed, mixed.names, table.names, "unlike kinds", _why(reason) + beside, table.lines)


def _counts(frame: pd.DataFrame, titles: Sequence[str], names_first: bool) -> tuple[Features | None, str]:
    """A table of counts, or why whole numbers are none."""
    places: list[int] = list(range(len(titles)))
    ids: list[int] = []
    first = frame.iloc[:, 0]
    text = not pd.api.types.is_numeric_dtype(first.dtype)
    if is_unique(first) and (names_first or (text and decided(titles[0], first).role == "id")):
        places, ids = places[1:], [0]
    if not places or not _are_whole(frame, places):
        return None, ""
    x = frame.iloc[:, places].to_numpy(dtype=np.float64)
    if float(np.abs(x).max(initial=0.0)) >= 2.0**53 or not len(x) or float(x.min()) < 0:
        return None, ""
    spans = np.ptp(x, axis=0)
    row_numbers = [
        j
        for j, place in enumerate(places)
        if len(x) >= FEWEST_ROWS
        and (spans[j] == len(x) - 1 or named_as_id(titles[place]))
        and len(np.unique(x[:, j])) == len(x)
    ]
    if row_numbers and len(row_numbers) < len(places):
        ids += [places[j] for j in row_numbers]
        x = np.delete(x, row_numbers, axis=1)
        places = [j for j in places if j not in ids]
    if len(places) < 2:
        return None, ""
    reason = why_no_composition(x.astype(np.int64))
    if reason:
        return None, reason
    names = frame.iloc[:, ids[0]].astype(str).to_numpy(dtype=str) if ids else None
    chosen = tuple(titles[j] for j in places)
    return Features(
        x.astype(np.int64), chosen, names, "whole numbers", _beside([titles[j] for j in ids], ())
    ), ""


def _are_whole(frame: pd.DataFrame, places: Sequence[int]) -> bool:
    """Whether columns have a type of whole numbers, and no gap."""
    kinds = [frame.dtypes.iloc[j] for j in places]
    whole = all(pd.api.types.is_integer_dtype(kind) or pd.api.types.is_bool_dtype(kind) for kind in kinds)
    return whole and not frame.iloc[:, list(places)].isna().to_numpy().any()


def _why(reason: str) -> str:
    return f" (no table of counts: {reason}; {_AS_COUNTS})" if reason else ""


def _beside(ids: Sequence[str], left_out: Sequence[tuple[str, str]]) -> str:
    found = f"; names of rows from {', '.join(map(repr, ids))}" if ids else ""
    if left_out:
        found += f"; {len(left_out)} left out: " + ", ".join(f"{name!r} ({why})" for name, why in left_out)
    return found
