"""What the update of Dirichlet-multinomial components maximises, and Newton's method for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latentia.errors import TrainingError
from latentia.mixture.count_pairs import CountPairs

_LOW, _HIGH = -15.0, 10.0  # bounds of log alpha
_LARGE = 32.0  # counts from which the expansion of log gamma is exact to rounding


def log_rising(alpha: Tensor, count: Tensor, log_gamma: Tensor) -> Tensor:
    """Log [Gamma(alpha + v) / (Gamma(alpha) v!)], the coefficient of x^v in (1 - x)^-alpha.

    From v = 32 on by Stirling's series of the ratio Gamma(alpha + v) / Gamma(1 + v), whose terms are of the ratio's size:
    a difference of two log gammas has no digit left where counts are large (log Gamma(1e15) is 3e16).

    Args:
        alpha: `[K, m]`.
        count: v, `[m]`.
        log_gamma: log Gamma(alpha), `[K, m]`.

    Returns:
        `[K, m]`, in nats.
    """
    large = count >= _LARGE
    few, many = (~large).nonzero()[:, 0], large.nonzero()[:, 0]
    out = torch.empty_like(alpha)
    v = count[few]
    out[:, few] = torch.lgamma(alpha[:, few] + v) - torch.lgamma(v + 1)
    if len(many):
        a, v = alpha[:, many] - 1, count[many] + 1
        z = v + a
        ratio = a * v.log() + (z - 0.5) * torch.log1p(a / v) - a
        out[:, many] = ratio + _stirling(z) - _stirling(v)
    return out - log_gamma


def _stirling(z: Tensor) -> Tensor:
    """Log Gamma(z) - (z - 1/2) log z + z - log(2 pi) / 2, to 1e-16 from z = 32 on."""
    inverse = 1 / z
    square = inverse.square()
    return inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))


def log_ratios(alphas: Tensor, pairs: CountPairs) -> Tensor:
    """What each pair and total adds to a row's log density, `[K, P + T]`, the multinomial coefficient included.

    log p(x|alpha) = sum_j log_rising(alpha_j, x_j) - log_rising(A, n) with A = sum_j alpha_j.
    """
    total = alphas.sum(1, keepdim=True)
    each = log_rising(alphas[:, pairs.column], pairs.count, torch.lgamma(alphas)[:, pairs.column])
    whole = log_rising(total.expand(-1, len(pairs.total)), pairs.total, torch.lgamma(total))
    return torch.cat([each, -whole], 1)


@dataclass(frozen=True)
class DirichletObjective:
    """Expected log density plus log prior of each component, in lambda = log alpha.

    Attributes:
        pairs: the pairs and totals that statistics count.
        statistics: weighted numbers of them, `[K, P + T]`.
        prior_shape: eta of the Gamma prior on alpha (with the Jacobian of the logarithm).
        prior_rate: nu.

    Source: Holmes, Harris & Quince (2012), PLoS ONE 7(2) e30126, eqs. 5-11; Newton steps after Minka (2000).
    """

    pairs: CountPairs
    statistics: Tensor
    prior_shape: float
    prior_rate: float

    def start(self) -> Tensor:
        """Log of the component's proportions times a precision of 30, a fifth of it spread evenly over columns."""
        d, seen = self.pairs.n_features, self.statistics[:, : len(self.pairs.column)]
        sums = torch.zeros(len(seen), d, dtype=torch.float64, device=seen.device)
        sums.index_add_(1, self.pairs.column, seen * self.pairs.count)
        share = 0.8 * sums / sums.sum(1, keepdim=True).clamp_min(1e-300) + 0.2 / d
        return (30.0 * share).log()

    def value(self, lam: Tensor, ratios: Tensor) -> Tensor:
        """The objective, `[K]`, from `log_ratios` at alpha = e^lambda."""
        prior = (self.prior_shape * lam - self.prior_rate * lam.exp()).sum(1)
        return (self.statistics * ratios).sum(1) + prior

    def rounding(self, ratios: Tensor) -> Tensor:
        """How far `value` may be off, `[K]`."""
        return 16 * torch.finfo(torch.float64).eps * (1 + (self.statistics * ratios).abs().sum(1))

    def derivatives(self, lam: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradient `[K, d]`, and the Hessian diag(h) + c alpha alpha' as (h `[K, d]`, c `[K]`, alpha)."""
        alphas = lam.exp()
        column, n_pairs = self.pairs.column, len(self.pairs.column)
        at, total = alphas[:, column] + self.pairs.count, alphas.sum(1, keepdim=True)
        pairs, sizes = self.statistics[:, :n_pairs], self.statistics[:, n_pairs:]
        first, second = torch.zeros_like(alphas), torch.zeros_like(alphas)
        first.index_add_(1, column, pairs * (torch.digamma(at) - torch.digamma(alphas)[:, column]))
        second.index_add_(1, column, pairs * (_trigamma(at) - _trigamma(alphas)[:, column]))
        whole = total + self.pairs.total
        first += (sizes * (torch.digamma(total) - torch.digamma(whole))).sum(1, keepdim=True)
        rank_one = (sizes * (_trigamma(total) - _trigamma(whole))).sum(1)
        slope = alphas * first - self.prior_rate * alphas
        return slope + self.prior_shape, slope + alphas.square() * second, rank_one, alphas

    def maximize(self, lam: Tensor, ratios: Tensor) -> tuple[Tensor, Tensor]:
        """Newton's method for all components at once, halving steps that lower the objective by more than rounding.

        Args:
            lam: start, `[K, d]`.
            ratios: `log_ratios` there.

        Returns:
            The end, not lower than the start, and `log_ratios` there.

        Raises:
            TrainingError: if the parameters leave the range of float64.
        """
        lam, ratios = lam.clone(), ratios.clone()
        value = self.value(lam, ratios)
        tolerance = 1e-9 * (1.0 + self.mass)
        active = torch.arange(len(lam), device=lam.device)
        for _ in range(100):
            own = replace(self, statistics=self.statistics[active])
            gradient, *hessian = own.derivatives(lam[active])
            step = _newton_step(gradient, *hessian).clamp(-2.0, 2.0)
            climbing = (gradient * step).sum(1).abs() >= tolerance
            active, step = active[climbing], step[climbing]
            if not len(active):
                break
            active = self._climb(active, step, lam, ratios, value)
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                "the Dirichlet parameters left the range of float64; check for extreme counts"
            )
        return lam, ratios

    def _climb(self, active: Tensor, step: Tensor, lam: Tensor, ratios: Tensor, value: Tensor) -> Tensor:
        """Take a step of each active component, halved until it does not descend; return those that could."""
        open_ = torch.arange(len(active), device=active.device)
        for halving in range(30):
            who = active[open_]
            own = replace(self, statistics=self.statistics[who])
            trial = (lam[who] + 0.5**halving * step[open_]).clamp(_LOW, _HIGH)
            tried = log_ratios(trial.exp(), self.pairs)
            new = own.value(trial, tried)
            good = new >= value[who] - own.rounding(tried)
            lam[who[good]], ratios[who[good]], value[who[good]] = trial[good], tried[good], new[good]
            open_ = open_[~good]
            if not len(open_):
                break
        stuck = torch.ones(len(active), dtype=torch.bool, device=active.device)
        stuck[open_] = False
        return active[stuck]

    @property
    def mass(self) -> float:
        """Weight of all rows: each holds one total."""
        return float(self.statistics[:, len(self.pairs.column) :].sum())


def _newton_step(gradient: Tensor, diagonal: Tensor, rank_one: Tensor, alphas: Tensor) -> Tensor:
    """Ascent step solving (diag(p) - c alpha alpha') s = g by Sherman-Morrison, p = -h made positive where it is not."""
    p = torch.where(diagonal < -1e-8, -diagonal, diagonal.abs() + 1e-2)
    pulled = alphas / p
    denominator = 1.0 - rank_one * (alphas * pulled).sum(1)
    usable = denominator > 1e-6
    factor = torch.where(usable, rank_one / denominator.clamp_min(1e-6), torch.zeros_like(rank_one))
    return gradient / p + (factor * (pulled * gradient).sum(1))[:, None] * pulled


def _trigamma(x: Tensor) -> Tensor:
    return torch.polygamma(1, x)
