"""Pairs of features, whose products a covariance is made of: how they are laid out in a row of statistics."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class FeaturePairs:
    """All pairs of d features, as d cyclic shifts by 0 to d/2: pair s d + j is (j, j - (h - s) mod d), h = floor(d / 2).

    So laid out all products are one product of a window that slides over features with the features. A shift by d/2 holds
    each of its pairs in both orders.

    Args:
        n_features: d.
        device: of the indices.

    Attributes:
        shift: h, the largest shift.
        i, j: the two features of each pair.
        place: of each pair in a flattened matrix.

    Example:
        >>> pairs = FeaturePairs(3)
        >>> pairs.of(torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])).tolist()
        [3.0, 2.0, 5.0, 1.0, 4.0, 6.0]
    """

    def __init__(self, n_features: int, *, device: torch.device | str = "cpu") -> None:
        d = self.n_features = n_features
        self.shift = d // 2
        each = torch.arange(d, device=device)
        shifts = torch.arange(self.shift, -1, -1, device=device)
        self.i = each.repeat(self.shift + 1)
        self.j = ((each - shifts[:, None]) % d).reshape(-1)
        self.place = self.i * d + self.j

    def __len__(self) -> int:
        """How many."""
        return len(self.i)

    def of(self, matrices: Tensor) -> Tensor:
        """The entries `[..., pairs]` of symmetric matrices `[..., d, d]`."""
        return matrices.flatten(-2).index_select(-1, self.place)

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

    def room(self, scratch: Tensor) -> Room:
        """Views of contiguous scratch memory `[h + d + pairs, B]` for the products of B rows."""
        d, h, n = self.n_features, self.shift, scratch.shape[1]
        features = scratch[h : h + d]
        windows = scratch.as_strided((h + 1, d, n), (n, n, 1), scratch.storage_offset())
        products = scratch[h + d :].view(h + 1, d, n)
        return Room(features, scratch[:h], features[d - h :], windows, products, scratch[h:])

    @property
    def n_scratch(self) -> int:
        """Rows of scratch memory that `room` needs."""
        return self.shift + self.n_features + len(self)


class Room(NamedTuple):
    """Views of one memory: features, the last of them once more before the first, and products of pairs."""

    features: Tensor
    before: Tensor
    last: Tensor
    windows: Tensor
    products: Tensor
    filled: Tensor

    def fill(self, u: Tensor) -> Tensor:
        """Features and products of pairs, `[d + pairs, B]`, of `u [B, d]`; valid until the next call."""
        self.features.copy_(u.T)
        self.before.copy_(self.last)
        torch.mul(self.windows, self.features, out=self.products)
        return self.filled
