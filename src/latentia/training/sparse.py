"""Rows of a sparse table, which become dense a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class SparseRows:
    """A sparse matrix with as much of an array's face as a fit needs; `np.asarray` of some of its rows is dense.

    Args:
        matrix: a SciPy matrix or array in CSR format, `[n, d]`.

    Example:
        >>> from scipy import sparse
        >>> rows = SparseRows(sparse.csr_array(np.array([[0, 2], [3, 0], [0, 0]])))
        >>> len(rows), np.asarray(rows[1:]).tolist(), rows.sum(1).tolist(), rows.nbytes
        (3, [[3, 0], [0, 0]], [2, 3, 0], 48)
    """

    ndim = 2

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, d)`."""
        n, d = self.matrix.shape
        return int(n), int(d)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return np.dtype(self.matrix.dtype)

    @property
    def nbytes(self) -> int:
        """Of the dense table."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __len__(self) -> int:
        """Number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> SparseRows:
        """Some rows, in their order: a slice, or numbers `[m]`."""
        return SparseRows(self.matrix[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All rows, dense."""
        return np.asarray(self.matrix.toarray(), dtype=dtype)

    def sum(self, axis: int, dtype: Any = None) -> npt.NDArray[Any]:
        """Sums of rows (axis 1) or columns (axis 0)."""
        return np.asarray(self.matrix.sum(axis=axis, dtype=dtype)).reshape(-1)

    def min(self) -> Any:
        """The smallest number, zeros counted."""
        return self.matrix.min()

    def max(self) -> Any:
        """The greatest number."""
        return self.matrix.max()
