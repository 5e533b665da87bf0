"""Tables of unlike columns as a person may hand them to an estimator: frames of any library, arrays with gaps or words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.column import Column
from latentia.data.features import Features, features_of
from latentia.data.frames import frame_of
from latentia.data.items import Mixed
from latentia.data.schema import Asked, later, table_of
from latentia.errors import DataError

logger = logging.getLogger("latentia")


@dataclass(frozen=True, eq=False)
class Unlike:
    """A table of columns of unlike kinds.

    Attributes:
        values: `[n, d]` of its features, NaN where a cell is missing.
        columns: what they are.
        given: names of all columns that were given.
        frames: whether it was a frame.
        lines: what each column was taken as, and why.
    """

    values: NDArray[np.float64]
    columns: tuple[Column, ...]
    given: tuple[str, ...]
    frames: bool
    lines: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """Of the features among what was given."""
        return tuple(self.given.index(column.name) for column in self.columns)


def as_frame(X: Any) -> tuple[pd.DataFrame, bool] | None:
    """A table that numbers alone do not make, as a data frame, and whether it was one; None for arrays of numbers without gaps.

    Example:
        >>> as_frame([[1.0, 2.0]]) is None, as_frame([["a", 2.0]])[0].shape, as_frame(np.array([[np.nan, 1.0]]))[1]
        (True, (1, 2), False)
    """
    if isinstance(X, pd.DataFrame):
        return X, True
    if hasattr(X, "to_pandas") and hasattr(X, "columns"):
        return X.to_pandas(), True
    if sparse.issparse(X):
        return None
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    if isinstance(X, list | tuple):
        X = _array_of(X)
    if not isinstance(X, np.ndarray) or X.ndim != 2 or not X.size:
        return None
    if X.dtype.kind == "f":
        gaps = np.isnan(X.sum(dtype=np.float64)) and bool(np.isnan(X).any())
        return (pd.DataFrame(np.asarray(X)), False) if gaps else None
    if X.dtype.kind == "U" or (
        X.dtype == object and any(cell is None or isinstance(cell, str) for cell in X.flat)
    ):
        return pd.DataFrame(X), False
    return None


def _array_of(X: Any) -> Any:
    """Nested lists as an array, of objects where they hold words or None."""
    try:
        return np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        try:
            return np.asarray(X, dtype=object)
        except ValueError:
            return X


def unlike(X: Any) -> Unlike | None:
    """What the columns of a table for fitting are; None where it is an array of numbers to which nothing is to be said.

    Raises:
        DataError: cells that no column can hold, all in one message.
    """
    if isinstance(X, Mixed):
        return Unlike(X.values, X.columns, X.names, True)
    found = as_frame(X)
    if found is None:
        return None
    frame, is_frame = found
    titles = _titles(frame)
    if not is_frame:
        return _of_array(frame, titles)
    features: Features = features_of(frame, titles, "X")
    if isinstance(features.x, Mixed):
        mixed, lines = features.x, features.lines
    elif len(features.titles) < len(titles):
        chosen = [titles.index(name) for name in features.titles]
        table = table_of(
            frame.iloc[:, chosen], features.titles, "X", Asked(dict.fromkeys(features.titles, "number"))
        )
        mixed, lines = table.items, table.lines
    else:
        return None
    return Unlike(mixed.values, mixed.columns, tuple(titles), True, lines)


def _of_array(frame: pd.DataFrame, titles: list[str]) -> Unlike:
    """An array: all of its columns are features, but those in which nothing is."""
    table = table_of(frame, titles, "X")
    as_numbers = {
        name: "number"
        for name in table.ids
        if pd.api.types.is_numeric_dtype(frame.dtypes.iloc[titles.index(name)])
    }
    if as_numbers:
        table = table_of(frame, titles, "X", Asked(as_numbers))
    return Unlike(table.items.values, table.items.columns, tuple(titles), False, table.lines)


def read_later(X: Any, columns: tuple[Column, ...], n_given: int) -> NDArray[np.float64]:
    """A later table as numbers `[n, d]` of columns that are known.

    Raises:
        DataError: columns that are missing, or cells that they cannot hold, all in one message.
    """
    if isinstance(X, Mixed):
        if X.columns == columns:
            return X.values
        X = frame_of(X.values, X.columns)
    found = as_frame(X)
    frame = found[0] if found is not None else pd.DataFrame(np.asarray(X))
    titles = _titles(frame)
    if found is None or not found[1]:
        if frame.shape[1] not in (n_given, len(columns)):
            raise DataError(f"X has {frame.shape[1]} features, but {n_given} in fitting")
        if frame.shape[1] == len(columns):
            titles = [column.name for column in columns]
    if not len(frame):
        raise DataError(
            f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum of 1 is required"
        )
    read = later(frame, titles, columns, "X")
    if read.told:
        logger.warning("%s", read.told)
    return read.items.values


def given_back(values: NDArray[np.float64], form: Any, X: Any = None, seed: int | None = None) -> Any:
    """Numbers `[n, d]` of a table of unlike columns as a person gave it: a frame, or an array; other items as they are.

    Args:
        values: of the columns.
        form: has `columns`, their `places` among the `n_given` that were given, and `frames`: whether it was a frame.
        X: the rows that they belong to: their index, and the columns that are no features, are taken from it.
        seed: of the draws that say which rare level an "other" is; None takes the most frequent.
    """
    columns: tuple[Column, ...] | None = getattr(form, "columns", None)
    if columns is None:
        return values
    frame = frame_of(values, columns, random=None if seed is None else np.random.default_rng(seed))
    if form.frames:
        own = as_frame(X)
        if own is not None and own[1]:
            frame.index = own[0].index
            titles = _titles(own[0])
            beside = {
                title: own[0].iloc[:, i] for i, title in enumerate(titles) if title not in set(frame.columns)
            }
            frame = (
                pd.concat([frame, pd.DataFrame(beside, index=frame.index)], axis=1)[titles]
                if beside
                else frame[titles]
            )
            frame.columns = own[0].columns
        return frame
    objects = any(not column.is_number for column in columns)
    out = np.full((len(values), form.n_given), np.nan, dtype=object if objects else np.float64)
    out[:, list(form.places)] = frame.to_numpy(dtype=object if objects else np.float64)
    return out


def _titles(frame: pd.DataFrame) -> list[str]:
    titles = [str(name) for name in frame.columns]
    twice = (
        next((title for title in titles if titles.count(title) > 1), None)
        if len(set(titles)) < len(titles)
        else None
    )
    if twice is not None:
        raise DataError(
            f"X: the name {twice!r} stands over {titles.count(twice)} columns; rename one of them"
        )
    return titles
