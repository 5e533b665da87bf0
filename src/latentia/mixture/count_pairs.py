"""The distinct (column, count) pairs and row totals of tables of counts, and rows as indicators of theirs."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import DataError
from latentia.mixture.rows import Chunk

_PARTS = 1 << 10  # fractional counts, where taken at all, are kept to this part
_LARGEST = 2.0**53  # up to here every whole number is a float64
_FORMER_BASE = 1 << 42  # state of former versions: column * base + count * parts, in one integer


class CountPairs:
    """What a Dirichlet-multinomial density depends on: which pairs (column, count) a row holds, and its total.

    A pair is kept as the complex number column + i count, which NumPy sorts by column, then by count: both parts are
    exact up to 2^53. Totals stand in column d, behind all pairs.

    Args:
        n_features: d.
        keys: sorted, distinct; none to begin with.
        device: of the tensors.

    Attributes:
        column: of each pair, `[P]` int64, ascending.
        count: of each pair, `[P]` float64.
        total: distinct totals, `[T]` float64.

    Example:
        >>> x = torch.tensor([[2.0, 0.0], [2.0, 3.0]], dtype=torch.float64)
        >>> pairs = CountPairs(2)
        >>> _ = pairs.learn(Chunk(x, None, None, 0))
        >>> pairs.column.tolist(), pairs.count.tolist(), pairs.total.tolist()
        ([0, 1], [2.0, 3.0], [2.0, 5.0])
    """

    def __init__(
        self, n_features: int, keys: np.ndarray | None = None, device: torch.device | str = "cpu"
    ) -> None:
        self.n_features, self.device = n_features, torch.device(device)
        self._put(np.empty(0, dtype=np.complex128) if keys is None else keys)

    def _put(self, keys: np.ndarray) -> None:
        self.keys = keys
        column, count = (torch.from_numpy(part.copy()).to(self.device) for part in (keys.real, keys.imag))
        n_pairs = int((column < self.n_features).sum())
        self.column = column[:n_pairs].to(torch.int64)
        self.count, self.total = count[:n_pairs], count[n_pairs:]

    def __len__(self) -> int:
        """Pairs and totals together."""
        return len(self.keys)

    def learn(self, chunk: Chunk) -> Tensor:
        """Add a chunk's pairs and totals; return the new places of the old ones."""
        old, new = self.keys, np.unique(self._keys(chunk)[0])
        if len(old):
            new = new[old[np.searchsorted(old, new).clip(max=len(old) - 1)] != new]
        if len(new):
            self._put(np.insert(old, np.searchsorted(old, new), new))
        return torch.from_numpy(np.searchsorted(self.keys, old)).to(self.device)

    def indicator(self, chunk: Chunk) -> sparse.csr_array | None:
        """Ones at the places of each row's pairs and total, `[B, P + T]`; None where some are not known."""
        keys, offsets = self._keys(chunk)
        if not len(self.keys):
            return None
        place = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        if not np.array_equal(self.keys[place], keys):
            return None
        dtype = np.float32 if chunk.stored.dtype in (torch.float32, np.float32) else np.float64
        shape, narrow = (len(chunk), len(self)), (place.astype(np.int32), offsets.astype(np.int32))
        return sparse.csr_array((np.ones(len(place), dtype), *narrow), shape=shape)

    def _keys(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        """Keys row after row, each row's total last, and where each row begins, `[B + 1]`."""
        n = len(chunk)
        row, column, count = _counts(chunk)
        total = np.bincount(row, count, minlength=n)
        if (bad := total > _LARGEST).any():
            at = int(bad.nonzero()[0][0])
            raise DataError(
                f"row {chunk.start + at} holds {total[at]:.4g} counts in all; above 2^53 (9.007e15) not every whole number "
                "is a float64: count in larger units"
            )
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n) + 1)])
        keys = np.empty(offsets[-1], dtype=np.complex128)
        last = np.zeros(len(keys), dtype=bool)
        last[offsets[1:] - 1] = True
        keys[~last] = column + 1j * count
        keys[last] = self.n_features + 1j * total
        return keys, offsets

    def state(self) -> np.ndarray:
        """Columns and counts of all keys, `[2, P + T]`."""
        return np.stack([self.keys.real, self.keys.imag])

    @classmethod
    def from_state(cls, state: np.ndarray, n_features: int, device: torch.device | str) -> CountPairs:
        """What `state` gave."""
        if state.ndim == 1:
            column, count = state // _FORMER_BASE, (state % _FORMER_BASE) / _PARTS
        else:
            column, count = state
        return cls(n_features, column + 1j * count, device)


def _counts(chunk: Chunk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and value of every count above zero, row after row."""
    if isinstance(chunk.stored, Tensor):
        x = chunk.stored.cpu().numpy()
        row, column = x.nonzero()
        value = x[row, column]
    else:
        held = chunk.stored
        row, column = np.repeat(np.arange(len(chunk)), np.diff(held.indptr)), held.indices.astype(np.int64)
        value = held.data
    count = np.round(value.astype(np.float64) * _PARTS) / _PARTS
    kept = count > 0
    return (row, column, count) if kept.all() else (row[kept], column[kept], count[kept])
