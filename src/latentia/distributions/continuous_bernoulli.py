"""The continuous Bernoulli distribution, computed from the logit so that no precision is lost anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.constraints import Constraint

from latentia.distributions.elementwise import Elementwise

# Below this |logit| the closed forms subtract nearly equal numbers; the series' next term is < 1e-15 there.
_SERIES_BELOW = 0.1


class ContinuousBernoulli(Elementwise):
    r"""The continuous Bernoulli on [0, 1], an exponential family with natural parameter `logits`.

    .. math:: \log p(x) = l x - A(l), \qquad A(l) = \log\frac{e^l - 1}{l}

    torch's own class clamps its probabilities at the machine epsilon, so that in float32 density and gradient are
    wrong beyond |l| = 16, where dark image borders live; and switches to a Taylor series of 1e-7 accuracy near 0.
    Here A is written with `expm1` of -|l| and is accurate to rounding for every finite logit.

    Args:
        logits: l, any shape; batch shape.
        validate_args: as in torch.

    Source: Loaiza-Ganem and Cunningham 2019, "The continuous Bernoulli", eq. 6-8.

    Example:
        >>> ContinuousBernoulli(torch.tensor([0.0, 40.0])).log_prob(torch.tensor([0.3, 1.0])).round(decimals=2)
        tensor([0.0000, 3.6900])
    """

    parameter_names = ("logits",)
    logits: Tensor
    has_rsample = True

    def __init__(self, logits: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, logits=logits)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real logit."""
        return {"logits": constraints.real}

    @property
    def support(self) -> Constraint:
        """The closed unit interval."""
        return constraints.unit_interval

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of `value` in [0, 1], shape of value broadcast with the batch."""
        if self._validate_args:
            self._validate_sample(value)
        return self.logits * value - self._log_normalizer()

    def _log_normalizer(self) -> Tensor:
        """A(l), in two forms: the gradients of |l| and max(l, 0) are wrong at 0, where zero-initialised decoders start."""
        small = self.logits.abs() < _SERIES_BELOW
        near = torch.where(small, self.logits, 0.0)
        square = near * near
        series = near / 2 + square * (1 / 24 - square * (1 / 2880 - square / 181440))
        # A(l) = max(l, 0) + log((1 - exp(-|l|)) / |l|), which neither overflows nor cancels.
        far = torch.where(small, 1.0, self.logits)
        t = far.abs()
        return torch.where(small, series, far.clamp(min=0) + torch.log(-torch.expm1(-t)) - torch.log(t))

    @property
    def mean(self) -> Tensor:
        """A'(l) = 1 / (1 - exp(-l)) - 1 / l."""
        small = self.logits.abs() < _SERIES_BELOW
        near = torch.where(small, self.logits, 0.0)
        square = near * near
        series = 0.5 + near * (1 / 12 - square * (1 / 720 - square / 30240))
        # By symmetry from the side where exp does not overflow: mean(l) = 1 - mean(-l).
        t = torch.where(small, 1.0, self.logits.abs())
        upper = -1 / torch.expm1(-t) - 1 / t
        return torch.where(small, series, torch.where(self.logits > 0, upper, 1 - upper))

    @property
    def variance(self) -> Tensor:
        """A''(l) = 1 / l^2 - 1 / (4 sinh(l / 2)^2)."""
        t = self.logits.abs()
        small = t < 0.5  # two terms of order 1 / l^2 cancel, so the series must reach further than elsewhere
        square = torch.where(small, t * t, 0.0)
        series = 1 / 12 - square * (1 / 240 - square * (1 / 6048 - square * (1 / 172800 - square / 5322240)))
        far = torch.where(small, 1.0, t)
        return torch.where(small, series, 1 / far**2 - torch.exp(-far) / torch.expm1(-far) ** 2)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw by inversion, differentiable in the logits."""
        logits = self._extended(self.logits, sample_shape)
        u = torch.rand_like(logits)
        small = logits.abs() < 1e-3
        linear = u + torch.where(small, logits, 0.0) * u * (1 - u) / 2
        # Distance from the end of the interval at which the density peaks: an exponential truncated to [0, 1].
        far = torch.where(small, 1.0, logits.abs())
        rank = torch.where(logits > 0, 1 - u, u).clamp(max=1 - torch.finfo(u.dtype).eps)
        distance = -torch.log1p(rank * torch.expm1(-far)) / far
        return torch.where(small, linear, torch.where(logits > 0, 1 - distance, distance)).clamp(0, 1)
