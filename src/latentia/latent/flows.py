"""Invertible maps for flow posteriors and priors: zuko's layers in this library's sizes, and the planar layer."""

from __future__ import annotations

import math
from typing import Any

import torch
import zuko
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import AffineTransform, Transform, constraints
from torch.nn import functional as F
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.lazy import LazyComposedTransform, LazyTransform

from latentia.distributions.numerics import soft_clip

SPLINE_BINS = 8


def flow_width(latent_dim: int) -> int:
    """Hidden width of the networks in a flow's layers, by the number of dimensions.

    Example:
        >>> [flow_width(d) for d in (1, 8, 16, 64)]
        [64, 128, 256, 256]
    """
    return min(256, max(64, 16 * latent_dim))


def inverse_autoregressive(latent_dim: int, n_context: int, n_layers: int = 4) -> LazyTransform:
    r"""Layers z_i <- s_i z_i + (1 - s_i) m_i, (m, s) a masked network of z_{<i} and the context, orders alternating.

    s = sigmoid(v + 1.5). From u to z all dimensions are computed at once; back, one after the other.

    Source: Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow, algorithm 1 and
    section 4; masks: Germain et al. 2015.

    Example:
        >>> f = inverse_autoregressive(3, 5)(torch.zeros(4, 5))
        >>> f(torch.zeros(2, 4, 3)).shape
        torch.Size([2, 4, 3])
    """
    return _autoregressive(latent_dim, n_context, n_layers, univariate=_gated)


def autoregressive(latent_dim: int, n_layers: int = 4) -> LazyTransform:
    """Layers z_i -> a_i z_i + b_i, (a, b) a masked network of z_{<i}, orders alternating, from z to u.

    Source: Papamakarios, Pavlakou & Murray 2017, Masked Autoregressive Flow for Density Estimation.
    """
    return _autoregressive(latent_dim, 0, n_layers)


def spline(latent_dim: int, n_layers: int = 3) -> LazyTransform:
    """A scaling of each dimension, then autoregressive monotonic rational-quadratic splines of 8 bins on [-5, 5].

    Source: Durkan et al. 2019, Neural Spline Flows.
    """
    shapes = ((SPLINE_BINS,), (SPLINE_BINS,), (SPLINE_BINS - 1,))
    layers = _autoregressive(
        latent_dim, 0, n_layers, univariate=zuko.transforms.MonotonicRQSTransform, shapes=shapes
    )
    return LazyComposedTransform(_identity_at_start(ElementWiseTransform(latent_dim)), *layers.transforms)


def coupling(latent_dim: int, n_context: int = 0, n_layers: int = 8) -> LazyTransform:
    """Layers that scale and shift every other dimension by a network of the others and the context, masks alternating.

    Source: Dinh, Sohl-Dickstein & Bengio 2017, Density Estimation Using Real NVP, eq. 7-8.

    Example:
        >>> f = coupling(3, 5)(torch.zeros(4, 5))
        >>> z = torch.randn(2, 4, 3)
        >>> bool((f.inv(f(z)) - z).abs().max() < 1e-5)
        True
    """
    # A mask each: tensors that share memory cannot be written to a run folder.
    return LazyComposedTransform(
        *(
            _identity_at_start(
                GeneralCouplingTransform(
                    latent_dim,
                    n_context,
                    mask=(torch.arange(latent_dim) + i) % 2 == 1,
                    **_network(latent_dim),
                )
            )
            for i in range(n_layers)
        )
    )


def _autoregressive(latent_dim: int, n_context: int, n_layers: int, **options: Any) -> LazyComposedTransform:
    order = torch.arange(latent_dim)
    return LazyComposedTransform(
        *(
            _identity_at_start(
                MaskedAutoregressiveTransform(
                    latent_dim,
                    n_context,
                    order=order.flip(0) if i % 2 else order,
                    **options,
                    **_network(latent_dim),
                )
            )
            for i in range(n_layers)
        )
    )


