"""Priors p(z)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.distributions import DiagonalGaussian
from latentia.registry import Registry


class Prior(nn.Module):
    """Gives p(z) with batch shape `[]` and event `[D]`.

    Args:
        latent_dim: D.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def forward(self) -> Distribution:
        """p(z)."""
        raise NotImplementedError

    def attach(self, encoder: nn.Module, posterior: nn.Module, event_shape: torch.Size) -> None:
        """Meet the model of which this is the prior: for one that is made of the model's own q(z|x)."""

    def prepare(self, x: Tensor) -> None:
        """Look once at training data `[n, *event]` before the first step."""


class StandardNormalPrior(Prior):
    """p(z) = N(0, I).

    Example:
        >>> StandardNormalPrior(2)().sample((5,)).shape
        torch.Size([5, 2])
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int) -> None:
        super().__init__(latent_dim)
        # Buffers, so that they follow the model's device and dtype; constants, so no part of its state.
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self) -> DiagonalGaussian:
        """p(z): batch `[]`, event `[D]`."""
        return DiagonalGaussian(self.loc, self.scale, validate_args=False)


PRIORS: Registry[Callable[[int], Prior]] = Registry("prior")
PRIORS.add("standard-normal", StandardNormalPrior)
