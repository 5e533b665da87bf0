"""Bernoulli, categorical, Poisson and multinomial components, each with a conjugate pseudo-count prior.

`smoothing` is the number of pseudo-observations a that keep probabilities off zero: with a = 0 the update is the
maximum-likelihood estimate (floored at 1e-12), with a > 0 the mode of the posterior (MAP-EM).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import ConfigError, DataError
from latentia.mixture.components import FAMILIES, Components, Features
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.summary import Summary

_FLOOR = 1e-12  # of a probability or a rate relative to its mean: log densities stay finite


class DiscreteComponents(Components):
    """What the four families share: a row is its own features, and a pseudo-count."""

    counts = True
    takes_sparse = True

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        smoothing: float = 0.1,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(n_components, n_features, dtype=dtype, device=device)
        if not smoothing >= 0:
            raise ConfigError(
                f"smoothing={smoothing!r}: a number of pseudo-counts of at least 0 was expected"
            )
        self.smoothing = float(smoothing)

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        return super().settings() | {"smoothing": self.smoothing}

    @property
    def n_statistics(self) -> int:
        """Mass and the sum of each column."""
        return 1 + self.n_features

    def encode(self, chunk: Chunk) -> Features:
        """The rows as they are stored, `[B, d]`."""
        return chunk.stored


class BernoulliComponents(DiscreteComponents):
    """p(x|k) = prod_j p_kj^x_j (1 - p_kj)^(1 - x_j), x in {0, 1} (Bishop 2006, eq. 9.48); prior Beta(1 + a, 1 + a).

    Parameters: `weights [K]`, `probabilities [K, d]`.
    """

    family = "bernoulli"

    @property
    def n_free(self) -> int:
        """Free parameters of weights and probabilities."""
        return self.n_components - 1 + self.n_components * self.n_features

    def prepare(self, rows: Rows, summary: Summary) -> None:  # noqa: ARG002
        """Refuse values other than 0 and 1."""
        if bool((bad := summary.maximum > 1).any()):
            raise DataError(f"column {int(bad.nonzero()[0])} holds values other than 0 and 1; set `binarize`")

    def natural(self) -> Tensor:
        """(log w + sum log(1 - p), logit p)."""
        p = self.parameters["probabilities"]
        constant = self.log_weights() + torch.log1p(-p).sum(1)
        return torch.cat([constant[:, None], torch.logit(p)], 1)

    def update_components(self, statistics: Tensor) -> None:
        """P = (sum r x + a) / (sum r + 2 a)."""
        mass = statistics[:, :1].clamp_min(1e-300)
        p = (statistics[:, 1:] + self.smoothing) / (mass + 2 * self.smoothing)
        self.parameters["probabilities"] = p.clamp(_FLOOR, 1 - _FLOOR)

    def log_prior(self) -> float:
        """Log Beta(1 + a, 1 + a) density of the probabilities, up to a constant."""
        p = self.parameters["probabilities"]
        return self.smoothing * float((p.log() + torch.log1p(-p)).sum())

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Zeros and ones `[n, d]`."""
        return torch.bernoulli(self.parameters["probabilities"][labels], generator=generator)