def _network(latent_dim: int) -> dict[str, Any]:
    return {"hidden_features": (flow_width(latent_dim),) * 2, "activation": nn.SiLU}


def _identity_at_start(layer: LazyTransform) -> LazyTransform:
    """Every layer starts as a map that knows neither its context nor the other dimensions (the identity, if affine)."""
    if hasattr(layer, "hyper"):
        nn.init.zeros_(layer.hyper[-1].weight)
        nn.init.zeros_(layer.hyper[-1].bias)
    for parameter in getattr(layer, "phi", ()):
        nn.init.zeros_(parameter)
    return layer


def _gated(shift: Tensor, gate: Tensor) -> Transform:
    """Z -> s z + (1 - s) m with s = sigmoid(gate + 1.5), kept above 5e-5."""
    scale = torch.sigmoid(soft_clip(gate + 1.5, -10.0, 10.0))
    return AffineTransform((1 - scale) * shift, scale)


class PlanarTransform(Transform):
    r"""The planar map z -> z + u' tanh(w^T z + b), which bends space along one direction.

    .. math:: u' = u + (m(w^T u) - w^T u) \frac{w}{|w|^2}, \quad \log |\det| = \log(1 + w^T u' (1 - \tanh^2(w^T z + b)))

    with m(a) = softplus(a + log(e - 1)) - 1 > -1, so that w^T u' > -1 and the map is invertible; the paper's m lacks
    the constant, with which u = 0 is the identity. The inverse is exact but for rounding: y -> w^T z solves a monotone equation in
    one variable, found by bisection and finished by a Newton step, which also carries the gradient.

    Args:
        u: `[*batch, D]`.
        w: `[*batch, D]`.
        b: `[*batch]`.

    Source: Rezende & Mohamed 2015, eq. 10-12 and appendix A.1.

    Example:
        >>> f = PlanarTransform(torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0]), torch.tensor(0.5))
        >>> z = torch.randn(5, 2)
        >>> bool((f.inv(f(z)) - z).abs().max() < 1e-5)
        True
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(
        self,
        u: Float[Tensor, "*batch dims"],
        w: Float[Tensor, "*batch dims"],
        b: Float[Tensor, "*batch"],
    ) -> None:
        super().__init__()
        along = (w * u).sum(-1)
        # w^T u' is set, not summed up again: rounding must not let it fall below -1.
        self.slope = F.softplus(along + math.log(math.e - 1)) - 1
        self.u = u + ((self.slope - along) / (w.square().sum(-1) + 1e-12))[..., None] * w
        self.w, self.b = w, b

    def _call(self, x: Tensor) -> Tensor:
        return x + self.u * torch.tanh(self._height(x))[..., None]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:  # noqa: ARG002  torch's signature
        """Log |det| at x, `[*batch]`."""
        return torch.log1p(self.slope * (1 - torch.tanh(self._height(x)).square()))

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The image of x, and log |det| there."""
        y = self._call(x)
        return y, self.log_abs_det_jacobian(x, y)

    def _inverse(self, y: Tensor) -> Tensor:
        # h = w^T x + b solves h + slope tanh(h) = w^T y + b.
        target = self._height(y)
        height = _solve(target.detach(), self.slope.detach())
        tanh = torch.tanh(height)
        height = height - (height + self.slope * tanh - target) / (1 + self.slope * (1 - tanh.square()))
        return y - self.u * torch.tanh(height)[..., None]

    def _height(self, x: Tensor) -> Tensor:
        return (self.w * x).sum(-1) + self.b


def _solve(target: Tensor, slope: Tensor) -> Tensor:
    """H with h + slope tanh(h) = target, by bisection."""
    low, high = target - slope.abs(), target + slope.abs()
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = middle + slope * torch.tanh(middle) > target
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return 0.5 * (low + high)
