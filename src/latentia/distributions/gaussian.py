"""The Gaussian with diagonal covariance, over events of any shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints, kl_divergence, register_kl
from torch.distributions.constraints import Constraint

from latentia.distributions.noise import standard_normal


class DiagonalGaussian(Distribution):
    r"""N(loc, diag(scale^2)) whose trailing `event_ndims` dimensions are one event.

    .. math:: \log p(x) = -\sum_i \left[ \frac{(x_i - \mu_i)^2}{2\sigma_i^2} + \log\sigma_i + \tfrac12\log 2\pi \right]

    The same as `Independent(Normal(loc, scale), event_ndims)`, except that a scale shared by many elements is
    never spelled out for each of them, and that the noise comes from `noise.standard_normal`, so that a sample
    can be made a pure function of the item (`noise.per_item_noise`).

    Args:
        loc: mean, `[*batch, *event]` after broadcasting with `scale`.
        scale: standard deviation, positive, broadcastable with `loc`.
        event_ndims: how many trailing dimensions are the event.
        validate_args: as in torch.

    Example:
        >>> p = DiagonalGaussian(torch.zeros(4, 3), torch.ones(3))
        >>> p.batch_shape, p.event_shape, p.log_prob(torch.zeros(3)).shape
        (torch.Size([4]), torch.Size([3]), torch.Size([4]))
    """

    has_rsample = True

    def __init__(
        self, loc: Tensor, scale: Tensor, event_ndims: int = 1, validate_args: bool | None = None
    ) -> None:
        shape = torch.broadcast_shapes(loc.shape, scale.shape)
        self.loc = loc.expand(shape)
        self._shared_scale = scale
        split = len(shape) - event_ndims
        super().__init__(shape[:split], shape[split:], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """A real mean and a positive scale."""
        return {"loc": constraints.real, "scale": constraints.positive}

    @property
    def support(self) -> Constraint:
        """All real events."""
        return constraints.independent(constraints.real, len(self.event_shape))

    @property
    def scale(self) -> Tensor:
        """Standard deviation, in full shape `[*batch, *event]`."""
        return self._shared_scale.expand(self.loc.shape)

    @property
    def base(self) -> Normal:
        """The univariate Gaussians of which this is the product."""
        return Normal(self.loc, self.scale, validate_args=False)

    @property
    def mean(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """`scale`."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """`scale` squared."""
        return self.scale.square()

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> DiagonalGaussian:
        """Return the same Gaussian with another batch shape."""
        new = self._get_checked_instance(DiagonalGaussian, _instance)
        shape = tuple(batch_shape) + tuple(self.event_shape)
        new.loc = self.loc.expand(shape)
        new._shared_scale = self._shared_scale
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw `loc + scale * noise`, differentiable in both."""
        shape = self._extended_shape(torch.Size(sample_shape))
        item_dim = len(shape) - len(self.event_shape) - 1 if self.batch_shape else None
        return self.loc + self._shared_scale * standard_normal(shape, self.loc, item_dim)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, `[*batch]`: summed over the event."""
        if self._validate_args:
            self._validate_sample(value)
        squares = ((value - self.loc) / self._shared_scale).square()
        constant = 0.5 * math.log(2 * math.pi) * self.event_shape.numel()
        return -0.5 * self._event_sum(squares) - self._log_volume() - constant

    def entropy(self) -> Tensor:
        """Differential entropy in nats, `[*batch]`."""
        constant = 0.5 * math.log(2 * math.pi * math.e) * self.event_shape.numel()
        return (self._log_volume() + constant).expand(self.batch_shape)

    def _log_volume(self) -> Tensor:
        """Sum of log scale over the event, without batch dimensions that the scale does not have."""
        log_scale = self._shared_scale.log()
        lead = log_scale.shape[: max(0, log_scale.ndim - len(self.event_shape))]
        return self._event_sum(log_scale.expand(lead + self.event_shape))

    def _event_sum(self, x: Tensor) -> Tensor:
        """Sum over the event dimensions."""
        return x.sum(tuple(range(-len(self.event_shape), 0))) if self.event_shape else x


def _independent(p: Distribution) -> Distribution:
    """A diagonal Gaussian in torch's own classes, for which torch knows the divergences."""
    return (
        Independent(p.base, len(p.event_shape), validate_args=False) if isinstance(p, DiagonalGaussian) else p
    )


def _kl(q: Distribution, p: Distribution) -> Tensor:
    return kl_divergence(_independent(q), _independent(p))


for _pair in (
    (DiagonalGaussian, DiagonalGaussian),
    (DiagonalGaussian, Independent),
    (Independent, DiagonalGaussian),
):
    register_kl(*_pair)(_kl)
