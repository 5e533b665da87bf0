r"""Dispersions of negative-binomial columns as residuals tell them, the counterpart of a Gaussian's optimal variance.

With means mu and counts x, E[(x - mu)^2 - mu] = mu^2 / r, so that over cells

.. math:: \hat r = \sum \mu^2 \Big/ \sum \big((x - \mu)^2 - \mu\big)

(Breslow 1984, Extra-Poisson variation in log-linear models, eq. 4, with weights mu^2). A dispersion that is learned by gradient beside a
decoder lags behind it by thousands of steps where the counts are all but Poisson given the code: samples are then too wide.
"""

from __future__ import annotations

import torch
from torch import Tensor

FAR = 8.0
"""A cell farther from its mean than so many standard deviations counts as so far."""
RANGE = (0.05, 1e4)


def count_statistics(count: Tensor, mean: Tensor, dispersion: Tensor, seen: Tensor) -> Tensor:
    """Of observed cells `[..., C]`: how many, the squares of their means, and how far squared residuals exceed the means, `[3, C]` in float64.

    Args:
        count: x.
        mean: mu, which broadcasts against it.
        dispersion: r at present, `[C]`, for what is far.
        seen: ones where a cell is observed.
    """
    mean, dispersion = mean.double(), dispersion.double()
    most = FAR**2 * (mean + mean.square() / dispersion)
    excess = torch.minimum((count.double() - mean).square(), most) - mean
    seen = seen.double().expand_as(excess)
    return torch.stack([seen, seen * mean.square(), seen * excess]).flatten(1, -2).sum(1)


def first_moments(count: Tensor) -> Tensor:
    """The square of the mean of counts `[n]`, and how far their variance exceeds the mean, `[2]`: what they tell before there is a model.

    >>> first_moments(torch.tensor([0.0, 8.0])).tolist()
    [16.0, 28.0]
    """
    mean = count.mean() if len(count) else count.new_ones(())
    return torch.stack([mean.square(), (count.var() if len(count) > 1 else 2 * mean) - mean])


def dispersion_of(square: Tensor, excess: Tensor) -> Tensor:
    """Dispersions `[C]` from sums of squares of means and of what residuals exceed them by.

    >>> dispersion_of(torch.tensor([100.0, 100.0]), torch.tensor([20.0, -1.0])).tolist()
    [5.0, 10000.0]
    """
    return (square / excess.clamp(min=1e-12)).clamp(*RANGE)


def raw_of(dispersion: Tensor) -> Tensor:
    """The number whose softplus a dispersion is."""
    return dispersion + torch.log(-torch.expm1(-dispersion))
