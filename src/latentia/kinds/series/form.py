"""Series as arrays: what a person may hand over, and what a model sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.items import Ragged
from latentia.errors import DataError

LARGEST = 1e18
"""Squares of larger numbers are none that a model computes with."""


@dataclass(frozen=True)
class SeriesForm:
    """Series `[T_i, C]` with gaps as `[T, 2C]`: the numbers (0 in gaps), and whether each is observed.

    Attributes:
        n_columns: C.
        longest: T, of the training series.
        lengths: how many training series have each length up to T; draws take lengths from it.
    """

    n_columns: int
    longest: int
    lengths: tuple[int, ...]

    kind = "series"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """`(T, 2C)`."""
        return self.longest, 2 * self.n_columns

    @classmethod
    def of(cls, items: Ragged) -> Self:
        """For training series."""
        lengths = np.bincount(items.lengths)
        return cls(items.values.shape[1], len(lengths) - 1, tuple(int(n) for n in lengths))

    def rows(self, items: Ragged) -> NDArray[np.float32]:
        """`[n, T, 2C]`.

        Raises:
            DataError: for a series that is longer than those that the model was fitted to.
        """
        if int(items.lengths.max(initial=0)) > self.longest:
            i = int(items.lengths.argmax())
            raise DataError(
                f"series {i} has {items.lengths[i]} steps; the model was fitted to at most {self.longest}: cut it into pieces"
            )
        values, _ = items.padded(np.nan)
        out = np.zeros((len(items), self.longest, 2 * self.n_columns), dtype=np.float32)
        there = ~np.isnan(values)
        out[:, : values.shape[1], : self.n_columns] = np.where(there, values, 0)
        out[:, : values.shape[1], self.n_columns :] = there
        return out

    def drawn_lengths(self, n: int, seed: int) -> NDArray[np.int64]:
        """Lengths of `n` series, drawn from those of training."""
        share = np.asarray(self.lengths, dtype=np.float64)
        return np.random.default_rng(seed).choice(len(share), size=n, p=share / share.sum())

    def train(self) -> Self:
        """Itself: nothing in it is drawn anew."""
        return self

    def eval(self) -> Self:
        """Itself."""
        return self

    def __call__(self, stored: Tensor) -> Tensor:
        """Rows as the model takes them: as they are."""
        return stored

    def model_input(self, stored: Tensor) -> Tensor:
        """The same."""
        return stored

    @property
    def log_volume(self) -> float:
        """Zero: the likelihood is in the units of the data."""
        return 0.0

    def describe(self) -> dict[str, Any]:
        """What rebuilds it."""
        return {"n_columns": self.n_columns, "longest": self.longest, "lengths": list(self.lengths)}

    @classmethod
    def rebuild(cls, described: Mapping[str, Any]) -> Self:
        """The inverse of `describe`."""
        return cls(described["n_columns"], described["longest"], tuple(described["lengths"]))


def as_series(X: Any, n_columns: int | None = None) -> Ragged:
    """Series that a person gives, NaN where a number is missing.

    Args:
        X: a list of arrays `[T_i, C]` or `[T_i]`, an array `[n, T, C]` or `[n, T]`, or `Ragged`.
        n_columns: C of the fit, if there was one.

    Raises:
        DataError: something else, infinity, a series without steps or without a number, another C.

    Example:
        >>> as_series([[1.0, 2.0], [3.0]]).lengths.tolist(), as_series(np.zeros((3, 4, 2))).shape
        ([2, 1], (3, 2))
    """
    if isinstance(X, Ragged):
        items = X
    else:
        if isinstance(X, str | bytes) or not hasattr(X, "__len__"):
            raise DataError(
                f"X of type {type(X).__name__} holds no series; expected a list of arrays [T, C], or an array [n, T, C]"
            )
        items = Ragged.of([_series(each, i) for i, each in enumerate(X)]) if len(X) else Ragged.of([])
    if not len(items):
        raise DataError("X holds no series; expected one at least")
    if len(items.event_shape) != 1 or items.values.dtype.kind not in "iuf":
        raise DataError(
            f"steps of shape {list(items.event_shape)}; series have a row of numbers a step, [T, C]"
        )
    values = np.asarray(items.values, dtype=np.float64)
    if n_columns is not None and values.shape[1] != n_columns:
        raise DataError(f"series of {values.shape[1]} columns; the model was fitted to {n_columns}")
    large = np.abs(values) > LARGEST
    if large.any():
        step, column = (int(i) for i in np.argwhere(large)[0])
        place = int(np.searchsorted(items.offsets, step, side="right")) - 1
        number = values[step, column]
        what = (
            "infinity; NaN says that a number is missing"
            if np.isinf(number)
            else f"{number:.4g} is too large: numbers up to {LARGEST:g} can be fitted, use a larger unit"
        )
        raise DataError(f"series {place}, step {step - items.offsets[place]}: {what}")
    seen = np.concatenate([[0], np.cumsum((~np.isnan(values)).any(1))])
    empty = seen[items.offsets[1:]] == seen[items.offsets[:-1]]
    if empty.any():
        raise DataError(f"series {int(empty.argmax())} has no number in it; leave it out")
    return Ragged(values, items.offsets)


def _series(each: Any, i: int) -> NDArray[np.float64]:
    try:
        found = np.asarray(each, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"series {i} is no array of numbers [T, C]") from None
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:
        raise DataError(f"series {i} has shape {list(found.shape)}; expected [T, C]")
    return found


def as_array(series: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Series as a NumPy array of objects `[n]`."""
    found = np.empty(len(series), dtype=object)
    found[:] = series
    return found
