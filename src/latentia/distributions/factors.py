"""The univariate distributions of which a distribution over vectors is the product, where it is one."""

from __future__ import annotations

from torch.distributions import Distribution, Independent

from latentia.distributions.gaussian import DiagonalGaussian


def univariate_factors(d: Distribution) -> Distribution | None:
    """The univariate distributions, in batch shape `[*batch, *event]`, of which `d` is the product; None if it is none.

    Example:
        >>> import torch
        >>> univariate_factors(DiagonalGaussian(torch.zeros(4, 2), torch.ones(4, 2))).batch_shape
        torch.Size([4, 2])
    """
    if isinstance(d, DiagonalGaussian):
        return d.base
    if isinstance(d, Independent) and not d.base_dist.event_shape:
        return d.base_dist
    return None
