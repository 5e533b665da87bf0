"""Gaussian posteriors whose divergence from a standard-normal prior cannot vanish."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.optimize import brentq
from torch import Tensor, nn

from latentia.distributions import DiagonalGaussian
from latentia.distributions.numerics import at_least_single, soft_clip
from latentia.errors import ConfigError
from latentia.latent.posteriors import LOG_VARIANCE_RANGE, Posterior

GAMMA = 0.6
DELTA = 0.15
_SMALLEST = 1e-8  # under roots, whose slope is infinite at 0


class BatchNormPosterior(Posterior):
    r"""A Gaussian whose means are normalised over the batch: each dimension's have mean b and standard deviation gamma.

    .. math:: \mu = \gamma \frac{m - E m}{\sqrt{\mathrm{Var} m}} + b, \qquad
        E_x \mathrm{KL} \ge \sum_d \frac{\gamma^2 + b_d^2}{2}

    with m linear in the features, gamma fixed, b learned and the variances as in `DiagonalGaussianPosterior`. In evaluation the moments are
    running ones, and the bound holds up to their error.

    Args:
        n_features: F.
        latent_dim: D.
        gamma: standard deviation of the means.

    Raises:
        ConfigError: if gamma is not above 0.

    Source: Zhu et al. 2020, A Batch Normalized Inference Network Keeps the KL Vanishing Away, section 3.

    Example:
        >>> q = BatchNormPosterior(16, 4, gamma=0.5)(torch.randn(64, 16))
        >>> q.mean.std(0, correction=0).round(decimals=2)
        tensor([0.5000, 0.5000, 0.5000, 0.5000], grad_fn=...)
    """

    def __init__(self, n_features: int, latent_dim: int, gamma: float = GAMMA) -> None:
        super().__init__(n_features, latent_dim)
        if not gamma > 0:
            raise ConfigError(f"gamma={gamma!r}: a number above 0 is expected")
        self.gamma = gamma
        self.loc, self.log_variance = nn.Linear(n_features, latent_dim), nn.Linear(n_features, latent_dim)
        self.normalise = nn.BatchNorm1d(latent_dim, eps=_SMALLEST, affine=False)
        self.shift = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc, log_variance = at_least_single(self.loc(features)), at_least_single(self.log_variance(features))
        scale = (0.5 * soft_clip(log_variance, *LOG_VARIANCE_RANGE)).exp()
        return DiagonalGaussian(self.gamma * self.normalise(loc) + self.shift, scale, validate_args=False)


class DeltaPosterior(Posterior):
    r"""A Gaussian that in each dimension of each item is at least delta nats from the prior.

    .. math:: \sigma = l + (u - l)\,\mathrm{sigmoid}(a), \quad
        \mu = \sqrt{2\delta + 1 + \ln\sigma^2 - \sigma^2 + \max(0, m)}, \quad \mathrm{KL} = \delta + \tfrac12 \max(0, m)

    with a and m linear in the features and l, u the roots of ln s^2 - s^2 + 2 delta + 1 = 0. A rate is not information: means that are
    the same for all items have it too. They are positive, so that the prior's draws are unlike the codes.

    Args:
        n_features: F.
        latent_dim: D.
        delta: the least rate of a dimension, in nats.

    Raises:
        ConfigError: if delta is not above 0.

    Source: Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2.1 and appendix C.
    """

    def __init__(self, n_features: int, latent_dim: int, delta: float = DELTA) -> None:
        super().__init__(n_features, latent_dim)
        if not delta > 0:
            raise ConfigError(f"delta={delta!r}: a number above 0 is expected")
        self.delta = delta
        self.least, self.most = _roots(delta)
        self.linear = nn.Linear(n_features, 2 * latent_dim)

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        wish, place = at_least_single(self.linear(features)).chunk(2, -1)
        scale = self.least + (self.most - self.least) * place.sigmoid()
        square = 2 * self.delta + 1 + 2 * scale.log() - scale.square() + wish.relu()
        return DiagonalGaussian(square.clamp(min=_SMALLEST).sqrt(), scale, validate_args=False)


def _roots(delta: float) -> tuple[float, float]:
    """The standard deviations whose rate is delta with the mean at 0: one below 1 and one above."""

    def excess(scale: float) -> float:
        return 2 * math.log(scale) - scale**2 + 2 * delta + 1

    return float(brentq(excess, 1e-12, 1.0)), float(brentq(excess, 1.0, 10.0 + 2 * delta))
