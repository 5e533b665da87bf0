"""Dirichlet-multinomial components: counts whose composition varies around the component's (Holmes et al. 2012).

The density depends on a row only through which (column, count) pairs it holds and its total, so the weighted numbers
of those pairs and totals are sufficient and additive, as in the exponential families: the features of a row are the
sparse indicator of its pairs and of its total, and the natural parameters are tables of log-gamma differences.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import ConfigError, TrainingError
from latentia.mixture.components import FAMILIES, Features
from latentia.mixture.discrete import CountComponents, sample_multinomial
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.summary import Summary

_LOW, _HIGH = -15.0, 10.0  # bounds of log alpha
_BASE = (
    1 << 42
)  # a pair (column, count) is numbered column * _BASE + count * _PARTS; totals stand in column d
_PARTS = 1 << 10  # fractional counts, where taken at all, are kept to this part


class DirichletMultinomialComponents(CountComponents):
    """p(x|k) = n! / prod x_j! B(alpha_k + x) / B(alpha_k), with alpha_kj ~ Gamma(eta, nu) on log alpha.

    log p(x|alpha) = lgamma(A) - lgamma(A + n) + sum_j [lgamma(alpha_j + x_j) - lgamma(alpha_j)] + coefficient,
    A = sum_j alpha_j. The log prior is eta log alpha - nu alpha + eta log nu - lgamma(eta) for each alpha.

    Parameters: `weights [K]`, `alphas [K, d]`, `totals`.

    Args:
        n_components: K.
        n_features: d.
        prior_shape: eta.
        prior_rate: nu.

    Source: Holmes, Harris & Quince (2012), PLoS ONE 7(2) e30126, eqs. 5-11; Newton steps after Minka (2000).
    """

    family = "dirichlet-multinomial"
    exact = False  # Newton's method to a tolerance

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        prior_shape: float = 0.1,
        prior_rate: float = 0.1,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(n_components, n_features, dtype=dtype, device=device)
        for name, value in (("prior_shape", prior_shape), ("prior_rate", prior_rate)):
            if not value > 0:
                raise ConfigError(f"{name}={value!r}: a number above 0 was expected")
        self.prior_shape, self.prior_rate = float(prior_shape), float(prior_rate)
        self.vocabulary = torch.empty(0, dtype=torch.int64, device=self.device)
        self._split()

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        return {
            "n_components": self.n_components,
            "n_features": self.n_features,
            "prior_shape": self.prior_shape,
            "prior_rate": self.prior_rate,
        }

    def statistics_state(self) -> dict[str, np.ndarray]:
        """The pairs and totals that the statistics' columns count."""
        return {"vocabulary": self.vocabulary.cpu().numpy()}

    def take_statistics_state(self, state: dict[str, np.ndarray]) -> bool:
        """Put what `statistics_state` gave back."""
        self.vocabulary = torch.tensor(state["vocabulary"], dtype=torch.int64, device=self.device)
        self._split()
        return True

    @property
    def n_free(self) -> int:
        """Free parameters of weights and alphas."""
        return self.n_components - 1 + self.n_components * self.n_features

    @property
    def n_statistics(self) -> int:
        """Mass and the weighted number of each pair (column, count) and of each total."""
        return 1 + len(self.vocabulary)

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk: features are sparse, so the dense rows set the size."""
        return max(64, min(4096, (1 << 22) // self.n_features))

    # Passes -------------------------------------------------------------------------------------------------

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Check the rows and learn which pairs (column, count) and totals occur."""
        super().prepare(rows, summary)
        self.vocabulary = torch.empty(0, dtype=torch.int64, device=self.device)
        for chunk in self.chunks(rows):
            self.extend(chunk)

    def extend(self, chunk: Chunk) -> Tensor:
        """Add a chunk's pairs to the vocabulary; return the new places of the old statistics' columns."""
        old = self.vocabulary
        self.vocabulary = torch.unique(torch.cat([old, self._keys(chunk)[1]]))
        self._split()
        return torch.searchsorted(self.vocabulary, old) + 1

    def _split(self) -> None:
        """Columns and counts of the vocabulary, sorted by column; the totals come last."""
        column, value = self.vocabulary // _BASE, self.vocabulary % _BASE
        self._n_pairs = int((column < self.n_features).sum())
        self._column = column[: self._n_pairs]
        self._count = value[: self._n_pairs].to(torch.float64) / _PARTS
        self._total = value[self._n_pairs :].to(torch.float64) / _PARTS

    def _keys(self, chunk: Chunk) -> tuple[Tensor, Tensor]:
        """Row and key of every non-zero count and of every total of a chunk, row after row."""
        x = (chunk.x * _PARTS).round().to(torch.int64)
        row, column = x.nonzero(as_tuple=True)
        every = torch.arange(len(x), device=x.device)
        keys = torch.cat([column * _BASE + x[row, column], self.n_features * _BASE + x.sum(1)])
        rows = torch.cat([row, every])
        order = rows.argsort(stable=True)
        return rows[order], keys[order]

    def encode(self, chunk: Chunk) -> Features:
        """Sparse indicator `[B, U]` of a row's pairs and total; pairs that are new are learned first."""
        row, keys = self._keys(chunk)
        place = torch.searchsorted(self.vocabulary, keys)
        known = (
            self.vocabulary[place.clamp_max(len(self.vocabulary) - 1)] == keys
            if len(self.vocabulary)
            else None
        )
        if known is None or not bool(known.all()):
            self.extend(chunk)
            self.begin()
            place = torch.searchsorted(self.vocabulary, keys)
        n = len(chunk)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row.cpu().numpy(), minlength=n))])
        ones = np.ones(len(place), dtype=np.float64)
        return sparse.csr_array((ones, place.cpu().numpy(), offsets), shape=(n, len(self.vocabulary)))

    def begin(self, *, sums_only: bool = False) -> None:
        """Freeze the tables of log-gamma differences."""
        if self.parameters.get("alphas") is not None:
            super().begin(sums_only=sums_only)

    def natural(self) -> Tensor:
        """(log w + lgamma A, lgamma(alpha_j + v) - lgamma(alpha_j), -lgamma(A + n))."""
        alphas = self.parameters["alphas"]
        total = alphas.sum(1, keepdim=True)
        at = alphas[:, self._column]
        constant = self.log_weights()[:, None] + torch.lgamma(total)
        pairs = torch.lgamma(at + self._count) - torch.lgamma(alphas)[:, self._column]
        return torch.cat([constant, pairs, -torch.lgamma(total + self._total)], 1)

    # The update ---------------------------------------------------------------------------------------------

    def update_components(self, statistics: Tensor) -> None:
        """Newton's method on log alpha for all components at once, halving steps that would lower the objective."""
        lam = (
            self._start(statistics)
            if self.parameters.get("alphas") is None
            else self.parameters["alphas"].log()
        )
        value = self._value(lam, statistics)
        for _ in range(100):
            gradient, diagonal, rank_one, alphas = self._derivatives(lam, statistics)
            step = _newton_step(gradient, diagonal, rank_one, alphas).clamp(-2.0, 2.0)
            if float((gradient * step).sum(1).abs().max()) < 1e-9 * (1.0 + float(statistics[:, 0].sum())):
                break
            scale = torch.ones(len(lam), 1, dtype=torch.float64, device=lam.device)
            for _ in range(30):
                trial = (lam + scale * step).clamp(_LOW, _HIGH)
                new = self._value(trial, statistics)
                worse = new < value
                if not bool(worse.any()):
                    break
                scale[worse] *= 0.5
            better = new >= value
            lam, value = torch.where(better[:, None], trial, lam), torch.where(better, new, value)
            if not bool(better.any()):
                break
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                "the Dirichlet parameters left the range of float64; check for extreme counts"
            )
        self.parameters["alphas"] = lam.exp()

    def _start(self, statistics: Tensor) -> Tensor:
        """Log of the component's proportions times a precision of 30, a fifth of it spread evenly over columns."""
        sums = torch.zeros(self.n_components, self.n_features, dtype=torch.float64, device=self.device)
        sums.index_add_(1, self._column, statistics[:, 1 : 1 + self._n_pairs] * self._count)
        share = 0.8 * sums / sums.sum(1, keepdim=True).clamp_min(1e-300) + 0.2 / self.n_features
        return (30.0 * share).log()

    def _value(self, lam: Tensor, statistics: Tensor) -> Tensor:
        """Expected log density plus log prior of each component, `[K]`, without weights."""
        alphas = lam.exp()
        at, total = alphas[:, self._column], alphas.sum(1, keepdim=True)
        pairs, sizes = statistics[:, 1 : 1 + self._n_pairs], statistics[:, 1 + self._n_pairs :]
        out = (pairs * (torch.lgamma(at + self._count) - torch.lgamma(alphas)[:, self._column])).sum(1)
        out += (sizes * (torch.lgamma(total) - torch.lgamma(total + self._total))).sum(1)
        return out + (self.prior_shape * lam - self.prior_rate * alphas).sum(1)

    def _derivatives(self, lam: Tensor, statistics: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradient `[K, d]` in log alpha, and the Hessian diag(h) + c alpha alpha' as (h `[K, d]`, c `[K]`, alpha)."""
        alphas = lam.exp()
        at, total = alphas[:, self._column], alphas.sum(1, keepdim=True)
        pairs, sizes = statistics[:, 1 : 1 + self._n_pairs], statistics[:, 1 + self._n_pairs :]
        first, second = torch.zeros_like(alphas), torch.zeros_like(alphas)
        first.index_add_(
            1,
            self._column,
            pairs * (torch.digamma(at + self._count) - torch.digamma(alphas)[:, self._column]),
        )
        second.index_add_(
            1, self._column, pairs * (_trigamma(at + self._count) - _trigamma(alphas)[:, self._column])
        )
        first += (sizes * (torch.digamma(total) - torch.digamma(total + self._total))).sum(1, keepdim=True)
        rank_one = (sizes * (_trigamma(total) - _trigamma(total + self._total))).sum(1)
        slope = alphas * first - self.prior_rate * alphas
        return slope + self.prior_shape, slope + alphas.square() * second, rank_one, alphas

    def log_prior(self) -> float:
        """Log density of the Gamma prior written on alpha as in the reference implementation, with its constant."""
        alphas, eta, nu = self.parameters["alphas"], self.prior_shape, self.prior_rate
        constant = eta * math.log(nu) - math.lgamma(eta)
        return float((eta * alphas.log() - nu * alphas).sum() + alphas.numel() * constant)

    def log_det_hessian(self, statistics: Tensor) -> float:
        """sum_k log det(-H_k) of the expected log posterior in log alpha, plus the weights' part.

        -H_k = diag(p) - c alpha alpha' with p = -h and c > 0, so by the matrix determinant lemma
        log det(-H_k) = sum_j log p_j + log(1 - c sum_j alpha_j^2 / p_j), and -H_k is positive definite if and only if every
        term is defined; the weights give sum_{k>=2} (2 log N - log N_k) (Holmes et al. 2012, supplementary text).

        Raises:
            TrainingError: where some -H_k is not positive definite, so that there is no Gaussian to integrate.
        """
        _, diagonal, rank_one, alphas = self._derivatives(self.parameters["alphas"].log(), statistics)
        p = -diagonal
        pulled = rank_one * (alphas.square() / p).sum(1)
        if bool((p <= 0).any() or (pulled >= 1).any()):
            raise TrainingError(
                "the log posterior is not concave at the solution: EM has not converged; lower tol"
            )
        log_det = p.log().sum(1) + torch.log1p(-pulled)
        mass = statistics[:, 0]
        return float(log_det.sum() + (2 * mass.sum().log() - mass[1:].log()).sum())

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Counts `[n, d]`: a composition from Dirichlet(alpha_k), then a multinomial with a total seen in fitting."""
        gamma = torch._standard_gamma(self.parameters["alphas"][labels], generator=generator).clamp_min(
            1e-300
        )
        composition = gamma / gamma.sum(1, keepdim=True)
        return sample_multinomial(self.sample_totals(len(labels), generator), composition, generator)


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


FAMILIES.add(DirichletMultinomialComponents.family, DirichletMultinomialComponents)
