r"""Scores of count rows with their totals modelled, for likelihoods that take the total of a row as given.

Given its total every row of one count is as usual as any, and a row without counts is certain. To tell unusual rows the total must be
part of the score:

- a multinomial, or Dirichlet-multinomial, row: log p(x) = log p(x|n) + log p(n), n negative binomial with the mean and the variance of
  the training totals (Poisson, where these are not overdispersed);
- independent counts with an exposure s in place of n (Poisson, negative binomial, zero-inflated): p(x) = \int p(x|s) p(s) ds, log s normal
  with the mean and the variance of the logarithms of the training totals.

Both sum to one over all rows of counts.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor
from torch.distributions import Distribution

from latentia.errors import ConfigError
from latentia.latent.likelihoods.counts import CountLikelihood, MultinomialLikelihood

TOTALS = ("given", "modelled")
_LEAST_VARIANCE = 1e-6  # of the logarithm of an exposure
_NEWTON_STEPS = 30
_WIDER = (
    1.2  # than the exposure's posterior at its mode: a proposal must not be narrower than what it stands for
)
_SCRAMBLE = float(1 << 20)  # the digits of a code behind this are as good as a draw


def check_total(total: str) -> None:
    """Raise `ConfigError` unless `total` is one of `TOTALS`."""
    if total not in TOTALS:
        raise ConfigError(f"total={total!r}: expected {' or '.join(map(repr, TOTALS))}")


class TotalModel(NamedTuple):
    """The distribution of row totals: negative binomial, or Poisson where they are not overdispersed.

    Attributes:
        mean: of the training totals.
        variance: of the same.
    """

    mean: float
    variance: float

    @classmethod
    def of(cls, totals: NDArray[Any]) -> TotalModel:
        """By the moments of totals `[n]`."""
        wide = np.asarray(totals, np.float64)
        return cls(float(wide.mean()), float(wide.var()))

    def log_prob(self, totals: NDArray[Any]) -> NDArray[np.float64]:
        """Log p(n) in nats, `[n]`."""
        n = np.asarray(totals, np.float64)
        if self.variance > self.mean > 0:
            size = self.mean**2 / (self.variance - self.mean)
            return np.asarray(stats.nbinom.logpmf(n, size, size / (size + self.mean)))
        return np.asarray(stats.poisson.logpmf(n, self.mean))


def without_counts(totals: NDArray[Any], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores given the total, with NaN where a row has no counts: nothing is left to score there. A warning says how many."""
    empty = np.asarray(totals) == 0
    if empty.any():
        warnings.warn(
            f"{int(empty.sum())} row(s) have no counts (the first is row {int(np.flatnonzero(empty)[0])}): given its total such a row is "
            "certain, its score is NaN; total='modelled' scores the total as well",
            UserWarning,
            stacklevel=4,
        )
    return np.where(empty, np.nan, scores)


class Exposed:
    """A codec whose count rows have an exposure that is drawn, not given: for `latentia.models.importance`.

    The exposure of each importance sample comes from a log-normal about its posterior; its weight p(s) / q(s) goes to the likelihood.

    Args:
        model: with a `CountLikelihood` of independent counts.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.likelihood = model, model.likelihood
        sizes = self.likelihood.library_sizes.double()
        logs = sizes[sizes > 0].log()
        self.mean = float(logs.mean())
        self.variance = max(float(logs.var(correction=0)), _LEAST_VARIANCE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def conditional(self, z: Tensor, x: Tensor) -> Any:
        """p(x|z, s) p(s) / q(s) for codes `[S, B, D]`, s drawn for each."""
        total = x.sum(-1)
        mode, width = self._posterior(total)
        uniform = (z[..., 0].abs() * _SCRAMBLE).frac().clamp(1e-9, 1 - 1e-9)
        normal = torch.special.ndtri(uniform.double())
        log_size = mode + width * normal
        log_ratio = (
            -0.5 * (log_size - self.mean).square() / self.variance
            - 0.5 * math.log(self.variance)
            + 0.5 * normal.square()
            + width.log()
        )
        rows = (log_size.exp()[..., None] / x.shape[-1]).expand(*log_size.shape, x.shape[-1]).to(x)
        return _Weighted(self.likelihood(self.model.outputs(z), rows), log_ratio)

    def _posterior(self, total: Tensor) -> tuple[Tensor, Tensor]:
        """Mode and width of log s given a row's total, `[B]`, the total negative binomial about s."""
        n = total.double()
        size = self._dispersion()
        u = torch.full_like(n, self.mean)
        curvature = torch.ones_like(n)
        for _ in range(_NEWTON_STEPS):
            s = u.exp()
            slope = size * (n - s) / (size + s) - (u - self.mean) / self.variance
            curvature = size * s * (size + n) / (size + s).square() + 1 / self.variance
            u = u + (slope / curvature).clamp(-2.0, 2.0)
        return u, _WIDER * curvature.rsqrt()

    def _dispersion(self) -> float:
        """About how many gamma variables the spread of a total is worth; very many for Poisson counts."""
        dispersion = getattr(self.likelihood, "dispersion", None)
        if dispersion is None:
            return 1e12
        return max(1e-3, float(dispersion.double().mean()) * math.sqrt(len(dispersion)))


class _Weighted:
    """p(x|z, s) with a weight for each code."""

    def __init__(self, p: Distribution, log_ratio: Tensor) -> None:
        self.p, self.log_ratio = p, log_ratio

    def log_prob(self, x: Tensor) -> Tensor:
        """Log p(x|z, s) + log p(s) - log q(s), `[S, B]`."""
        return self.p.log_prob(x) + self.log_ratio.to(x)


def total_model(likelihood: CountLikelihood) -> TotalModel | None:
    """Of a likelihood that is a probability given the total; None for independent counts, whose exposure is integrated out."""
    if not isinstance(likelihood, MultinomialLikelihood):
        return None
    return TotalModel.of(likelihood.library_sizes.double().cpu().numpy())
