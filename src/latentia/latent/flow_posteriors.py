"""Flow posteriors: Z|X=x is a Gaussian draw pushed through a map that depends on x."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Transform
from zuko.transforms import ComposedTransform

from latentia.distributions import FlowDistribution
from latentia.distributions.numerics import at_least_single
from latentia.latent.flows import PlanarTransform, coupling, inverse_autoregressive
from latentia.latent.posteriors import POSTERIORS, DiagonalGaussianPosterior, Posterior

LARGEST_CONTEXT = 64
PLANAR_LAYERS = 16


class FlowPosterior(Posterior):
    r"""z = F_x(u), u ~ N(mu(x), diag(sigma(x)^2)), with an invertible F_x.

    .. math:: \log q(z|x) = \log N(u; \mu, \sigma^2) - \log \left| \det \frac{\partial F_x}{\partial u} \right|

    A subclass says what F_x is. Its divergence from the prior is log q(z|x) - log p(z) at each sample, which costs one pass.
    The mean of q(z|x), and so an item's code, is an average over fixed points (`FlowDistribution`).

    Source: Rezende & Mohamed 2015; Su & Wu 2018, f-VAEs, eq. 4 (F_x is their name).
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.base = DiagonalGaussianPosterior(n_features, latent_dim)

    def push(self, features: Float[Tensor, "batch features"]) -> Transform:
        """F_x for each item, from u to z."""
        raise NotImplementedError

    def forward(self, features: Float[Tensor, "batch features"]) -> FlowDistribution:
        """q(z|x): batch `[B]`, event `[D]`."""
        return FlowDistribution(self.base(features), self.push(features), validate_args=False)


class PlanarPosterior(FlowPosterior):
    """16 planar layers, all of whose parameters are linear in the features; they start as the identity.

    Source: Rezende & Mohamed 2015, section 4.1; amortised as in their section 4.2.

    Example:
        >>> import torch
        >>> PlanarPosterior(16, 2)(torch.zeros(5, 16)).rsample((3,)).shape
        torch.Size([3, 5, 2])
    """

    def __init__(self, n_features: int, latent_dim: int, n_layers: int = PLANAR_LAYERS) -> None:
        super().__init__(n_features, latent_dim)
        self.n_layers = n_layers
        self.u = nn.Linear(n_features, n_layers * latent_dim)
        self.w = nn.Linear(n_features, n_layers * latent_dim)
        self.b = nn.Linear(n_features, n_layers)
        nn.init.zeros_(self.u.weight)
        nn.init.zeros_(self.u.bias)
        # Directions that differ between layers also where the features say nothing yet.
        nn.init.normal_(self.w.bias, std=latent_dim**-0.5)

    def push(self, features: Float[Tensor, "batch features"]) -> ComposedTransform:
        """The layers, one after the other."""
        shape = (self.n_layers, self.latent_dim)
        u, w = (at_least_single(part(features)).unflatten(-1, shape).unbind(-2) for part in (self.u, self.w))
        b = at_least_single(self.b(features)).unbind(-1)
        return ComposedTransform(*(PlanarTransform(*parameters) for parameters in zip(u, w, b, strict=True)))


class ContextPosterior(FlowPosterior):
    """A flow whose networks see a linear image of the features of at most 64 numbers."""

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.n_context = min(n_features, LARGEST_CONTEXT)
        self.context = nn.Linear(n_features, self.n_context)
        self.layers = self.build()

    def build(self) -> nn.Module:
        """What gives F_x for a context `[B, n_context]`."""
        raise NotImplementedError

    def push(self, features: Float[Tensor, "batch features"]) -> Transform:
        """F_x for each item, from u to z."""
        return self.layers(at_least_single(self.context(features)))


class InverseAutoregressivePosterior(ContextPosterior):
    """Four inverse autoregressive layers.

    Source: Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow.

    Example:
        >>> import torch
        >>> InverseAutoregressivePosterior(16, 2)(torch.zeros(5, 16)).rsample((3,)).shape
        torch.Size([3, 5, 2])
    """

    def build(self) -> nn.Module:
        """See `latentia.latent.flows.inverse_autoregressive`."""
        return inverse_autoregressive(self.latent_dim, self.n_context)


class CouplingPosterior(ContextPosterior):
    """Six affine coupling layers: F_x of an f-VAE in its conditional form.

    Source: Su & Wu 2018, f-VAEs: Improve VAEs with Conditional Flows, section 2.2.

    Example:
        >>> import torch
        >>> CouplingPosterior(16, 2)(torch.zeros(5, 16)).rsample((3,)).shape
        torch.Size([3, 5, 2])
    """

    def build(self) -> nn.Module:
        """See `latentia.latent.flows.coupling`."""
        return coupling(self.latent_dim, self.n_context, n_layers=6)


POSTERIORS.add("planar", PlanarPosterior)
POSTERIORS.add("iaf", InverseAutoregressivePosterior)
POSTERIORS.add("coupling", CouplingPosterior)
