"""A normalizing flow: a Gaussian pushed through an invertible map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Transform, constraints
from torch.distributions.constraints import Constraint
from torch.utils.weak import WeakTensorKeyDictionary

MOMENT_POINTS = 32
"""Fixed points of the base at which `mean` and `variance` are taken."""


class FlowDistribution(Distribution):
    r"""The distribution of z = f(u), u ~ base.

    .. math:: \log q(z) = \log p_u(u) - \log \left| \det \frac{\partial f}{\partial u} \right|, \quad u = f^{-1}(z)

    The log-density of a draw falls out of the draw and is remembered as long as the drawn tensor lives: `log_prob` of
    that very tensor costs nothing and needs no inverse.

    `mean` and `variance` have no closed form: they are averages of f over 32 fixed points of the base, 16 and
    their mirror images, of unit variance. They are exact where f is affine in each dimension, and a pure function of
    the parameters, so that a code does not depend on chance.

    Args:
        base: a Gaussian p_u, batch shape `[*batch]`, event `[D]`, with `rsample`, `mean` and `stddev`.
        push: f, from u to z; parameters broadcast with `[*batch]`.
        validate_args: as in torch.

    Source: Rezende & Mohamed 2015, Variational Inference with Normalizing Flows, eq. 5-7.

    Example:
        >>> from latentia.distributions import DiagonalGaussian
        >>> from torch.distributions import AffineTransform
        >>> push = AffineTransform(1.0, 2.0, event_dim=1)
        >>> q = FlowDistribution(DiagonalGaussian(torch.zeros(2), torch.ones(2)), push)
        >>> q.sample((3,)).shape, q.mean, q.stddev
        (torch.Size([3, 2]), tensor([1., 1.]), tensor([2., 2.]))
    """

    has_rsample = True

    def __init__(self, base: Distribution, push: Transform, validate_args: bool | None = None) -> None:
        self.base, self.push = base, push
        self._log_prob_of = WeakTensorKeyDictionary()
        super().__init__(base.batch_shape, base.event_shape, validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None of its own."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real events."""
        return constraints.real_vector

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw f(u), differentiable in the parameters; its log-density is remembered."""
        u = self.base.rsample(torch.Size(sample_shape))
        with _full_precision(u):
            z, log_det = _with_log_det(self.push, u)
            self._log_prob_of[z] = self.base.log_prob(u) - log_det
        return z

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, `[*batch]`; of other points than own draws through the inverse of f."""
        known = self._log_prob_of.get(value)
        if known is not None:
            return known
        value = value.expand(torch.broadcast_shapes(value.shape, self.batch_shape + self.event_shape))
        with _full_precision(value):
            u, log_det = _with_log_det(self.push.inv, value)
            return self.base.log_prob(u) + log_det

    @property
    def mean(self) -> Tensor:
        """E[z], averaged over the fixed points."""
        return self._at_fixed_points().mean(0)

    @property
    def variance(self) -> Tensor:
        """Var[z] of each dimension, over the fixed points."""
        return self._at_fixed_points().var(0, correction=0)

    def _at_fixed_points(self) -> Tensor:
        """F at the fixed points, `[points, *batch, D]`."""
        mean, stddev = self.base.mean, self.base.stddev
        points = torch.as_tensor(fixed_points(self.event_shape.numel()), dtype=mean.dtype, device=mean.device)
        u = mean + stddev * points.reshape(len(points), *[1] * len(self.batch_shape), -1)
        with _full_precision(u):
            return self.push(u)


@lru_cache(maxsize=64)
def fixed_points(n_dims: int) -> NDArray[np.float64]:
    """Standard-normal points that are always the same, `[32, D]`: mean 0 and variance 1 in each dimension."""
    half = np.random.RandomState(0).standard_normal((MOMENT_POINTS // 2, n_dims))
    half /= np.sqrt(np.square(half).mean(0))
    return np.concatenate([half, -half])


def _with_log_det(push: Transform, x: Tensor) -> tuple[Tensor, Tensor]:
    """The image of x and log |det| of the Jacobian, in one pass where the map can (zuko's can)."""
    both = getattr(push, "call_and_ladj", None)
    if both is not None:
        return both(x)
    y = push(x)
    return y, push.log_abs_det_jacobian(x, y)


def _full_precision(x: Tensor) -> torch.autocast:
    """Within this block nothing is computed in half precision: densities would lose nats."""
    return torch.autocast(x.device.type, enabled=False)
