"""Means of distributions, where they have one."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution


def mean_of(p: Distribution) -> Tensor | None:
    """The mean; None for a distribution of what has none (words, names).

    Example:
        >>> from torch.distributions import Normal
        >>> mean_of(Normal(1.0, 2.0)), mean_of(Distribution(validate_args=False))
        (tensor(1.), None)
    """
    try:
        return p.mean
    except NotImplementedError:
        return None
