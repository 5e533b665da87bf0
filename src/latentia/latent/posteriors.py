"""Posteriors: from the encoder's features to q(z|x)."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.distributions import Delta, DiagonalGaussian
from latentia.distributions.numerics import at_least_single, soft_clip
from latentia.registry import Registry

LOG_VARIANCE_RANGE = (-14.0, 6.0)
"""Bounds of the posterior's log-variance: standard deviations from 9e-4 to 20.

With them no density, divergence or gradient leaves the range of float32, whatever the features.
"""


class Posterior(nn.Module):
    """Turns features `[B, F]` into q(z|x) with batch shape `[B]` and event `[D]`.

    Args:
        n_features: F, width of the encoder's output.
        latent_dim: D.
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__()
        self.n_features, self.latent_dim = n_features, latent_dim

    def forward(self, features: Float[Tensor, "batch features"]) -> Distribution:
        """q(z|x), with `rsample`."""
        raise NotImplementedError


class DiagonalGaussianPosterior(Posterior):
    r"""A Gaussian with diagonal covariance, both moments linear in the features (the variance through its logarithm).

    .. math:: q(z|x) = N(W h + a, \mathrm{diag}\,\exp c(V h + b))

    where c bounds the log-variance smoothly to `LOG_VARIANCE_RANGE` and is the identity within 0.01 between
    -9.4 and 1.4.

    Source: Kingma and Welling 2014, section 3 and appendix C.2.

    Example:
        >>> import torch
        >>> DiagonalGaussianPosterior(16, 2)(torch.zeros(5, 16)).rsample((3,)).shape
        torch.Size([3, 5, 2])
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, 2 * latent_dim)

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc, log_variance = at_least_single(self.linear(features)).chunk(2, -1)
        scale = (0.5 * soft_clip(log_variance, *LOG_VARIANCE_RANGE)).exp()
        return DiagonalGaussian(loc, scale, validate_args=False)


class DeterministicPosterior(Posterior):
    """All mass at one linear image of the features: an ordinary autoencoder.

    Example:
        >>> import torch
        >>> q = DeterministicPosterior(16, 2)(torch.ones(5, 16))
        >>> bool((q.rsample() == q.mean).all())
        True
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, latent_dim)

    def forward(self, features: Float[Tensor, "batch features"]) -> Delta:
        """q(z|x): batch `[B]`, event `[D]`."""
        return Delta(at_least_single(self.linear(features)), validate_args=False)


class FixedNoisePosterior(Posterior):
    r"""Bounded codes with noise of one fixed size: a noisy channel of limited power.

    .. math:: q(z|x) = N(a \tanh(W h / a), \; \sigma^2 I), \qquad a = 3, \; \sigma = 0.1

    Without the bound the codes of an encoder that is rewarded for information alone would grow until the noise no longer
    matters. With it a dimension can carry about ln(2 a / (sigma sqrt(2 pi e))) = 2.7 nats.

    Source: Grover and Ermon 2019, Uncertainty Autoencoders, section 2 (there the norm of the encoder is bounded).

    Example:
        >>> import torch
        >>> q = FixedNoisePosterior(16, 2)(100 * torch.randn(5, 16))
        >>> bool((q.mean.abs() <= 3).all()), round(float(q.stddev.max()), 3)
        (True, 0.1)
    """

    BOUND = 3.0
    NOISE = 0.1

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, latent_dim)

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc = self.BOUND * (at_least_single(self.linear(features)) / self.BOUND).tanh()
        return DiagonalGaussian(loc, loc.new_full((self.latent_dim,), self.NOISE), validate_args=False)


POSTERIORS: Registry[Callable[[int, int], Posterior]] = Registry("posterior")
POSTERIORS.add("gaussian", DiagonalGaussianPosterior)
POSTERIORS.add("deterministic", DeterministicPosterior)
POSTERIORS.add("fixed-noise", FixedNoisePosterior)