class CategoricalComponents(DiscreteComponents):
    """p(x|k) = prod_j p_kj[x_j], x_j in 0..L_j-1; prior Dirichlet(1 + a) on each p_kj.

    Parameters: `weights [K]`, `probabilities [K, L_1 + ... + L_d]` (columns side by side), `levels [d]`.
    """

    family = "categorical"
    takes_sparse = False

    def prepare(self, rows: Rows, summary: Summary) -> None:  # noqa: ARG002
        """Learn the number of levels of each column: its largest value plus one."""
        self.parameters["levels"] = summary.maximum.to(torch.float64).floor() + 1

    @property
    def levels(self) -> Tensor:
        """Number of levels of each column, integers `[d]`."""
        return self.parameters["levels"].to(torch.int64)

    @property
    def n_statistics(self) -> int:
        """Mass and one count for each level of each column."""
        return 1 + int(self.levels.sum())

    @property
    def n_free(self) -> int:
        """Free parameters of weights and probabilities."""
        return self.n_components - 1 + self.n_components * int((self.levels - 1).sum())

    def encode(self, chunk: Chunk) -> Tensor:
        """One-hot of each column, `[B, L_1 + ... + L_d]`; a level that was not fitted raises `DataError`."""
        x = chunk.x.to(torch.int64)
        if bool((bad := x >= self.levels).any()):
            row, column = (int(i) for i in bad.nonzero()[0])
            raise DataError(
                f"row {chunk.start + row}, column {column} holds category {int(x[row, column])}, which was not "
                f"seen in fitting (0..{int(self.levels[column]) - 1})"
            )
        offset = torch.cumsum(self.levels, 0) - self.levels
        phi = self._buffer("phi", len(x), self.n_statistics - 1).zero_()
        return phi.scatter_(1, x + offset, 1.0)

    def natural(self) -> Tensor:
        """(log w, log p)."""
        return torch.cat([self.log_weights()[:, None], self.parameters["probabilities"].log()], 1)

    def update_components(self, statistics: Tensor) -> None:
        """P = (count + a) / (sum r + a L)."""
        levels = self.levels
        mass = statistics[:, :1].clamp_min(1e-300) + self.smoothing * levels  # [K, d]
        p = (statistics[:, 1:] + self.smoothing) / mass.repeat_interleave(levels, 1)
        self.parameters["probabilities"] = p.clamp_min(_FLOOR)

    def log_prior(self) -> float:
        """Log Dirichlet(1 + a) density of the probabilities, up to a constant."""
        return self.smoothing * float(self.parameters["probabilities"].log().sum())

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Category numbers `[n, d]`."""
        parts = self.parameters["probabilities"][labels].split(self.levels.tolist(), 1)
        return torch.cat([torch.multinomial(p, 1, generator=generator) for p in parts], 1).to(torch.float64)


class PoissonComponents(DiscreteComponents):
    """p(x|k) = prod_j Poisson(x_j; lambda_kj); prior Gamma(1 + a, a / m_j), whose mode is the column's mean m_j.

    Parameters: `weights [K]`, `rates [K, d]`, `pooled [d]` (the column means m).
    """

    family = "poisson"
    spans = True

    @property
    def n_free(self) -> int:
        """Free parameters of weights and rates."""
        return self.n_components - 1 + self.n_components * self.n_features

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Learn the column means; a column of zeros gets a rate below one count in the whole table."""
        self.parameters["pooled"] = summary.mean.clamp_min(0.1 / max(rows.total_weight, 1.0))

    def natural(self) -> Tensor:
        """(log w - sum lambda, log lambda)."""
        rates = self.parameters["rates"]
        return torch.cat([(self.log_weights() - rates.sum(1))[:, None], rates.log()], 1)

    def update_components(self, statistics: Tensor) -> None:
        """Lambda = (sum r x + a) / (sum r + a / m)."""
        pooled, mass = self.parameters["pooled"], statistics[:, :1].clamp_min(1e-300)
        rates = (statistics[:, 1:] + self.smoothing) / (mass + self.smoothing / pooled)
        self.parameters["rates"] = torch.maximum(rates, _FLOOR * pooled)

    def log_prior(self) -> float:
        """Log Gamma(1 + a, a / m) density of the rates, up to a constant."""
        rates = self.parameters["rates"]
        return self.smoothing * float((rates.log() - rates / self.parameters["pooled"]).sum())

    def base_measure(self, chunk: Chunk) -> Tensor:
        """- sum_j log x_j!."""
        return -_log_factorials(chunk)

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Counts `[n, d]`."""
        return torch.poisson(self.parameters["rates"][labels], generator=generator)


class CountComponents(DiscreteComponents):
    """Families of a whole row of counts given its total: they keep the totals seen, for sampling.

    `empty_rows` says whether a row without any count is taken (its likelihood is 1, it tells nothing) or refused.
    """

    spans = True
    empty_rows = False

    def prepare(self, rows: Rows, summary: Summary) -> None:  # noqa: ARG002
        """Refuse rows without a count and single columns; keep (at most 10,000) row totals."""
        if self.n_features < 2:
            raise DataError(
                "n_features=1: composition of counts needs at least two columns; use a Poisson mixture"
            )
        totals = []
        for chunk in self.chunks(rows):
            total = chunk.totals()
            if not self.empty_rows and bool((bad := total == 0).any()):
                row = chunk.start + int(bad.nonzero()[0])
                raise DataError(
                    f"row {row} holds no count at all (n_samples={rows.n_rows}); remove all-zero rows or set strict=False"
                )
            totals.append(total.to(torch.float64).cpu())
        every = torch.cat(totals)
        kept = torch.from_numpy(rows.spread(10_000))
        self.parameters["totals"] = every[kept].to(self.device)

    def sample_totals(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` row totals drawn among those seen in fitting."""
        totals = self.parameters["totals"]
        index = torch.randint(len(totals), (n,), generator=generator, device=self.device)
        return totals[index]

    def base_measure(self, chunk: Chunk) -> Tensor | None:
        """Log multinomial coefficient, log n! - sum_j log x_j!."""
        return torch.lgamma(chunk.totals() + 1) - _log_factorials(chunk)


