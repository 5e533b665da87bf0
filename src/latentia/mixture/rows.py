"""Rows of a table, read in chunks: the one way in which mixtures see data.

A pass over the data touches one chunk at a time, so the memory that it needs beyond the data does not grow with
the number of rows; the table may be a memory map larger than memory or a SciPy sparse matrix. Families that work on
the stored numbers alone get sparse chunks of it; for the others the current chunk is made dense.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import DataError

_STORED = 1 << 19  # numbers of a sparse chunk: the products with it stay in cache
_LARGEST = 1 << 16  # rows of a chunk
_REMEMBERED = 1 << 23  # stored numbers of a table of which families may keep something between passes


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows, `[B, d]`.

    Attributes:
        stored: the rows, dense, or as SciPy CSR (each entry once, by column).
        weights: `[B]` or None.
        targets: `[B]` or None.
        start: the first row's number.
        memo: what a family keeps of the table between passes, or None.
    """

    stored: Tensor | sparse.csr_array
    weights: Tensor | None
    targets: Tensor | None
    start: int
    memo: dict[Any, Any] | None = None

    def __len__(self) -> int:
        """B."""
        return int(self.stored.shape[0])

    @cached_property
    def x(self) -> Tensor:
        """The rows, dense."""
        return self.stored if isinstance(self.stored, Tensor) else torch.from_numpy(self.stored.toarray())

    @property
    def sparse(self) -> sparse.csr_array:
        """The rows of a sparse chunk."""
        assert not isinstance(self.stored, Tensor)
        return self.stored

    def totals(self) -> Tensor:
        """Sum of each row, `[B]`."""
        if isinstance(self.stored, Tensor):
            return self.stored.sum(1)
        return torch.from_numpy(self.stored.sum(axis=1))


