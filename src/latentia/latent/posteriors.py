"""Posteriors: from the encoder's features to q(z|x)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.distributions import Delta, DiagonalGaussian, FullGaussian
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

    Args:
        n_features: F, width of the encoder's output.
        latent_dim: D.
        bias: whether there are a and b; without them everything in q(z|x) comes from the features.

    Source: Kingma and Welling 2014, section 3 and appendix C.2.

    Example:
        >>> import torch
        >>> DiagonalGaussianPosterior(16, 2)(torch.zeros(5, 16)).rsample((3,)).shape
        torch.Size([3, 5, 2])
    """

    def __init__(self, n_features: int, latent_dim: int, bias: bool = True) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, 2 * latent_dim, bias=bias)

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

    .. math:: q(z|x) = N(\tanh(W h + b), \; \sigma^2 I), \qquad \sigma = 0.05

    Without the bound the codes of an encoder that is rewarded for information alone would grow until the noise no longer
    matters. With it a dimension can carry about ln(2 / (sigma sqrt(2 pi e))) = 2.3 nats.

    Source: Grover and Ermon 2019, Uncertainty Autoencoders, section 2 (there the norm of the encoder is bounded).

    Example:
        >>> import torch
        >>> q = FixedNoisePosterior(16, 2)(100 * torch.randn(5, 16))
        >>> bool((q.mean.abs() <= 1).all()), round(float(q.stddev.max()), 3)
        (True, 0.05)
    """

    NOISE = 0.05

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, latent_dim)

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc = at_least_single(self.linear(features)).tanh()
        return DiagonalGaussian(loc, loc.new_full((self.latent_dim,), self.NOISE), validate_args=False)


class ConstantVariancePosterior(Posterior):
    r"""A Gaussian whose mean is linear in the features and whose standard deviations are the same for every item.

    .. math:: q(z|x) = N(W h + a, \mathrm{diag}(\sigma^2))

    Source: Su & Wu 2018, f-VAEs, section 3.1 (sigma_1 there); with a flow prior it is their F_x(u) = F(sigma u + E(x)).

    Example:
        >>> q = ConstantVariancePosterior(16, 2)(torch.rand(5, 16))
        >>> bool((q.stddev == q.stddev[0]).all())
        True
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.linear = nn.Linear(n_features, latent_dim)
        self.log_variance = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc = at_least_single(self.linear(features))
        scale = (0.5 * soft_clip(self.log_variance, *LOG_VARIANCE_RANGE)).exp()
        return DiagonalGaussian(loc, scale, validate_args=False)


class FullCovariancePosterior(Posterior):
    r"""A Gaussian whose covariance L L^T is a function of the features.

    .. math:: L = \mathrm{diag}(\sigma) (I + A), \quad \sigma = \exp(c(V h + b) / 2)

    with A strictly lower triangular, linear in the features and within (-30, 30), zero before training: it starts as
    `DiagonalGaussianPosterior`. Where the true posterior of every item is Gaussian the bound can be tight.

    Source: Kingma & Welling 2019, An Introduction to Variational Autoencoders, section 2.5.1.

    Example:
        >>> FullCovariancePosterior(16, 3)(torch.zeros(5, 16)).covariance_matrix.shape
        torch.Size([5, 3, 3])
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        rows, columns = torch.tril_indices(latent_dim, latent_dim, -1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.linear = nn.Linear(n_features, 2 * latent_dim)
        self.below = nn.Linear(n_features, len(rows))
        nn.init.zeros_(self.below.weight)
        nn.init.zeros_(self.below.bias)

    def forward(self, features: Float[Tensor, "batch features"]) -> FullGaussian:
        """q(z|x): batch `[B]`, event `[D]`."""
        loc, log_variance = at_least_single(self.linear(features)).chunk(2, -1)
        scale = (0.5 * soft_clip(log_variance, *LOG_VARIANCE_RANGE)).exp()
        below = soft_clip(at_least_single(self.below(features)), -30.0, 30.0)
        mixing = torch.eye(self.latent_dim, dtype=loc.dtype, device=loc.device).repeat(loc.shape[0], 1, 1)
        mixing[:, self.rows, self.columns] = below
        return FullGaussian(loc, scale[..., None] * mixing, validate_args=False)


POSTERIORS: Registry[Callable[[int, int], Posterior]] = Registry("posterior")
POSTERIORS.add("gaussian", DiagonalGaussianPosterior)
POSTERIORS.add("deterministic", DeterministicPosterior)
POSTERIORS.add("fixed-noise", FixedNoisePosterior)
POSTERIORS.add("constant-variance", ConstantVariancePosterior)
POSTERIORS.add("full-covariance", FullCovariancePosterior)
