"""Checks that all readers share: damaged files, numbers that are none, labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError, LatentiaError
from latentia.guard import NotPlainError, check_source

_CHECK_VALUES = 1 << 22  # values looked at together, so that a memory-mapped file is never whole in memory


def one_line(error: BaseException) -> str:
    """Return the message of `error` without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def reading(path: Path | str, what: str) -> Iterator[None]:
    """Look whether a file can be read in bounded time and memory, and turn whatever its reader raises into one `DataError`.

    Args:
        path: the file that is read; a text names what is no file of its own.
        what: what it should be, in words ("a NumPy file").
    """
    try:
        if isinstance(path, Path):
            check_source(path)
        with np.errstate(all="ignore"):  # sizes that overflow are refused, not warned of
            yield
    except LatentiaError:
        raise
    except NotPlainError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; give a {what.removeprefix('a ')}"
        ) from None
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is: {one_line(error)}") from None
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied; change its mode or copy it") from None
    except Exception as error:  # damaged bytes make readers raise errors of every class, down to TokenError
        if "pickle" in str(error) or "Python objects" in str(error):
            raise DataError(
                f"{path} is no {what} of numbers: it holds object arrays, a pickle (neither is ever read) or damage;"
                " save it again with a numeric dtype"
            ) from None
        raise DataError(f"{path} is no readable {what}, truncated or damaged: {one_line(error)}") from error


def require_finite(x: NDArray[Any], where: str, columns: tuple[str, ...] | None = None) -> None:
    """Raise `DataError` that names the first NaN or infinity of `x` `[n, ...]` by row and column.

    Example:
        >>> require_finite(np.array([[1.0, 2.0], [np.inf, 3.0]]), "a.csv", ("b", "c"))
        Traceback (most recent call last):
        latentia.errors.DataError: a.csv: row 2, column 'b' is inf; ...
    """
    if x.dtype.kind != "f" or x.size == 0:
        return
    step = max(1, _CHECK_VALUES * len(x) // x.size)
    for start in range(0, len(x), step):
        block = np.asarray(x[start : start + step])
        bad = ~np.isfinite(block)
        if bad.any():
            row, *place = (int(i) for i in np.argwhere(bad)[0])
            value = "missing or NaN" if np.isnan(block[(row, *place)]) else str(block[(row, *place)])
            if len(place) == 1:
                column = repr(columns[place[0]]) if columns else str(place[0] + 1)
                spot = f"column {column}"
            else:
                spot = f"place {tuple(place)} of the item"
            raise DataError(
                f"{where}: row {start + row + 1}, {spot} is {value}; every value must be a finite number:"
                " fill in or drop such rows (rows are counted from 1)"
            )


def encode_labels(
    values: NDArray[Any], where: str, class_names: tuple[str, ...] | None = None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Turn labels into codes 0 ... K-1 and the names of the K classes (in sorted order, if none are given).

    Args:
        values: whole numbers, booleans or text, `[n]` or `[n, 1]`; with `class_names`, codes into them.
        where: what holds them, for the message.
        class_names: names that the source states.

    Raises:
        DataError: a missing label, a fraction, a code without a name.

    Example:
        >>> codes, names = encode_labels(np.array(["lean", "obese", "lean"]), "y")
        >>> codes.tolist(), names
        ([0, 1, 0], ('lean', 'obese'))
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"{where}: labels have shape {values.shape}; one for each row is expected, shape (n,)"
        )
    if values.dtype.kind == "f":
        odd = np.flatnonzero(~np.isfinite(values) | (values != np.round(values)))
        if odd.size:
            raise DataError(
                f"{where}: the label of row {odd[0] + 1} is {values[odd[0]]}; classes are whole numbers or text"
            )
        values = values.astype(np.int64)
    if values.dtype.kind == "O":
        for row, value in enumerate(values):
            if value is None or value != value:
                raise DataError(f"{where}: the label of row {row + 1} is missing; fill it in or drop the row")
        values = np.array([str(value) for value in values])
    if values.dtype.kind not in "iubU":
        raise DataError(f"{where}: labels of type {values.dtype}; classes are whole numbers or text")
    if class_names is None:
        found, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), tuple(str(name) for name in found)
    wrong = np.flatnonzero((values < 0) | (values >= len(class_names)))
    if wrong.size:
        raise DataError(
            f"{where}: the label of row {wrong[0] + 1} is {values[wrong[0]]}, but {len(class_names)} classes are named"
        )
    return values.astype(np.int64), class_names
