"""What one look at a table tells before a fit: moments and extremes of its columns; and what it may not hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import DataError
from latentia.mixture.rows import Chunk, Rows


@dataclass(frozen=True)
class Summary:
    """Weighted mean and variance of each column (float64), and its extremes over rows of positive weight, each `[d]`; whether cells are missing."""

    mean: Tensor
    variance: Tensor
    minimum: Tensor
    maximum: Tensor
    gaps: bool = False


MOST_COUNTS = 2**53


def summarize(
    rows: Rows, *, nonnegative: bool = False, integer: bool = False, gaps: bool = False, name: str = "X"
) -> Summary:
    """Refuse what cannot be used, and return the weighted moments of each column.

    Args:
        rows: the table.
        nonnegative: whether negative values are refused.
        integer: whether fractional values are refused.
        gaps: whether NaN in dense rows stands for a missing cell; moments are then of the observed ones, and a column without any has mean 0
            and variance 1.
        name: what the table is called in errors.

    Raises:
        DataError: a NaN or infinity, or a negative or fractional value where refused, named by row and column.
    """
    check = _Check(name, nonnegative, integer, gaps and not rows.is_sparse)
    return _of_sparse(rows, check) if rows.is_sparse else _of_dense(rows, check)


def _of_dense(rows: Rows, check: _Check) -> Summary:
    """One pass, moments about the mean of the first chunk."""
    d, device = rows.n_features, rows.device
    total = 0.0
    first = torch.zeros(d, dtype=torch.float64, device=device)
    second = torch.zeros(d, dtype=torch.float64, device=device)
    low = torch.full((d,), torch.inf, dtype=rows.dtype, device=device)
    high = torch.full((d,), -torch.inf, dtype=rows.dtype, device=device)
    origin: Tensor | None = None
    for chunk in rows.chunks(max(1, min(65536, 4_000_000 // max(1, d)))):
        x = chunk.x
        if bad := check.first_bad(x):
            place, expected = bad
            check.refuse(chunk.start + place // d, place % d, float(x.reshape(-1)[place]), expected)
        if check.gaps and bool(x.isnan().any()):
            return _of_gaps(rows, check)
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


def _of_gaps(rows: Rows, check: _Check) -> Summary:
    """Two passes over the observed cells: the mean and the extremes, then the variance about that mean."""
    d, device = rows.n_features, rows.device
    total, first, second = (torch.zeros(d, dtype=torch.float64, device=device) for _ in range(3))
    low = torch.full((d,), torch.inf, dtype=rows.dtype, device=device)
    high = -low
    for chunk in rows.chunks(max(1, 4_000_000 // max(1, d))):
        x, seen, weights = _observed(chunk)
        if bad := check.first_bad(chunk.x):
            place, expected = bad
            check.refuse(chunk.start + place // d, place % d, float(chunk.x.reshape(-1)[place]), expected)
        low = torch.minimum(low, torch.where(seen, x, torch.inf).amin(0))
        high = torch.maximum(high, torch.where(seen, x, -torch.inf).amax(0))
        total += weights @ seen.double()
        first += weights @ x.double()
    mean = first / total.clamp_min(1e-300)
    for chunk in rows.chunks(max(1, 4_000_000 // max(1, d))):
        x, seen, weights = _observed(chunk)
        second += weights @ torch.where(seen, x.double() - mean, 0.0).square()
    known = total > 0
    variance = torch.where(known, second / total.clamp_min(1e-300), 1.0)
    return Summary(mean, variance, torch.where(known, low, -1.0), torch.where(known, high, 1.0), gaps=True)


def _observed(chunk: Chunk) -> tuple[Tensor, Tensor, Tensor]:
    """Rows with zeros for what is missing, which cells are observed in rows of positive weight, and the weights in float64."""
    x = chunk.x
    seen = ~x.isnan()
    if chunk.weights is None:
        return x.nan_to_num(), seen, torch.ones(len(x), dtype=torch.float64, device=x.device)
    return x.nan_to_num(), seen & (chunk.weights > 0)[:, None], chunk.weights.double()


def _of_sparse(rows: Rows, check: _Check) -> Summary:
    """Two passes over the stored numbers: the mean, then the variance about it."""
    d = rows.n_features
    first, second, held = np.zeros(d), np.zeros(d), np.zeros(d)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    total = 0.0
    for chunk in rows.sparse_chunks():
        part, weights = _weighed(chunk.sparse, chunk.weights)
        if bad := check.first_bad(torch.from_numpy(chunk.sparse.data)):
            place, expected = bad
            row = int(np.searchsorted(chunk.sparse.indptr, place, side="right")) - 1
            value = float(chunk.sparse.data[place])
            check.refuse(chunk.start + row, int(chunk.sparse.indices[place]), value, expected)
        if not part.shape[0]:
            continue
        low = np.minimum(low, part.min(axis=0).toarray())
        high = np.maximum(high, part.max(axis=0).toarray())
        total += float(weights.sum())
        first += part.T @ weights
    mean = first / total
    for chunk in rows.sparse_chunks():
        part, weights = _weighed(chunk.sparse, chunk.weights)
        of_one = np.repeat(weights, np.diff(part.indptr))
        held += np.bincount(part.indices, of_one, minlength=d)
        second += np.bincount(part.indices, of_one * (part.data - mean[part.indices]) ** 2, minlength=d)
    variance = (second + (total - held).clip(0.0) * mean**2) / total
    low, high = low.astype(part.dtype), high.astype(part.dtype)
    found = [torch.from_numpy(value) for value in (mean, variance, low, high)]
    return Summary(found[0], found[1], found[2], found[3])


def _weighed(part: sparse.csr_array, weights: Tensor | None) -> tuple[sparse.csr_array, np.ndarray]:
    """The rows of positive weight, and their weights in float64."""
    if weights is None:
        return part, np.ones(part.shape[0])
    kept = weights.numpy() > 0
    return part[kept], weights.numpy()[kept].astype(np.float64)


@dataclass(frozen=True)
class _Check:
    """What values are refused."""

    name: str
    nonnegative: bool
    integer: bool
    gaps: bool = False

    def first_bad(self, x: Tensor) -> tuple[int, str] | None:
        """The place of the first value that is refused, in reading order, and what was expected."""
        wrong = torch.isinf if self.gaps else _not_finite
        if not bool(torch.isfinite(x.sum())) and bool((bad := wrong(x)).any()):
            return int(bad.reshape(-1).nonzero()[0]), "a finite number was expected: remove or impute it"
        if self.nonnegative and bool((bad := x < 0).any()):
            return int(bad.reshape(-1).nonzero()[0]), "a count (a non-negative integer) was expected"
        if self.integer and bool((bad := x != x.round()).any()):
            expected = "a whole number was expected; set strict=False to take fractional counts"
            return int(bad.reshape(-1).nonzero()[0]), expected
        if self.integer and bool((bad := x > MOST_COUNTS).any()):
            expected = "above 2^53 (9.007e15) not every whole number is a float64: count in larger units"
            return int(bad.reshape(-1).nonzero()[0]), expected
        return None

    def refuse(self, row: int, column: int, value: float, expected: str) -> None:
        """Raise a `DataError` that names the value."""
        shown = "NaN" if value != value else ("infinity" if value in (np.inf, -np.inf) else f"{value:g}")
        kind = "Negative values in data: " if value < 0 and value != -np.inf else ""
        raise DataError(f"{kind}{self.name} holds {shown} in row {row}, column {column}; {expected}")


def _not_finite(x: Tensor) -> Tensor:
    return ~torch.isfinite(x)