class Rows:
    """A table `[n, d]` (NumPy array or memory map, SciPy CSR, torch tensor) with optional weights and classes.

    Args:
        x: the table; never copied as a whole.
        weights: non-negative weight of each row, `[n]`.
        targets: class of each row as integers.
        dtype: the precision of the computation, float32 or float64.
        device: where the chunks are put.

    Example:
        >>> rows = Rows(np.arange(6.0).reshape(3, 2))
        >>> [chunk.x.shape[0] for chunk in rows.chunks(2)]
        [2, 1]
    """

    def __init__(
        self,
        x: Any,
        *,
        weights: np.ndarray | None = None,
        targets: np.ndarray | None = None,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        self.dtype, self.device = dtype, torch.device(device)
        self.n_rows, self.n_features = int(x.shape[0]), int(x.shape[1])
        self._table = x
        self._threshold: float | None = None
        # A bound on what may be kept: memory beyond the data must not grow with the number of rows.
        numbers = getattr(x, "nnz", self.n_rows * self.n_features)
        self._memo: dict[Any, Any] | None = {} if numbers <= _REMEMBERED else None
        if isinstance(x, np.ndarray) and x.flags.writeable and x.dtype in (np.float32, np.float64):
            self._table = torch.from_numpy(x)
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=dtype, device=self.device)
        self.targets = None if targets is None else torch.as_tensor(targets, device=self.device)
        self.total_weight = (
            float(self.n_rows) if weights is None else float(np.sum(weights, dtype=np.float64))
        )

    def thresholded(self, threshold: float | None) -> Rows:
        """Read values as 1 where they are above `threshold`, as 0 elsewhere (NaN stays); None leaves them."""
        self._threshold = threshold
        return self

    @property
    def is_sparse(self) -> bool:
        """Whether rows can be read as they are stored, without their zeros."""
        stored = sparse.issparse(self._table) and getattr(self._table, "format", "") == "csr"
        return stored and self.device.type == "cpu" and (self._threshold is None or self._threshold >= 0)

    def read(self, start: int, stop: int) -> Tensor:
        """Rows `start..stop` as a dense tensor of the computation's precision, on its device."""
        part = self._table[start:stop]
        if not isinstance(part, Tensor):
            dense = part if isinstance(part, np.ndarray) else part.toarray()
            # A copy of the chunk alone: the table may be read-only or of another type.
            part = torch.from_numpy(np.array(dense, dtype=_numpy_dtype(self.dtype)))
        part = part.to(self.device, self.dtype)
        if self._threshold is None:
            return part
        return torch.where(part.isfinite(), (part > self._threshold).to(self.dtype), part)

    def stored(self, start: int, stop: int) -> sparse.csr_array:
        """Rows `start..stop` of a sparse table in the computation's precision."""
        table, dtype = self._table, _numpy_dtype(self.dtype)
        offsets = table.indptr[start : stop + 1]
        held = slice(offsets[0], offsets[-1])
        shape = (stop - start, self.n_features)
        parts = table.data[held].astype(dtype, copy=False), table.indices[held], offsets - offsets[0]
        part = sparse.csr_array(parts, shape=shape)
        if not self._unique:  # it shares the memory of the table
            part = part.copy()
            part.sum_duplicates()
        if self._threshold is None:
            return part
        above: np.ndarray = np.where(np.isfinite(part.data), part.data > self._threshold, part.data).astype(
            dtype
        )
        return sparse.csr_array((above, part.indices, part.indptr), shape=shape)

    @cached_property
    def _unique(self) -> bool:
        return bool(self._table.has_canonical_format)

    def take(self, index: np.ndarray) -> np.ndarray:
        """The rows of the given numbers (ascending), dense, as NumPy of the computation's precision."""
        part = self._table[torch.from_numpy(index)] if isinstance(self._table, Tensor) else self._table[index]
        part = part.cpu().numpy() if isinstance(part, Tensor) else part
        dense = part if isinstance(part, np.ndarray) else part.toarray()
        dense = np.asarray(dense, dtype=_numpy_dtype(self.dtype))
        return dense if self._threshold is None else (dense > self._threshold).astype(dense.dtype)

    def chunks(self, size: int) -> Iterator[Chunk]:
        """All rows in order, dense, `size` at a time."""
        for start in range(0, self.n_rows, size):
            stop = min(start + size, self.n_rows)
            yield self._chunk(self.read(start, stop), start, stop)

    def sparse_chunks(self, numbers: int = 0) -> Iterator[Chunk]:
        """All rows of a sparse table in order, with at least `numbers` stored numbers in a chunk on average."""
        each = max(1.0, self._table.nnz / max(1, self.n_rows))
        size = int(min(_LARGEST, max(1, max(_STORED, numbers) / each)))
        for start in range(0, self.n_rows, size):
            stop = min(start + size, self.n_rows)
            yield self._chunk(self.stored(start, stop), start, stop)

    def _chunk(self, stored: Tensor | sparse.csr_array, start: int, stop: int) -> Chunk:
        weights = None if self.weights is None else self.weights[start:stop]
        targets = None if self.targets is None else self.targets[start:stop]
        return Chunk(stored, weights, targets, start, self._memo)

    def spread(self, limit: int) -> np.ndarray:
        """Numbers of at most `limit` rows spread evenly over those of positive weight."""
        kept = (
            np.arange(self.n_rows) if self.weights is None else np.flatnonzero(self.weights.cpu().numpy() > 0)
        )
        if len(kept) <= limit:
            return kept
        return kept[np.linspace(0, len(kept) - 1, limit).astype(np.int64)]


def check_distinct(rows: Rows, n_components: int) -> None:
    """Raise `DataError` if fewer than `n_components` rows (of positive weight) differ from each other."""
    seen: set[bytes] = set()
    for chunk in rows.chunks(max(1, min(4096, 4_000_000 // rows.n_features))):
        x = chunk.x.cpu().numpy() + 0.0  # -0.0 and 0.0 are one value
        if chunk.weights is not None:
            x = x[chunk.weights.cpu().numpy() > 0]
        for row in x:
            seen.add(row.tobytes())
            if len(seen) >= n_components:
                return
    raise DataError(
        f"n_components={n_components} but the data have only {len(seen)} distinct rows (n_samples={rows.n_rows}); "
        f"use n_components <= {len(seen)}"
    )


def _numpy_dtype(dtype: torch.dtype) -> type:
    return np.float32 if dtype == torch.float32 else np.float64
