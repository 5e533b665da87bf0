"""A free categorical distribution over the levels of a pixel grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions.numerics import unit_grid


class CategoricalLevels(Distribution):
    r"""One probability for each of the L levels 0, 1/(L-1), ..., 1 of a number.

    .. math:: \log p(x) = l_{k} - \log\sum_j e^{l_j}, \qquad k = \mathrm{round}(x (L - 1))

    Args:
        logits: l, `[*batch, L]`; the batch has no level dimension.
        validate_args: as in torch.

    Source: van den Oord et al. 2016 (pixel recurrent neural networks), section 3.3.

    Example:
        >>> p = CategoricalLevels(torch.zeros(3, 256))
        >>> p.log_prob(torch.tensor([0.0, 0.5, 1.0])).exp().mul(256).round()
        tensor([1., 1., 1.])
    """

    def __init__(self, logits: Tensor, validate_args: bool | None = None) -> None:
        self.logits = logits
        self.levels = logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real logits."""
        return {"logits": constraints.independent(constraints.real, 1)}

    @property
    def support(self) -> Constraint:
        """The unit interval (its grid points)."""
        return unit_grid

    @property
    def mean(self) -> Tensor:
        """Expected level divided by L - 1."""
        grid = torch.linspace(0, 1, self.levels, dtype=self.logits.dtype, device=self.logits.device)
        return self.logits.softmax(-1) @ grid

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> CategoricalLevels:
        """Return the same distribution with another batch shape."""
        new = self._get_checked_instance(CategoricalLevels, _instance)
        new.logits, new.levels = self.logits.expand((*batch_shape, self.levels)), self.levels
        Distribution.__init__(new, torch.Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats of the level nearest to `value`."""
        if self._validate_args:
            self._validate_sample(value)
        level = torch.round(value * (self.levels - 1)).long()
        shape = torch.broadcast_shapes(level.shape, self.batch_shape)
        chosen = self.logits.expand((*shape, self.levels)).gather(-1, level.expand(shape)[..., None])[..., 0]
        return chosen - self.logits.logsumexp(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw a level."""
        with torch.no_grad():
            level = Categorical(logits=self.logits, validate_args=False).sample(torch.Size(sample_shape))
            return level.to(self.logits.dtype) / (self.levels - 1)
