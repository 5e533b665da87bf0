"""Densities of codes without a network: all alike, or each position by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentia.latent.autoregressive import AutoregressiveDensity, Context
from latentia.latent.autoregressive.base import Parts, Walk


class Uniform(AutoregressiveDensity):
    """Every code alike at every position: log p(k) = -n log K; a context changes nothing.

    Example:
        >>> Uniform((1, 2, 2), 8).log_prob(torch.zeros(1, 1, 2, 2, dtype=torch.long)) / torch.tensor(8.0).log()
        tensor([-4.])
    """

    place: Tensor

    def __init__(self, event_shape: Sequence[int], n_levels: int, n_context: int = 0, n_map: int = 0) -> None:
        super().__init__(event_shape, n_levels, n_context, n_map)
        self.register_buffer("place", torch.zeros(()), persistent=False)  # tells device and dtype

    def logits(self, x: Tensor, context: Context = None) -> Tensor:
        """Zeros `[B, C, H, W, K]`."""
        self.context_parts(context, len(x))
        return self.place.expand(*self.check(x).shape, self.n_levels)


class Independent(AutoregressiveDensity):
    r"""A categorical distribution of its own for each position, independent of the others: :math:`p(k|h) = \prod_i p_i(k_i|h)`.

    A context vector moves the logits of each position linearly, a context map by a 1 x 1 convolution. It starts uniform.

    Example:
        >>> density = Independent((1, 2, 2), 8)
        >>> density.sample(3).shape, density.log_prob(density.sample(3)).shape
        (torch.Size([3, 1, 2, 2]), torch.Size([3]))
    """

    def __init__(self, event_shape: Sequence[int], n_levels: int, n_context: int = 0, n_map: int = 0) -> None:
        super().__init__(event_shape, n_levels, n_context, n_map)
        shape = (*self.event_shape, self.n_levels)
        self.offset = nn.Parameter(torch.zeros(shape))
        if n_context:
            self.of_vector = nn.Linear(n_context, self.offset.numel(), bias=False)
            nn.init.zeros_(self.of_vector.weight)
        if n_map:
            self.of_map = nn.Conv2d(n_map, self.event_shape[0] * self.n_levels, 1, bias=False)
            nn.init.zeros_(self.of_map.weight)

    def logits(self, x: Tensor, context: Context = None) -> Tensor:
        """Logits `[B, C, H, W, K]`, the same for every `x`."""
        return self._logits(self.context_parts(context, len(x)), self.check(x))

    def walk(self, x: Tensor, parts: Parts) -> Walk:
        """A walk that computes all logits once."""
        return _Known(self._logits(parts, x))

    def _logits(self, parts: Parts, x: Tensor) -> Tensor:
        vector, place = parts
        logits = self.offset.expand(x.shape[0], *self.offset.shape)
        if vector is not None:
            logits = logits + self.of_vector(vector).view(-1, *self.offset.shape)
        if place is not None:
            moved = self.of_map(place).unflatten(1, (self.event_shape[0], self.n_levels))
            logits = logits + moved.movedim(2, -1)
        return logits


class _Known:
    """The walk of a density whose logits are known beforehand."""

    def __init__(self, logits: Tensor) -> None:
        self.all = logits

    def row(self, r: int) -> None:
        """There is nothing to be done."""

    def logits(self, r: int, c: int, channel: int) -> Tensor:
        """Those of one number."""
        return self.all[:, channel, r, c]
