"""Distributions over vectors of discrete codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions.noise import standard_normal


class _Codes(Distribution):
    """What both posteriors over codes share: whole numbers, and the most probable ones for a point estimate."""

    arg_constraints: dict[str, Constraint] = {}  # noqa: RUF012  torch's own form
    has_rsample = True

    @property
    def support(self) -> Constraint:
        """Whole numbers from 0."""
        return constraints.independent(constraints.nonnegative_integer, 1)

    @property
    def mode(self) -> Tensor:
        """The most probable code of each position, `[*batch, n]`."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mode: numbers of codes are names, which have no arithmetic mean."""
        return self.mode

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Codes `[*sample_shape, *batch, n]`."""
        raise NotImplementedError

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """As `sample`: whole numbers carry no gradient."""
        return self.sample(sample_shape)


class PointCodes(_Codes):
    """All probability on one code at each position: a deterministic quantizer's q(k|x), whose log-probability is 0 there.

    Unlike a point mass among real numbers it has a probability, and so a bound on log p(x).

    Args:
        indices: the codes, `[*batch, n]`.

    Example:
        >>> PointCodes(torch.tensor([[1, 2]])).log_prob(torch.tensor([[1, 2], [1, 0]]))
        tensor([0., -inf])
    """

    def __init__(self, indices: Tensor) -> None:
        self.indices = indices
        super().__init__(indices.shape[:-1], indices.shape[-1:], validate_args=False)

    @property
    def mode(self) -> Tensor:
        """The codes."""
        return self.indices

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """The codes, repeated."""
        return self.indices.expand(self._extended_shape(torch.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the codes and -inf elsewhere, `[*batch]`."""
        same = (value == self.indices).all(-1)
        return torch.where(same, 0.0, -torch.inf)


class CategoricalCodes(_Codes):
    """Independent codes at n positions, each out of K.

    Args:
        log_q: log-probabilities in nats, `[B, n, K]`, normalised.

    Example:
        >>> q = CategoricalCodes(torch.tensor([[[0.25, 0.75]]]).log())
        >>> q.mode, q.log_prob(torch.tensor([[0]])).exp()
        (tensor([[1]]), tensor([0.2500]))
    """

    def __init__(self, log_q: Tensor) -> None:
        self.log_q = log_q
        super().__init__(log_q.shape[:-2], log_q.shape[-2:-1], validate_args=False)

    @property
    def mode(self) -> Tensor:
        """The most probable codes."""
        return self.log_q.argmax(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw by the inverse distribution function; within `per_item_noise`, a function of each item."""
        shape = self._extended_shape(torch.Size(sample_shape))
        uniform = torch.special.ndtr(standard_normal(shape, self.log_q, item_dim=len(shape) - 2))
        uniform = uniform.reshape(-1, *self.log_q.shape[:-1]).movedim(0, -1).contiguous()  # [B, n, S]
        cumulative = self.log_q.detach().exp().cumsum(-1)
        # the rounded sum of all may lie below the number drawn
        drawn = torch.searchsorted(cumulative, uniform).clamp(max=self.log_q.shape[-1] - 1)
        return drawn.movedim(-1, 0).reshape(shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of codes `[*sample, B, n]` in nats, `[*sample, B]`."""
        log_q = self.log_q.expand(*value.shape, -1)
        return log_q.gather(-1, value[..., None]).squeeze(-1).sum(-1)
