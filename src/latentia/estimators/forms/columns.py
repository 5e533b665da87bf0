"""Columns of numbers: their mean and deviation at any scale, and later ones held against the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError
from latentia.training.sparse import SparseRows

MOST_COUNTS = 2**53
FARTHEST = 1e15
"""Standard deviations from the mean beyond which a number is refused: its square would drown all others in any sum."""
_AT_ONCE, _LARGE = 1 << 21, 1 << 22  # numbers of a block, and of what is taken in blocks


def mean_and_deviation(
    x: Any, axis: int | None, weight: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation in float64, also where sums or squares of the numbers would overflow or vanish.

    Args:
        x: `[n, ...]`.
        axis: 0, or None for all numbers.
        weight: how often each row counts, `[n]`.
    """
    if x.shape[0] * math.prod(x.shape[1:]) > _LARGE:
        return _moments_in_blocks(x, axis, weight)
    if isinstance(x, SparseRows):
        x = np.asarray(x)
    if weight is not None:
        unit, small = _in_units(x, axis)
        each = np.broadcast_to(weight.reshape(-1, *[1] * (x.ndim - 1)), x.shape)
        centre = np.average(small, axis, each)
        return centre * unit, np.sqrt(np.average(np.square(small - centre), axis, each)) * unit
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        mean = np.asarray(x.mean(axis=axis, dtype=np.float64))
        scale = np.asarray(x.std(axis=axis, dtype=np.float64))
    low, high = np.asarray(x.min(axis=axis)), np.asarray(x.max(axis=axis))
    if np.isfinite(mean).all() and np.isfinite(scale).all() and not ((scale == 0) & (low < high)).any():
        return mean, scale
    unit, small = _in_units(x, axis)
    return np.asarray(small.mean(axis=axis)) * unit, np.asarray(small.std(axis=axis)) * unit


def _in_units(x: NDArray[Any], axis: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The greatest number of each column, and all numbers in units of it, so that squares stay near one."""
    low, high = np.asarray(x.min(axis=axis)), np.asarray(x.max(axis=axis))
    unit = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    unit = np.where(unit > 0, unit, 1.0)
    return unit, x.astype(np.float64) / unit


def _moments_in_blocks(
    x: Any, axis: int | None, weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same of a large array, some rows at a time."""
    size = max(1, _AT_ONCE // math.prod(x.shape[1:]))
    starts = range(0, len(x), size)
    ends = [_in_units(np.asarray(x[start : start + size]), axis)[0] for start in starts]
    unit = np.max(ends, axis=0)

    def mean(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        total, n = np.zeros(np.shape(unit)), 0.0
        for start in starts:
            block = of(np.asarray(x[start : start + size]).astype(np.float64) / unit)
            if weight is not None:
                block = block * weight[start : start + size].reshape(-1, *[1] * (block.ndim - 1))
            total += block.sum(axis=axis)
            n += len(block) if weight is None else float(weight[start : start + size].sum())
        return total / (n if axis == 0 else n * math.prod(x.shape[1:]))

    centre = mean(lambda block: block)
    return centre * unit, np.sqrt(mean(lambda block: np.square(block - centre))) * unit


def columns_like_before(
    rows: Any,
    kind: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    names: Sequence[str] | None,
    start: int = 0,
) -> NDArray[Any]:
    """Later rows `[n, d]` as the first were, or refused by row and column.

    Args:
        rows: finite numbers.
        kind: "counts", "binary" or "continuous".
        first: the lower of two values, or the mean of each column.
        second: the higher of two values, or the standard deviation of each column.
        names: of the columns.
        start: number of the first of these rows.

    Raises:
        DataError: counts that are negative or not whole, a third value among two, numbers 1e15 deviations from the mean.
    """
    if isinstance(rows, SparseRows) or (rows.size > _LARGE and kind != "binary"):
        return _in_blocks(rows, lambda some, at: columns_like_before(some, kind, first, second, names, at))
    if kind == "counts":
        strange = rows < 0 if rows.dtype.kind in "iub" else (rows < 0) | (rows != np.rint(rows))
        _refuse(rows, strange, names, "counts are whole numbers of at least 0", start)
        check_totals(rows, start)
    elif kind == "binary":
        low, high = float(first), float(second)
        strange = (rows != low) & (rows != high)
        if strange.any() and low == 0:
            for one in (1, 255):
                if bool(((rows == 0) | (rows == one)).all()):
                    return np.where(rows == one, high, 0.0)
        _refuse(rows, strange, names, f"the model was fitted to the two values {low:g} and {high:g}", start)
    elif kind == "continuous":
        with np.errstate(over="ignore", under="ignore"):
            away = np.abs(rows.astype(np.float64) / second - first / second)
        _refuse(
            rows,
            ~(away < FARTHEST),
            names,
            "this is too far from what the model was fitted to for any arithmetic",
            start,
        )
    return rows


def _in_blocks(rows: Any, checked: Callable[[NDArray[Any], int], NDArray[Any]]) -> Any:
    """The same, some rows at a time: they themselves, or an array, where numbers are to be put in place of others."""
    size = max(1, _AT_ONCE // rows.shape[1])
    for start in range(0, len(rows), size):
        block = np.asarray(rows[start : start + size])
        if checked(block, start) is not block:
            return checked(np.asarray(rows), 0)
    return rows


def check_totals(rows: NDArray[Any], start: int = 0) -> None:
    """Raise `DataError` for a row of so many counts that not every number of them is a float64."""
    totals = rows.sum(axis=1, dtype=np.float64)
    if totals.size and totals.max() > MOST_COUNTS:
        row = int(totals.argmax())
        raise DataError(
            f"row {start + row} holds {totals[row]:.4g} counts in all; above 2^53 (9.007e15) not every whole number is a float64: count in larger "
            "units"
        )


def _refuse(
    rows: NDArray[Any], strange: NDArray[np.bool_], names: Sequence[str] | None, why: str, start: int
) -> None:
    if not strange.any():
        return
    row, column = (int(i) for i in np.argwhere(strange)[0])
    called = f"column {names[column]!r}" if names is not None else f"column {column}"
    more = int(strange.sum()) - 1
    raise DataError(
        f"row {start + row}, {called} (counted from 0) has the value {rows[row, column]:g}; {why}"
        + (f" ({more} more values are so)" if more else "")
    )
