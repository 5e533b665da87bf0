"""An autoregressive density given its context, as a `torch.distributions.Distribution` over images on [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions.numerics import unit_grid
from latentia.latent.autoregressive.base import AutoregressiveDensity, Context


class AutoregressiveDistribution(Distribution):
    r"""p(x|h) of images whose K levels stand at 0, 1/(K-1), ..., 1.

    .. math:: \log p(x | h) = \sum_i \log p(x_i | x_{<i}, h)

    Args:
        density: gives the conditionals.
        vector: context vectors `[*batch, n_context]`, or None.
        maps: context maps `[*batch, n_map, H, W]`, or None.
        batch_shape: of the result, where there is no context; else that of the context.
        validate_args: as in torch.

    `mean` has no closed form: it is one draw, which is an unbiased estimate of it.

    Example:
        >>> from latentia.latent.autoregressive import GatedPixelCNN
        >>> density = GatedPixelCNN((1, 4, 4), n_levels=2, n_map=3, n_channels=4, n_layers=1)
        >>> p = AutoregressiveDistribution(density, maps=torch.randn(2, 5, 3, 4, 4))
        >>> p.log_prob(p.sample()).shape
        torch.Size([2, 5])
    """

    def __init__(
        self,
        density: AutoregressiveDensity,
        vector: Tensor | None = None,
        maps: Tensor | None = None,
        batch_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self.density, self.vector, self.maps = density, vector, maps
        if vector is not None:
            batch_shape = vector.shape[:-1]
        elif maps is not None:
            batch_shape = maps.shape[:-3]
        super().__init__(torch.Size(batch_shape), density.event_shape, validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any context."""
        return {}

    @property
    def support(self) -> Constraint:
        """The unit interval (its grid points) for each number."""
        return constraints.independent(unit_grid, 3)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> AutoregressiveDistribution:
        """Return the same distribution with another batch shape."""
        new = self._get_checked_instance(AutoregressiveDistribution, _instance)
        shape = torch.Size(batch_shape)
        new.density = self.density
        new.vector = None if self.vector is None else self.vector.expand(*shape, *self.vector.shape[-1:])
        new.maps = None if self.maps is None else self.maps.expand(*shape, *self.maps.shape[-3:])
        Distribution.__init__(new, shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _context(self, shape: torch.Size) -> Context:
        """The context of each of the images of batch `shape`, the batch flattened."""
        vector, maps = self.vector, self.maps
        if vector is not None:
            vector = vector.expand(*shape, *vector.shape[-1:]).reshape(-1, *vector.shape[-1:])
        if maps is not None:
            maps = maps.expand(*shape, *maps.shape[-3:]).reshape(-1, *maps.shape[-3:])
        return (vector, maps) if vector is not None and maps is not None else vector if maps is None else maps

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats of the levels nearest to `value`, `[*batch]`."""
        if self._validate_args:
            self._validate_sample(value)
        levels = torch.round(value * (self.density.n_levels - 1)).long()
        shape = torch.broadcast_shapes(value.shape[:-3], self.batch_shape)
        images = levels.expand(*shape, *self.event_shape).reshape(-1, *self.event_shape)
        return self.density.log_prob(images, self._context(shape)).reshape(shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw images, by the cached sampler."""
        shape = torch.Size((*sample_shape, *self.batch_shape))
        with torch.no_grad():
            levels = self.density.sample(math.prod(shape), self._context(shape))
        weight = next(self.density.parameters())
        return levels.to(weight.dtype).reshape(*shape, *self.event_shape) / max(1, self.density.n_levels - 1)

    @property
    def mean(self) -> Tensor:
        """One draw: an unbiased estimate of the mean."""
        return self.sample()