def _log_factorials(chunk: Chunk) -> Tensor:
    """sum_j log x_j!, `[B]`."""
    if isinstance(chunk.stored, Tensor):
        return torch.lgamma(chunk.stored + 1).sum(1)
    each = torch.lgamma(torch.from_numpy(chunk.stored.data) + 1)  # zero for a zero
    parts = (each.numpy(), chunk.stored.indices, chunk.stored.indptr)
    return torch.from_numpy(sparse.csr_array(parts, shape=chunk.stored.shape).sum(axis=1))


class MultinomialComponents(CountComponents):
    """p(x|k, n) = n! / prod x_j! prod_j p_kj^x_j; prior Dirichlet(1 + a).

    Parameters: `weights [K]`, `probabilities [K, d]`, `totals` (row totals seen, from which `sample` draws n).
    """

    family = "multinomial"

    @property
    def n_free(self) -> int:
        """Free parameters of weights and probabilities."""
        return self.n_components - 1 + self.n_components * (self.n_features - 1)

    def natural(self) -> Tensor:
        """(log w, log p)."""
        return torch.cat([self.log_weights()[:, None], self.parameters["probabilities"].log()], 1)

    def update_components(self, statistics: Tensor) -> None:
        """P = (sum r x + a) / (sum r n + a d)."""
        total = statistics[:, 1:].sum(1, keepdim=True).clamp_min(1e-300) + self.smoothing * self.n_features
        self.parameters["probabilities"] = ((statistics[:, 1:] + self.smoothing) / total).clamp_min(_FLOOR)

    def log_prior(self) -> float:
        """Log Dirichlet(1 + a) density of the probabilities, up to a constant."""
        return self.smoothing * float(self.parameters["probabilities"].log().sum())

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Counts `[n, d]` with totals drawn among those seen."""
        p = self.parameters["probabilities"][labels]
        return sample_multinomial(self.sample_totals(len(labels), generator), p, generator)


def sample_multinomial(totals: Tensor, probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Multinomial counts `[n, d]` for totals `[n]` and probabilities `[n, d]`."""
    seed = int(torch.randint(2**31 - 1, (1,), generator=generator, device=generator.device))
    random = np.random.default_rng(seed)
    p = probabilities.cpu().numpy()
    drawn = random.multinomial(totals.cpu().numpy().astype(np.int64), p / p.sum(1, keepdims=True))
    return torch.as_tensor(drawn, dtype=torch.float64, device=totals.device)


for _family in (BernoulliComponents, CategoricalComponents, PoissonComponents, MultinomialComponents):
    FAMILIES.add(_family.family, _family)
