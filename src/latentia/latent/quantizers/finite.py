"""Finite scalar quantization: a few numbers, each rounded to a few levels, are the code."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from latentia.distributions.numerics import at_least_single
from latentia.errors import ConfigError
from latentia.latent.gradients import straight_through
from latentia.latent.quantizers.base import Codes, Quantizer

_MARGIN = 1e-3
_LEVELS: dict[int, tuple[int, ...]] = {
    64: (4, 4, 4),
    256: (8, 6, 5),
    512: (8, 8, 8),
    1024: (8, 5, 5, 5),
    4096: (7, 5, 5, 5, 5),
    16384: (8, 8, 8, 5, 5),
    65536: (8, 8, 8, 6, 5, 5),
}


def levels_for(n_codes: int) -> tuple[int, ...]:
    """Levels whose product is about `n_codes`: those of the paper's table 1 where it has the size.

    Example:
        >>> levels_for(1024), levels_for(16)
        ((8, 5, 5, 5), (4, 4))
    """
    if n_codes in _LEVELS:
        return _LEVELS[n_codes]
    dims = max(1, round(math.log(n_codes) / math.log(5.5)))
    return (max(2, round(n_codes ** (1 / dims))),) * dims


class FiniteScalarQuantizer(Quantizer):
    r"""A linear map to c numbers, each squashed and rounded to one of L levels; no codebook, no losses of its own.

    .. math:: \hat z = \mathrm{round}(h \tanh(z + s) - o), \quad h = (L - 1)(1 + \epsilon) / 2

    with o = 1/2 for even L, else 0, and s such that z = 0 lies at 0. Levels are scaled to [-1, 1], and a second linear map gives the
    vector. The code's index is the mixed-radix number of its levels. The gradient is straight-through.

    Args:
        dim: D, of the vectors outside.
        levels: L of each of the c numbers; K is their product.

    Raises:
        ConfigError: if a number has fewer than two levels.

    Source: Mentzer, Minnen, Agustsson and Tschannen 2024, Finite Scalar Quantization, section 3 and appendix A.

    Example:
        >>> quantizer = FiniteScalarQuantizer(16, (8, 5))
        >>> quantizer.n_codes, quantizer(torch.randn(2, 4, 16)).z_q.shape
        (40, torch.Size([2, 4, 16]))
    """

    sizes: Tensor
    basis: Tensor

    def __init__(self, dim: int, levels: Sequence[int]) -> None:
        levels = tuple(levels)
        if not levels or min(levels) < 2:
            raise ConfigError(
                f"levels={levels}: each number needs at least 2 levels, for example (8, 5, 5, 5)"
            )
        super().__init__(dim, math.prod(levels))
        self.levels = levels
        self.register_buffer("sizes", torch.tensor(levels), persistent=False)
        basis = [math.prod(levels[:i]) for i in range(len(levels))]
        self.register_buffer("basis", torch.tensor(basis), persistent=False)
        self.inward = nn.Linear(dim, len(levels))
        self.outward = nn.Linear(len(levels), dim)

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Quantize."""
        bounded = self._bounded(at_least_single(self.inward(z_e)))
        with torch.no_grad():
            indices = self.indices(bounded)
        levels = straight_through(bounded / (self.sizes // 2), self.values(indices).to(bounded.dtype))
        return Codes(at_least_single(self.outward(levels)), indices)

    def lookup(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch dim"]:
        """The vectors of codes."""
        return self.outward(self.values(indices))

    def indices(self, bounded: Float[Tensor, "*batch numbers"]) -> Int64[Tensor, "*batch"]:
        """The codes nearest to bounded numbers."""
        digits = bounded.round().to(torch.int64) + self.sizes // 2
        return (digits * self.basis).sum(-1)

    def values(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch numbers"]:
        """The levels of codes, between -1 and 1: the inverse of `indices` of levels times half their number.

        Example:
            >>> quantizer = FiniteScalarQuantizer(1, (3, 2))
            >>> quantizer.values(torch.arange(6)).tolist()
            [[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
        """
        digits = indices[..., None] // self.basis % self.sizes
        return (digits - self.sizes // 2).to(self.outward.weight.dtype) / (self.sizes // 2)

    def _bounded(self, z: Tensor) -> Tensor:
        """Squash each number so that rounding gives exactly its levels."""
        half = (self.sizes - 1) * (1 + _MARGIN) / 2
        offset = torch.where(self.sizes % 2 == 0, 0.5, 0.0)
        half, offset = half.to(z.dtype), offset.to(z.dtype)
        return (z + torch.atanh(offset / half)).tanh() * half - offset
