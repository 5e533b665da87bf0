"""Priors that are learned with the model: mixtures, the VampPrior, flows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from zuko.lazy import LazyTransform

from latentia import draws
from latentia.distributions import DiagonalGaussian, FlowDistribution, Mixture
from latentia.distributions.numerics import soft_clip
from latentia.errors import ConfigError
from latentia.latent.flows import autoregressive, coupling, spline
from latentia.latent.posteriors import LOG_VARIANCE_RANGE
from latentia.latent.priors import PRIORS, Prior

PSEUDO_INPUTS = 100


def mixture_size(latent_dim: int) -> int:
    """Number of components of a mixture prior.

    Example:
        >>> [mixture_size(d) for d in (1, 4, 16, 64)]
        [16, 32, 128, 128]
    """
    return min(128, max(16, 8 * latent_dim))


class MixturePrior(Prior):
    r"""A mixture of K Gaussians with diagonal covariances; weights, means and variances are learned.

    .. math:: p(z) = \sum_k \pi_k N(z; m_k, \mathrm{diag}(s_k^2))

    Before training its mean is about 0 and its variance about 1 in each dimension.

    Args:
        latent_dim: D.
        n_components: K; None: 16 to 128 by D.

    Source: Dilokthanakul et al. 2016; Tomczak & Welling 2018, section 2 (there "MoG prior").

    Example:
        >>> p = MixturePrior(2)()
        >>> p.sample((5,)).shape, p.log_prob(torch.zeros(3, 4, 2)).shape
        (torch.Size([5, 2]), torch.Size([3, 4]))
    """

    def __init__(self, latent_dim: int, n_components: int | None = None) -> None:
        super().__init__(latent_dim)
        n_components = mixture_size(latent_dim) if n_components is None else n_components
        self.logits = nn.Parameter(torch.zeros(n_components))
        self.loc = nn.Parameter(0.5 * torch.randn(n_components, latent_dim))
        self.log_variance = nn.Parameter(torch.full((n_components, latent_dim), 0.75).log())

    def forward(self) -> Mixture:
        """p(z): batch `[]`, event `[D]`."""
        scale = (0.5 * soft_clip(self.log_variance, *LOG_VARIANCE_RANGE)).exp()
        components = DiagonalGaussian(self.loc, scale, validate_args=False)
        return Mixture(self.logits, components, validate_args=False)


class VampPrior(Prior):
    r"""The mixture of the model's own posteriors at K learned pseudo-inputs u_k.

    .. math:: p(z) = \frac1K \sum_k q(z | u_k)

    The pseudo-inputs are 100 random training items at first and are kept within the range of the data. The
    encoder sees them with the running statistics of its normalisation, to which they add nothing.

    Source: Tomczak & Welling 2018, VAE with a VampPrior, eq. 9.

    Args:
        latent_dim: D.
        n_components: K.
    """

    low: Tensor
    high: Tensor

    def __init__(self, latent_dim: int, n_components: int = PSEUDO_INPUTS) -> None:
        super().__init__(latent_dim)
        self.n_components = n_components
        self._codec: tuple[nn.Module, nn.Module] | None = None
        self.register_buffer("low", torch.tensor(0.0))
        self.register_buffer("high", torch.tensor(1.0))

    def attach(self, encoder: nn.Module, posterior: nn.Module, event_shape: torch.Size) -> None:
        """Take the model's encoder and posterior, and make pseudo-inputs of the data's shape."""
        # In a tuple, so that the parts stay registered in the model alone.
        self._codec = (encoder, posterior)
        self.pseudo_inputs = nn.Parameter(torch.rand(self.n_components, *event_shape))

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Start the pseudo-inputs at random training items."""
        self.low.copy_(x.amin())
        self.high.copy_(x.amax())
        order = draws.randperm(len(x), device=x.device).repeat(-(-self.n_components // len(x)))
        self.pseudo_inputs.copy_(x[order[: self.n_components]])

    def forward(self) -> Mixture:
        """p(z): batch `[]`, event `[D]`.

        Raises:
            ConfigError: if it was not attached to a model.
        """
        if self._codec is None:
            raise ConfigError(
                "a VampPrior is made of its model's q(z|x): give it to latentia.models.VAE first"
            )
        encoder, posterior = self._codec
        was_training = encoder.training
        encoder.eval()
        try:
            components = posterior(encoder(self.pseudo_inputs.clamp(self.low, self.high)))
        finally:
            encoder.train(was_training)
        logits = torch.zeros(self.n_components, dtype=self.pseudo_inputs.dtype, device=self.low.device)
        return Mixture(logits, components, validate_args=False)


class FlowPrior(Prior):
    r"""A standard normal pushed through an invertible map f, which is learned from z to u, the direction of densities.

    .. math:: \log p(z) = \log N(f(z); 0, I) + \log \left| \det \frac{\partial f}{\partial z} \right|

    It starts as N(0, I).

    Args:
        latent_dim: D.
        layers: what gives f.

    Source: Chen et al. 2017, Variational Lossy Autoencoder, section 3.2 (autoregressive); Su & Wu 2018 (coupling).

    Example:
        >>> p = FlowPrior(2, coupling(2))()
        >>> p.sample((5,)).shape, p.log_prob(torch.zeros(3, 4, 2)).shape
        (torch.Size([5, 2]), torch.Size([3, 4]))
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int, layers: LazyTransform) -> None:
        super().__init__(latent_dim)
        self.layers = layers
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self) -> FlowDistribution:
        """p(z): batch `[]`, event `[D]`."""
        base = DiagonalGaussian(self.loc, self.scale, validate_args=False)
        return FlowDistribution(base, self.layers().inv, validate_args=False)


def _flow(build: Callable[[int], LazyTransform]) -> Callable[[int], Prior]:
    return lambda latent_dim: FlowPrior(latent_dim, build(latent_dim))


PRIORS.add("mixture", MixturePrior)
PRIORS.add("vamp", VampPrior)
PRIORS.add("coupling-flow", _flow(coupling))
PRIORS.add("autoregressive-flow", _flow(autoregressive))
PRIORS.add("spline-flow", _flow(spline))
