"""Tables that hold sequences: a row for each event or each time step, with a column that says whose it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype, is_timedelta64_dtype

from latentia.data.checks import encode_labels
from latentia.data.dataset import Raw, Split
from latentia.data.events import Events
from latentia.data.items import Ragged, Strings
from latentia.data.text import place_of
from latentia.errors import DataError

_SECONDS_A_DAY = 86_400.0


def events_of_frame(
    frame: pd.DataFrame,
    where: str,
    *,
    who: str,
    event: str,
    order: str | None,
    label: str | int | None,
) -> Raw:
    """Sequences of labels: for each value of the column `who` its events, in their order, or that of the file; with an order they keep its times.

    Rows of one `who` need not stand together. Ties of the order keep that of the file.

    Raises:
        DataError: no such column, a missing cell, an order or time that cannot be sorted.
    """
    frame = _sorted(frame, where, who, order)
    titles = [str(name) for name in frame.columns]
    labels = _texts(frame.iloc[:, place_of(titles, event, where)], event, where)
    starts, names = _groups(frame.iloc[:, place_of(titles, who, where)])
    ends = [*starts[1:], len(frame)]
    lists = [labels[start:end] for start, end in zip(starts, ends, strict=True)]
    items = Strings.of_labels(lists)
    if order is not None:
        column = frame.iloc[:, place_of(titles, order, where)]
        dated = bool(_plain(column).isna().any())
        items = Events.of_times(lists, _numbers(column, order, where), dated)
    y, classes = _classes(frame, titles, label, starts, where)
    source = f"{len(frame)} events of {len(items)} sequences by {who!r} from {where}"
    return Raw(Split(items, y, names), class_names=classes, source=source)


def series_of_frame(
    frame: pd.DataFrame,
    where: str,
    *,
    who: str,
    time: str,
    label: str | int | None,
    columns: tuple[str, ...] | None = None,
) -> Raw:
    """Series `[T_i, C]`: for each value of the column `who` its rows in the order of `time`; empty cells are missing (NaN).

    Args:
        frame: the table.
        where: file it came from, for messages.
        who: column that says whose row it is.
        time: column by which rows are ordered; its distances are not looked at.
        label: column of the class, the same in all rows of one `who`.
        columns: the columns of numbers, in this order; None: all others.

    Raises:
        DataError: no such column, text where a number is expected, no column of numbers.
    """
    frame = _sorted(frame, where, who, time)
    titles = [str(name) for name in frame.columns]
    label_title = titles[label] if isinstance(label, int) else label
    wanted = columns or tuple(name for name in titles if name not in (who, time, label_title))
    if not wanted:
        raise DataError(f"{where} has no column of numbers beside {who!r} and {time!r}")
    values = np.stack(
        [
            _numbers(frame.iloc[:, place_of(titles, name, where)], name, where, missing=True)
            for name in wanted
        ],
        axis=1,
    )
    starts, names = _groups(frame.iloc[:, place_of(titles, who, where)])
    _check_numbers(values, wanted, starts, names, f"{where}: ", who)
    items = Ragged(values, np.asarray([*starts, len(frame)], dtype=np.int64))
    y, classes = _classes(frame, titles, label, starts, where)
    missing = np.isnan(values).mean()
    gaps = f", {missing:.1%} of the numbers missing" if missing else ""
    source = (
        f"{len(items)} series of {len(wanted)} column{'s' * (len(wanted) > 1)} by {who!r} from {where}{gaps}"
    )
    return Raw(Split(items, y, names), feature_names=wanted, class_names=classes, source=source)


def _check_numbers(
    values: NDArray[np.float64],
    columns: tuple[str, ...],
    starts: list[int],
    names: NDArray[Any],
    where: str,
    who: str,
) -> None:
    """Raise `DataError` for a column or a series without any number."""
    there = ~np.isnan(values)
    if not there.any(0).all():
        raise DataError(
            f"{where}column {columns[int(there.any(0).argmin())]!r} holds no number; leave it out"
        )
    in_series = np.add.reduceat(there.any(1), starts)
    if not in_series.all():
        raise DataError(
            f"{where}{who} {str(names[int(in_series.argmin())])!r} has no number in any of its rows; leave them out"
        )


def _sorted(frame: pd.DataFrame, where: str, who: str, order: str | None) -> pd.DataFrame:
    """Rows of one `who` together, in the order in which each first occurs, and sorted within."""
    titles = [str(name) for name in frame.columns]
    owner = frame.iloc[:, place_of(titles, who, where)]
    if not len(frame):
        raise DataError(f"{where} holds no rows, only the names of {len(titles)} columns")
    if owner.isna().any():
        raise DataError(
            f"{where}: row {int(owner.isna().to_numpy().argmax()) + 1}, column {who!r} is missing"
        )
    keys: list[NDArray[Any]] = [pd.factorize(owner)[0]]
    if order is not None:
        keys.insert(0, _numbers(frame.iloc[:, place_of(titles, order, where)], order, where))
    return frame.iloc[np.lexsort(keys)]


def _groups(owner: pd.Series[Any]) -> tuple[list[int], NDArray[Any]]:
    """Where each sequence begins, and whose it is."""
    values = owner.astype(str).to_numpy(dtype=str)
    starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
    return starts, values[starts]


def _texts(column: pd.Series[Any], name: str, where: str) -> list[str]:
    if column.isna().any():
        row = int(column.index[int(column.isna().to_numpy().argmax())]) + 1
        raise DataError(f"{where}: row {row}, column {name!r} is missing; drop such rows, or name the event")
    return [str(value) for value in column]


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers; NaN where a cell holds none, as dates and durations do."""
    if is_datetime64_any_dtype(column) or is_timedelta64_dtype(column):
        return pd.Series(np.nan, index=column.index)
    return pd.to_numeric(column, errors="coerce")


def _days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Durations, or dates since the first of them, in days; NaN where a cell holds neither."""
    if is_timedelta64_dtype(column):
        return column.dt.total_seconds() / _SECONDS_A_DAY
    dates = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    return (dates - dates.min()).dt.total_seconds() / _SECONDS_A_DAY


def _numbers(column: pd.Series[Any], name: str, where: str, missing: bool = False) -> NDArray[np.float64]:
    """Numbers, or dates and durations as days; NaN where a cell is empty, if that is allowed."""
    numbers = _plain(column)
    if numbers.isna().any() and not missing:
        days = _days(column)
        if not days.isna().any():
            return np.asarray(days, dtype=np.float64)
        if numbers.isna().all():
            numbers = days  # the cell that is no date is the one that is wrong
    bad = (numbers.isna() & (column.notna() if missing else True)).to_numpy()
    if bad.any():
        place = int(bad.argmax())
        expected = "a number" if missing else "a number, or a date as 2024-05-17"
        raise DataError(
            f"{where}: row {int(column.index[place]) + 1}, column {name!r} holds {str(column.iloc[place])[:40]!r} where"
            f" {expected} is expected (rows are counted from 1, without the header)"
        )
    values = numbers.to_numpy(dtype=np.float64)
    if np.isinf(values).any():
        raise DataError(f"{where}: column {name!r} holds infinity; every number must be finite")
    return values


def _classes(
    frame: pd.DataFrame, titles: list[str], label: str | int | None, starts: list[int], where: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """The class of each sequence, from its first row."""
    if label is None:
        return None, None
    place = label if isinstance(label, int) else place_of(titles, label, where)
    found = frame.iloc[starts, place].to_numpy(dtype=object)
    return encode_labels(found, f"{where}, column {titles[place]!r}")
