"""Multinomial counts whose shares vary from row to row: overdispersed compositions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia import draws
from latentia.distributions.counts import Multinomial
from latentia.distributions.numerics import widened

_LEAST_LOG = -300.0  # of a concentration: below it 1 / alpha overflows


class DirichletMultinomial(Distribution):
    r"""Counts given their total, with shares from a Dirichlet of mean rho and precision theta.

    .. math:: \log p(x | n) = \log\frac{n!}{\prod_j x_j!} + \log\frac{\Gamma(\theta)}{\Gamma(n + \theta)}
        + \sum_j \log\frac{\Gamma(x_j + \alpha_j)}{\Gamma(\alpha_j)}, \qquad \alpha = \theta \rho, \quad \rho = \mathrm{softmax}(logits)

    A multinomial as theta goes to infinity. Computed in float64, returned in the dtype of the logits.

    Args:
        total_count: n, `[*batch]`; used for `sample` and `mean`. `log_prob` is conditional on the total of the row that it is given.
        logits: `[*batch, d]`.
        log_precision: log theta, broadcasts with `[*batch]`.
        validate_args: as in torch.

    Source: Mosimann 1962, Biometrika 49(1/2).

    Example:
        >>> p = DirichletMultinomial(torch.tensor(2.0), torch.zeros(2), torch.log(torch.tensor(2.0)))
        >>> p.log_prob(torch.tensor([[2.0, 0.0], [1.0, 1.0]])).exp()  # uniform shares: every split of two is as probable
        tensor([0.3333, 0.3333])
    """

    def __init__(
        self, total_count: Tensor, logits: Tensor, log_precision: Tensor, validate_args: bool | None = None
    ) -> None:
        batch = torch.broadcast_shapes(total_count.shape, logits.shape[:-1], log_precision.shape)
        self.total_count = total_count.expand(batch)
        self.logits = logits.expand(batch + logits.shape[-1:])
        self.log_precision = log_precision.expand(batch)
        super().__init__(batch, logits.shape[-1:], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Non-negative totals, real logits and log-precisions."""
        return {
            "total_count": constraints.nonnegative_integer,
            "logits": constraints.independent(constraints.real, 1),
            "log_precision": constraints.real,
        }

    @property
    def support(self) -> Constraint:
        """Vectors of 0, 1, 2, ..."""
        return constraints.independent(constraints.nonnegative_integer, 1)

    @property
    def mean(self) -> Tensor:
        """N rho, `[*batch, d]`."""
        return self.total_count[..., None] * self.logits.softmax(-1)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> DirichletMultinomial:
        """Return the same distribution with another batch shape."""
        new = self._get_checked_instance(DirichletMultinomial, _instance)
        batch = tuple(batch_shape)
        new.total_count = self.total_count.expand(batch)
        new.logits = self.logits.expand(batch + self.event_shape)
        new.log_precision = self.log_precision.expand(batch)
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _log_alpha(self) -> Tensor:
        log_rho = widened(self.logits).log_softmax(-1)
        return (log_rho + widened(self.log_precision)[..., None]).clamp(min=_LEAST_LOG)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats given the row's total, `[*batch]`; 0 for a row of zeros."""
        if self._validate_args:
            self._validate_sample(value)
        x, alpha, theta = widened(value), self._log_alpha().exp(), widened(self.log_precision).exp()
        n = x.sum(-1)
        coefficient = torch.lgamma(n + 1) - torch.lgamma(x + 1).sum(-1)
        rising = (torch.lgamma(x + alpha) - torch.lgamma(alpha)).sum(-1)
        return (coefficient + rising - (torch.lgamma(n + theta) - torch.lgamma(theta))).to(self.logits.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw rows of counts: shares from the Dirichlet, then a multinomial."""
        with torch.no_grad():
            shape = self._extended_shape(torch.Size(sample_shape))
            log_alpha = self._log_alpha().expand(shape)
            # log Gamma(a) = log Gamma(a + 1) + log(U) / a: gammas of small a underflow, their logarithms do not
            gamma = draws.standard_gamma((log_alpha.exp() + 1).contiguous()).log()
            uniform = torch.rand_like(gamma).clamp(min=torch.finfo(gamma.dtype).tiny)
            shares = (gamma + uniform.log() * torch.exp(-log_alpha)).to(self.logits.dtype)
            shares = torch.nan_to_num(shares - shares.amax(-1, keepdim=True), neginf=-1e4)
            return Multinomial(self.total_count.expand(shape[:-1]), shares, validate_args=False).sample()
