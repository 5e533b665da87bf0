"""Sparse matrices from the arrays of `scipy.sparse.save_npz`, each index looked at before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.errors import DataError
from latentia.guard import require_room

_MOST = np.iinfo(np.int32).max
_A_COLUMN = 64  # bytes that the smallest of models keeps of a column


def is_sparse(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether the arrays of a file are those of a sparse matrix."""
    return "format" in arrays and "shape" in arrays and ("indptr" in arrays or "row" in arrays)


def sparse_matrix(arrays: Mapping[str, NDArray[Any]], where: str) -> sparse.csr_array:
    """The matrix, in rows.

    Args:
        arrays: `format` (csr, csc or coo), `shape`, `data`, and `indices` with `indptr`, or `row` with `col`.
        where: what holds them, for messages.

    Raises:
        DataError: if an index points outside the matrix, lengths do not agree, or its columns fit no memory.

    Example:
        >>> broken = {"format": np.array("csr"), "shape": np.array([1, 2]), "data": np.ones(1), "indices": np.array([5]), "indptr": np.array([0, 1])}
        >>> sparse_matrix(broken, "a.npz")
        Traceback (most recent call last):
        latentia.errors.DataError: a.npz holds a broken sparse matrix: a column index of 5, beyond 2 columns; ...
    """
    form = arrays["format"].item() if arrays["format"].size == 1 else ""
    form = form.decode("ascii", "replace") if isinstance(form, bytes) else str(form)
    n, d = _shape(arrays["shape"], where)
    require_room(_A_COLUMN * d, f"{where}, a sparse matrix of {d} columns,")
    if form not in ("csr", "csc", "coo"):
        raise DataError(
            f"{where} holds a sparse matrix in the format {form!r}; write it as csr: matrix.tocsr()"
        )
    data = _numbers(arrays, "data", where)
    if form == "coo":
        rows = _indices(arrays, "row", n, "row", len(data), where)
        columns = _indices(arrays, "col", d, "column", len(data), where)
        return sparse.csr_array(sparse.coo_array((data, (rows, columns)), shape=(n, d)))
    major, minor = (n, d) if form == "csr" else (d, n)
    pointers = _whole(arrays, "indptr", where)
    if len(pointers) != major + 1 or pointers[0] != 0 or (np.diff(pointers) < 0).any():
        raise _broken(where, f"its indptr must rise from 0, with {major + 1} entries")
    if pointers[-1] != len(data):
        raise _broken(where, f"its indptr ends at {pointers[-1]}, with {len(data)} stored values")
    indices = _indices(arrays, "indices", minor, "column" if form == "csr" else "row", len(data), where)
    build = sparse.csr_array if form == "csr" else sparse.csc_array
    found = sparse.csr_array(build((data, indices, pointers), shape=(n, d)))
    found.sum_duplicates()
    return found


def _shape(shape: NDArray[Any], where: str) -> tuple[int, int]:
    if (
        shape.dtype.kind not in "iu"
        or shape.shape != (2,)
        or not all(0 < int(size) <= _MOST for size in shape)
    ):
        raise _broken(where, f"its shape is {shape.tolist()!r:.60}")
    return int(shape[0]), int(shape[1])


def _numbers(arrays: Mapping[str, NDArray[Any]], name: str, where: str) -> NDArray[Any]:
    found = arrays.get(name)
    if found is None or found.ndim != 1:
        raise _broken(where, f"it lacks {name}, or has it with several axes")
    if found.dtype.kind not in "biuf":
        raise DataError(f"{where}: stored values of type {found.dtype}; numbers are expected")
    if found.dtype.kind == "b" or (found.dtype.kind == "f" and found.dtype.itemsize not in (4, 8)):
        return found.astype(np.int64 if found.dtype.kind == "b" else np.float64)
    return found if found.dtype.isnative else found.astype(found.dtype.newbyteorder("="))


def _whole(arrays: Mapping[str, NDArray[Any]], name: str, where: str) -> NDArray[np.int64]:
    found = arrays.get(name)
    if found is None or found.ndim != 1 or found.dtype.kind not in "iu":
        raise _broken(where, f"it lacks {name}, or has it in other than whole numbers")
    return found.astype(np.int64)


def _indices(
    arrays: Mapping[str, NDArray[Any]], name: str, most: int, what: str, n: int, where: str
) -> NDArray[np.int64]:
    found = _whole(arrays, name, where)
    if len(found) != n:
        raise _broken(where, f"{len(found)} {name} for {n} stored values")
    if len(found) and (found.min() < 0 or found.max() >= most):
        worst = found.min() if found.min() < 0 else found.max()
        raise _broken(where, f"a {what} index of {worst}, beyond {most} {what}s")
    return found


def _broken(where: str, why: str) -> DataError:
    return DataError(
        f"{where} holds a broken sparse matrix: {why}; write it again with scipy.sparse.save_npz"
    )
