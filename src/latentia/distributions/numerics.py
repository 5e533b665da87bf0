"""Numerical helpers that distributions and likelihoods share."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn import functional as F


class UnitGrid(constraints.Constraint):
    """Finitely many levels of the unit interval: what has this support gives probabilities, not densities."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        """Whether a value lies in the interval; it is taken to the nearest level."""
        return (value >= 0) & (value <= 1)


unit_grid = UnitGrid()


def soft_clip(x: Tensor, low: float, high: float) -> Tensor:
    r"""Bound `x` to (low, high) by a smooth, strictly increasing map that is close to the identity inside.

    .. math:: y = low + \mathrm{softplus}(x - low) - \mathrm{softplus}(x - high)

    Unlike a clamp it never has a region whose gradient is exactly zero for moderate `x`, and unlike `tanh` it
    does not compress the middle: at distance t from the nearer bound it differs from `x` by less than exp(-t).

    Args:
        x: any shape.
        low: lower bound.
        high: upper bound.

    Returns:
        The shape of `x`; finite for every finite `x`.

    Example:
        >>> soft_clip(torch.tensor([-1e30, 0.0, 1e30]), -14.0, 6.0).round(decimals=2)
        tensor([-14.,  -0.,   6.])
    """
    # A softplus of 1e30 minus another would lose the bounds to rounding; twenty beyond them nothing changes.
    x = x.clamp(low - 20.0, high + 20.0)
    return low + F.softplus(x - low) - F.softplus(x - high)


def widened(x: Tensor) -> Tensor:
    """Return `x` in float64 (float32 on Apple's GPUs, which have nothing wider)."""
    return x.to(torch.float32 if x.device.type == "mps" else torch.float64)


def at_least_single(x: Tensor) -> Tensor:
    """Return `x` in float32 if it is of half precision (a network under autocast), else as it is."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def has_bfloat16_units(device: torch.device) -> bool:
    """Whether `device` multiplies matrices of bfloat16 faster than those of float32: AMX on a CPU, Ampere on CUDA."""
    if device.type == "cpu":
        supported = getattr(torch.cpu, "_is_amx_tile_supported", None)  # torch has no public name for it
        return supported is not None and bool(supported())
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
