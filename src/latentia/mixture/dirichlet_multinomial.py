"""Dirichlet-multinomial components: counts whose composition varies around the component's (Holmes et al. 2012).

The density depends on a row only through which (column, count) pairs it holds and its total, so the weighted numbers
of those pairs and totals are sufficient and additive, as in the exponential families: the features of a row are the
sparse indicator of its pairs and of its total, and the natural parameters are tables of log-gamma differences.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import ConfigError, TrainingError
from latentia.mixture.components import FAMILIES, Features
from latentia.mixture.count_pairs import CountPairs
from latentia.mixture.dirichlet_objective import DirichletObjective, log_ratios
from latentia.mixture.discrete import CountComponents, sample_multinomial
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.summary import Summary


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
        self.pairs = CountPairs(n_features, device=self.device)
        self._read = self.pairs  # what the features of the present chunk are made of
        self._ratios: tuple[Tensor, np.ndarray, Tensor] | None = None  # of which alphas and keys, and they

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
        return {"vocabulary": self.pairs.state()}

    def take_statistics_state(self, state: dict[str, np.ndarray]) -> bool:
        """Put what `statistics_state` gave back."""
        self.pairs = CountPairs.from_state(state["vocabulary"], self.n_features, self.device)
        return True

    @property
    def n_free(self) -> int:
        """Free parameters of weights and alphas."""
        return self.n_components - 1 + self.n_components * self.n_features

    @property
    def n_statistics(self) -> int:
        """Mass and the weighted number of each pair (column, count) and of each total."""
        return 1 + len(self.pairs)

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk: features are sparse, so the dense rows set the size."""
        return max(64, min(4096, (1 << 22) // self.n_features))

    # Passes -------------------------------------------------------------------------------------------------

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Check the rows and learn which pairs (column, count) and totals occur."""
        super().prepare(rows, summary)
        self.pairs = CountPairs(self.n_features, device=self.device)
        for chunk in self.chunks(rows):
            self.extend(chunk)

    def extend(self, chunk: Chunk) -> Tensor:
        """Learn a chunk's pairs; return the new places of the old statistics' columns."""
        return self.pairs.learn(chunk) + 1

    def covering(self, rows: Rows) -> DirichletMultinomialComponents:
        """These components with statistics of every pair that `rows` hold."""
        wide = copy.copy(self)
        wide.pairs = CountPairs(self.n_features, self.pairs.keys, self.device)
        for chunk in self.chunks(rows):
            wide.extend(chunk)
        return wide

    def begin(self, *, sums_only: bool = False) -> None:  # noqa: ARG002
        """Freeze the tables of log-gamma ratios."""
        self._look_up(self.pairs)

    def _look_up(self, pairs: CountPairs) -> None:
        """Have tables for features made of `pairs` (none before there are parameters)."""
        self._read = pairs
        if "alphas" in self.parameters:
            super().begin()

    def encode(self, chunk: Chunk) -> Features:
        """Sparse indicator `[B, U]` of a row's pairs and total; of a chunk that holds new ones, among its own."""
        found, pairs = self._known(chunk), self.pairs
        if found is None:
            pairs = CountPairs(self.n_features, device=self.device)
            pairs.learn(chunk)
            found = pairs.indicator(chunk)
            assert found is not None
        if pairs is not self._read:
            self._look_up(pairs)
        return found

    def _known(self, chunk: Chunk) -> sparse.csr_array | None:
        """The indicator of a chunk's pairs, looked up once in a table that is passed over again and again."""
        kept = None if chunk.memo is None else chunk.memo.get(("pairs", chunk.start, len(chunk)))
        if kept is not None and kept[0] is self.pairs.keys:
            return kept[1]
        found = self.pairs.indicator(chunk)
        if chunk.memo is not None and found is not None:
            chunk.memo["pairs", chunk.start, len(chunk)] = self.pairs.keys, found
        return found

    def natural(self) -> Tensor:
        """(log w, log-gamma ratios of pairs, of totals)."""
        return torch.cat([self.log_weights()[:, None], self._present_ratios()], 1)

    def base_measure(self, chunk: Chunk) -> None:
        """The multinomial coefficient is in the tables, where it keeps their terms small."""

    def _present_ratios(self) -> Tensor:
        """`log_ratios` of the present alphas, kept until they or the pairs change."""
        alphas, keys = self.parameters["alphas"], self._read.keys
        if self._ratios is None or self._ratios[0] is not alphas or self._ratios[1] is not keys:
            self._ratios = alphas, keys, log_ratios(alphas, self._read)
        return self._ratios[2]

    # The update ---------------------------------------------------------------------------------------------

    def _objective(self, statistics: Tensor) -> DirichletObjective:
        return DirichletObjective(self.pairs, statistics[:, 1:], self.prior_shape, self.prior_rate)

    def update_components(self, statistics: Tensor) -> None:
        """Newton's method on log alpha; from the present one, or from the proportions of the statistics."""
        objective, self._read = self._objective(statistics), self.pairs
        if "alphas" in self.parameters:
            lam, ratios = self.parameters["alphas"].log(), self._present_ratios()
        else:
            lam = objective.start()
            ratios = log_ratios(lam.exp(), self.pairs)
        lam, ratios = objective.maximize(lam, ratios)
        self.parameters["alphas"] = lam.exp()
        self._ratios = self.parameters["alphas"], self.pairs.keys, ratios

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
        free = self.parameters["alphas"].log()
        _, diagonal, rank_one, alphas = self._objective(statistics).derivatives(free)
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

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_ratios": None}


FAMILIES.add(DirichletMultinomialComponents.family, DirichletMultinomialComponents)
