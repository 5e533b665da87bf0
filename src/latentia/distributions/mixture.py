"""A mixture of distributions of one family, whose draws come from torch's generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia import draws
from latentia.distributions.noise import generator_noise


class Mixture(Distribution):
    r"""One of K components, drawn with given probabilities: a prior, batch shape `[]`.

    .. math:: \log p(z) = \log \sum_k \pi_k \, p_k(z)

    The same as `torch.distributions.MixtureSameFamily`, except that components may take their noise from
    `noise.standard_normal`: outside of batches of items there is no item whose noise it could be.

    Args:
        logits: log-probabilities of the components up to a constant, `[K]`.
        components: batch shape `[K]`, event `[D]`.
        validate_args: as in torch.

    Example:
        >>> from latentia.distributions import DiagonalGaussian
        >>> p = Mixture(torch.zeros(2), DiagonalGaussian(torch.tensor([[-3.0], [3.0]]), torch.ones(1)))
        >>> p.sample((5,)).shape, p.log_prob(torch.zeros(4, 7, 1)).shape, p.mean
        (torch.Size([5, 1]), torch.Size([4, 7]), tensor([0.]))
    """

    has_rsample = False

    def __init__(self, logits: Tensor, components: Distribution, validate_args: bool | None = None) -> None:
        self.logits = logits.log_softmax(-1)
        self.components = components
        super().__init__(torch.Size(), components.event_shape, validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Real logits."""
        return {"logits": constraints.real_vector}

    @property
    def support(self) -> Constraint | None:
        """That of the components."""
        return self.components.support

    @property
    def probs(self) -> Tensor:
        """Probability of each component, `[K]`."""
        return self.logits.exp()

    @property
    def mean(self) -> Tensor:
        """The components' means, averaged, `[D]`."""
        return (self.probs[:, None] * self.components.mean).sum(0)

    @property
    def variance(self) -> Tensor:
        """Variance within components plus variance between their means, `[D]`."""
        between = (self.components.mean - self.mean).square()
        return (self.probs[:, None] * (self.components.variance + between)).sum(0)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, `[*batch]`, of points `[*batch, D]`."""
        return torch.logsumexp(self.logits + self.components.log_prob(value.unsqueeze(-2)), -1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient, `[*sample_shape, D]`."""
        shape = torch.Size(sample_shape)
        with torch.no_grad(), generator_noise():
            which = draws.multinomial(self.probs, shape.numel(), replacement=True)
            # One draw of every component for each point: K times too many, but any family can do it.
            drawn = self.components.sample(torch.Size([shape.numel()]))
            return drawn[torch.arange(len(which), device=which.device), which].reshape(
                shape + self.event_shape
            )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Mixture:
        """A mixture is one distribution and has no batch."""
        if tuple(batch_shape):
            raise NotImplementedError("a Mixture has batch shape [] and cannot be expanded")
        return self
