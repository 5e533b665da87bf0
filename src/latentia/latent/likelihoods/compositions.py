"""Likelihoods for overdispersed compositions: counts given their total, whose shares vary about the decoder's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentia.distributions import DirichletMultinomial
from latentia.latent.likelihoods.base import rows_at_once
from latentia.latent.likelihoods.counts import CountLikelihood

PACE = 10.0
"""By which the parameter is multiplied to log theta: with Adam's steps of the size of the learning rate it would take thousands."""
FEW = 40
"""Rows from which Muon leaves held-out samples less unexplained than AdamW (`benchmarks/community_types.py --only optimizer`)."""
_STARTS = torch.linspace(math.log(0.1), math.log(1e5), 50, dtype=torch.float64)


class DirichletMultinomialLikelihood(CountLikelihood):
    r"""p(x|z, n): counts with shares from a Dirichlet of mean rho = softmax(decoder output) and precision theta.

    .. math:: x | z, n \sim \mathrm{DirichletMultinomial}(n, \theta \rho(z))

    theta, one number, is a parameter of the likelihood, learned with the networks: what rows of one code differ by beyond the chance of
    sequencing. Conditional on the row's total, so that it stands beside a mixture of Dirichlet-multinomials in one column; with one code
    out of K it is that mixture with a shared precision.

    Source: Mosimann 1962 (the distribution); Holmes, Harris & Quince 2012 (mixtures of it, for communities).

    Example:
        >>> DirichletMultinomialLikelihood((2,))(torch.zeros(1, 1, 2), torch.tensor([[1.0, 3.0]])).mean
        tensor([[2., 2.]])
    """

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__(event_shape)
        self.raw_precision = nn.Parameter(torch.tensor(math.log(100.0) / PACE))

    def optimizer(self, n: int) -> str:
        """Muon from `FEW` rows on."""
        return "auto" if n < FEW else "muon"

    @property
    def log_precision(self) -> Tensor:
        """Log theta, a scalar."""
        return PACE * self.raw_precision

    def prepare(self, x: Tensor) -> None:
        """Start theta where the training rows, as one community of their mean shares, are most probable."""
        super().prepare(x)
        assert self.start is not None
        logits = self.start[0].double()
        totals = torch.zeros(len(_STARTS), dtype=torch.float64, device=x.device)
        for rows in rows_at_once(x):
            for i, log_theta in enumerate(_STARTS.to(x.device)):
                totals[i] += (
                    DirichletMultinomial(rows.sum(-1), logits, log_theta, validate_args=False)
                    .log_prob(rows)
                    .sum()
                )
        with torch.no_grad():
            self.raw_precision.fill_(float(_STARTS[int(totals.argmax())]) / PACE)

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> DirichletMultinomial:
        """p(x|z, n) with the totals of `x`, or drawn ones."""
        (logits,) = self.split(outputs)
        return DirichletMultinomial(
            self.library_size(outputs, x), logits, self.log_precision, validate_args=False
        )
