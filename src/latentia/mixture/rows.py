"""Rows of a table, read in chunks: the one way in which mixtures see data.

A pass over the data touches one chunk at a time, so the memory that it needs beyond the data does not grow with
the number of rows; the table may be a memory map larger than memory or a SciPy sparse matrix, of which only the
current chunk is made dense.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.errors import DataError


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows: `x [B, d]`, `weights [B]` or None, `targets [B]` or None, first row's number."""

    x: Tensor
    weights: Tensor | None
    targets: Tensor | None
    start: int


@dataclass(frozen=True)
class Summary:
    """What one pass over the table tells: weighted moments and extremes of each column, and whether it holds counts."""

    mean: Tensor
    variance: Tensor
    minimum: Tensor
    maximum: Tensor


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

    def take(self, index: np.ndarray) -> np.ndarray:
        """The rows of the given numbers (ascending), dense, as NumPy of the computation's precision."""
        part = self._table[torch.from_numpy(index)] if isinstance(self._table, Tensor) else self._table[index]
        part = part.cpu().numpy() if isinstance(part, Tensor) else part
        dense = part if isinstance(part, np.ndarray) else part.toarray()
        dense = np.asarray(dense, dtype=_numpy_dtype(self.dtype))
        return dense if self._threshold is None else (dense > self._threshold).astype(dense.dtype)

    def chunks(self, size: int) -> Iterator[Chunk]:
        """All rows in order, `size` at a time."""
        for start in range(0, self.n_rows, size):
            stop = min(start + size, self.n_rows)
            yield Chunk(
                self.read(start, stop),
                None if self.weights is None else self.weights[start:stop],
                None if self.targets is None else self.targets[start:stop],
                start,
            )

    def spread(self, limit: int) -> np.ndarray:
        """Numbers of at most `limit` rows spread evenly over those of positive weight."""
        kept = (
            np.arange(self.n_rows) if self.weights is None else np.flatnonzero(self.weights.cpu().numpy() > 0)
        )
        if len(kept) <= limit:
            return kept
        return kept[np.linspace(0, len(kept) - 1, limit).astype(np.int64)]


def summarize(rows: Rows, *, nonnegative: bool = False, integer: bool = False, name: str = "X") -> Summary:
    """One pass: refuse what cannot be used, and return the weighted moments of each column.

    Args:
        rows: the table.
        nonnegative: whether negative values are refused.
        integer: whether fractional values are refused.
        name: what the table is called in errors.

    Raises:
        DataError: a NaN or infinity, or a negative or fractional value where refused, named by row and column.
    """
    d, device = rows.n_features, rows.device
    size = max(1, min(65536, 4_000_000 // max(1, d)))
    total = 0.0
    first = torch.zeros(d, dtype=torch.float64, device=device)
    second = torch.zeros(d, dtype=torch.float64, device=device)
    low = torch.full((d,), torch.inf, dtype=rows.dtype, device=device)
    high = torch.full((d,), -torch.inf, dtype=rows.dtype, device=device)
    origin: Tensor | None = None
    for chunk in rows.chunks(size):
        x = chunk.x
        if not bool(torch.isfinite(x.sum())):
            _refuse(~torch.isfinite(x), chunk, name, "a finite number was expected: remove or impute it")
        if nonnegative and bool((bad := x < 0).any()):
            _refuse(bad, chunk, name, "a count (a non-negative integer) was expected")
        if integer and bool((bad := x != x.round()).any()):
            _refuse(
                bad, chunk, name, "a whole number was expected; set strict=False to take fractional counts"
            )
        if origin is None:
            origin = x.to(torch.float64).mean(0)
        if chunk.weights is not None and not bool((chunk.weights > 0).all()):
            x = x[chunk.weights > 0]
            if not len(x):
                continue
        low, high = torch.minimum(low, x.amin(0)), torch.maximum(high, x.amax(0))
        shifted = x.to(torch.float64) - origin
        weights = (
            torch.ones(len(x), dtype=torch.float64, device=device)
            if chunk.weights is None
            else chunk.weights[chunk.weights > 0].to(torch.float64)
        )
        total += float(weights.sum())
        first += weights @ shifted
        second += weights @ shifted.square_()
    assert origin is not None
    mean = first / total
    return Summary(origin + mean, (second / total - mean.square()).clamp_min(0.0), low, high)


def check_distinct(rows: Rows, n_components: int) -> None:
    """Raise `DataError` if fewer than `n_components` rows (of positive weight) differ from each other."""
    seen: set[bytes] = set()
    for chunk in rows.chunks(4096):
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


def _refuse(bad: Tensor, chunk: Chunk, name: str, expected: str) -> None:
    """Raise a `DataError` that names the first marked element; sums can overflow, so there may be none."""
    where = bad.nonzero()
    if not len(where):
        return
    row, column = (int(i) for i in where[0])
    value = float(chunk.x[row, column])
    shown = "NaN" if value != value else ("infinity" if value in (np.inf, -np.inf) else f"{value:g}")
    kind = "Negative values in data: " if value < 0 and value != -np.inf else ""
    raise DataError(f"{kind}{name} holds {shown} in row {chunk.start + row}, column {column}; {expected}")


def _numpy_dtype(dtype: torch.dtype) -> type:
    return np.float32 if dtype == torch.float32 else np.float64
