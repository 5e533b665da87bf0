"""Gaussians over what is observed of a series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint


class ObservedGaussian(Distribution):
    r"""Independent Gaussians over those of T steps of C numbers that are observed.

    .. math:: \log p(x) = \sum_{t, c} m_{tc} \log N(x_{tc}; \mu_{tc}, \sigma_c^2)

    The others are integrated out, which for independent numbers is to leave them out. A value is `[*, T, 2C]`: the numbers, and behind them
    whether each is observed (1 or 0). There is no mean of such a value.

    Args:
        loc: `[*batch, T, C]`.
        scale: sigma, `[C]`.

    Example:
        >>> p = ObservedGaussian(torch.zeros(1, 2, 1), torch.ones(1))
        >>> p.log_prob(torch.tensor([[[0.0, 1.0], [9.0, 0.0]]])).tolist()
        [-0.9189385175704956]
    """

    def __init__(self, loc: Tensor, scale: Tensor) -> None:
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape[:-2], torch.Size([loc.shape[-2], 2 * loc.shape[-1]]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None are checked."""
        return {}

    @property
    def support(self) -> Constraint:
        """Real numbers."""
        return constraints.independent(constraints.real, 2)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of what is observed in nats, `[*batch]`."""
        x, observed = value.chunk(2, -1)
        z = (x - self.loc) / self.scale
        log_p = -0.5 * z.square() - self.scale.log() - 0.5 * math.log(2 * math.pi)
        return (log_p * observed).sum((-2, -1))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws in which everything is observed."""
        loc = self.loc.expand(*sample_shape, *self.loc.shape)
        from latentia import draws

        noise = draws.randn(loc.shape, device=loc.device, dtype=loc.dtype)
        x = loc + self.scale * noise
        return torch.cat([x, torch.ones_like(x)], -1)

    def entropy(self) -> Any:
        """Not defined: it depends on what is observed."""
        raise NotImplementedError
