"""The point mass, so that an ordinary autoencoder is a latent-variable model like the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint


class Delta(Distribution):
    r"""All mass at one point: x = v with probability one.

    It has no density; `log_prob` is taken with respect to the counting measure at v: 0 there, :math:`-\infty`
    elsewhere.

    Args:
        value: v, `[*batch, *event]`.
        event_ndims: how many trailing dimensions are the event.
        validate_args: as in torch.

    Example:
        >>> Delta(torch.tensor([[1.0, 2.0]])).log_prob(torch.tensor([[1.0, 2.0], [1.0, 3.0]]))
        tensor([0., -inf])
    """

    has_rsample = True

    def __init__(self, value: Tensor, event_ndims: int = 1, validate_args: bool | None = None) -> None:
        self.value = value
        split = value.ndim - event_ndims
        super().__init__(value.shape[:split], value.shape[split:], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real point."""
        return {"value": constraints.real}

    @property
    def support(self) -> Constraint:
        """The reals (the mass is at one point of them)."""
        return constraints.independent(constraints.real, len(self.event_shape))

    @property
    def mean(self) -> Tensor:
        """The point."""
        return self.value

    @property
    def variance(self) -> Tensor:
        """Zero."""
        return torch.zeros_like(self.value)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Delta:
        """Return the same point mass with another batch shape."""
        new = self._get_checked_instance(Delta, _instance)
        new.value = self.value.expand(tuple(batch_shape) + tuple(self.event_shape))
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """The point, repeated; differentiable in it."""
        return self.value.expand(self._extended_shape(torch.Size(sample_shape)))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """The point, repeated, without gradient."""
        return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the point and -inf elsewhere, `[*batch]`."""
        if self._validate_args:
            self._validate_sample(value)
        same = value == self.value
        for _ in self.event_shape:
            same = same.all(-1)
        zero = torch.zeros((), dtype=self.value.dtype, device=self.value.device)
        return torch.where(same, zero, -torch.inf)
