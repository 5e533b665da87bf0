"""Pairs of features, whose products a covariance is made of: how they are laid out in a row of statistics."""

from __future__ import annotations

import torch
from torch import Tensor


class FeaturePairs:
    """Pairs (i, j) of d features: the upper triangle in blocks of rows, which also hold some pairs in both orders.

    Args:
        n_features: d.
        device: of the indices.

    Example:
        >>> pairs = FeaturePairs(2)
        >>> pairs.of(torch.tensor([[1.0, 2.0], [2.0, 3.0]])).tolist()
        [1.0, 2.0, 2.0, 3.0]
    """

    def __init__(self, n_features: int, *, device: torch.device | str = "cpu") -> None:
        d = self.n_features = n_features
        # A few wide products instead of d narrow ones.
        width = 2 if d <= 16 else 4
        self._blocks = [(i, min(width, d - i)) for i in range(0, d, width)]
        i = torch.cat([torch.arange(s, s + w).repeat_interleave(d - s) for s, w in self._blocks])
        j = torch.cat([torch.arange(s, d).repeat(w) for s, w in self._blocks])
        self.i, self.j = i.to(device), j.to(device)

    def __len__(self) -> int:
        """How many."""
        return len(self.i)

    def of(self, matrices: Tensor) -> Tensor:
        """The entries `[..., pairs]` of `[..., d, d]`."""
        return matrices[..., self.i, self.j]

    def symmetric(self, packed: Tensor) -> Tensor:
        """`[K, pairs]` to symmetric `[K, d, d]`."""
        out = packed.new_zeros(len(packed), self.n_features, self.n_features)
        out[:, self.i, self.j] = packed
        out[:, self.j, self.i] = packed
        return out

    def weights(self) -> Tensor:
        """-1/2 for a pair that appears in both orders (or is on the diagonal), -1 for one that stands for both."""
        both = torch.zeros(self.n_features, self.n_features, dtype=torch.bool, device=self.i.device)
        both[self.i, self.j] = True
        return torch.where(both[self.j, self.i], -0.5, -1.0).to(torch.float64)

    def fill(self, u: Tensor, out: Tensor) -> None:
        """Products u_i u_j, `[pairs, B]`, from `u [d, B]`."""
        d, n = u.shape
        offset = 0
        for i, width in self._blocks:
            size = width * (d - i)
            torch.mul(
                u[i : i + width, None], u[None, i:], out=out[offset : offset + size].view(width, d - i, n)
            )
            offset += size
