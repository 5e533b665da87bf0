"""Components whose columns are of unlike families, exact where cells are missing at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.errors import ConfigError
from latentia.mixture.components import FAMILIES, Components, Features
from latentia.mixture.rows import Chunk

GAUSSIAN, BERNOULLI, POISSON, CATEGORICAL, ORDERED = range(5)
_FLOOR = 1e-12
_HALF_LOG_TAU = 0.5 * float(np.log(2 * np.pi))


class MixedComponents(Components):
    r"""p(x|k) = prod over the observed columns j of p_j(x_j|k): Gaussian, Bernoulli, Poisson or categorical, each its own.

    .. math:: \log w_k + \sum_{j\ observed} \log p_j(x_j | k)

    A missing cell leaves its factor out, which is the exact likelihood of what is observed where cells are missing at random
    (Little & Rubin 2002, section 6.2). Rows are vectors `[W]`: a number, a bit, log(1 + count) (each minus a centre, over a scale),
    a one among the levels, or the number of an ordered level, and a mark a column that is 1 where it is observed.

    Priors of a pseudo-observations each: Dirichlet(1 + a) of levels, Beta(1 + a, 1 + a), Gamma at the column's rate, and an inverse Gamma
    at variance 1 of Gaussian columns, so that no component becomes a spike.

    Args:
        n_components: K.
        n_features: W.
        kinds: family of each column, `[d]`.
        starts: where each begins in the vector, `[d]`.
        levels: of each, `[d]`; 1 for what has none.
        marks: places of the marks, `[d]`.
        centre, scale: of counts and ordered levels, `[d]`.
        smoothing: a.

    Parameters: `weights [K]`, `means`, `variances [K, G]`, `bits [K, B]`, `rates [K, C]`, `probabilities [K, sum of levels]`.
    """

    family = "mixed"

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        kinds: Sequence[int],
        starts: Sequence[int],
        levels: Sequence[int],
        marks: Sequence[int],
        centre: Sequence[float],
        scale: Sequence[float],
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
        self.kinds, self.starts, self.levels, self.marks = (
            np.atleast_1d(np.asarray(each, dtype=np.int64)) for each in (kinds, starts, levels, marks)
        )
        self.centre, self.scale = (
            np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in (centre, scale)
        )
        self.of = {kind: np.flatnonzero(self.kinds == kind) for kind in range(5)}
        self.named = np.concatenate([self.of[CATEGORICAL], self.of[ORDERED]])
        self.ends = np.cumsum(self.levels[self.named])
        g, b, c = (len(self.of[kind]) for kind in (GAUSSIAN, BERNOULLI, POISSON))
        self.sizes = (g, g, b, c, int(self.ends[-1]) if len(self.ends) else 0, g, b, c)
        quantities = [self.of[kind] for kind in (GAUSSIAN, BERNOULLI, POISSON)]
        self.owner = np.concatenate([quantities[0], quantities[0], quantities[1], quantities[2],
                                     np.repeat(self.named, self.levels[self.named]), *quantities])  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        names = ("kinds", "starts", "levels", "marks", "centre", "scale", "smoothing")
        return super().settings() | {name: getattr(self, name) for name in names}

    @property
    def n_statistics(self) -> int:
        """Mass, and for each column its sums: y and y^2, x, or a count of each level; and the mass of the rows in which it is observed."""
        return 1 + sum(self.sizes)

    @property
    def n_free(self) -> int:
        """Free parameters of weights and components."""
        g, _, b, c, levels, *_ = self.sizes
        return self.n_components - 1 + self.n_components * (2 * g + b + c + levels - len(self.named))

    # ------------------------------------------------------------------ features

    def encode(self, chunk: Chunk) -> Features:
        """Sufficient statistics of each row, `[B, F - 1]`; kept between passes where the table is small."""
        place = ("mixed", chunk.start, len(chunk))
        if chunk.memo is not None and place in chunk.memo:
            kept: Tensor = chunk.memo[place]
            return kept
        x = chunk.x
        numbers = x[:, self.starts[self.of[GAUSSIAN]]]
        marks = [x[:, self.marks[self.of[kind]]] for kind in (GAUSSIAN, BERNOULLI, POISSON)]
        counts = self._counts(x) * marks[2]
        bits = x[:, self.starts[self.of[BERNOULLI]]]
        parts = [numbers, numbers.square(), bits, counts, *self._levels(x), *marks]
        if chunk.memo is None:
            return torch.cat(parts, 1, out=self._buffer("phi", len(x), self.n_statistics - 1))
        chunk.memo[place] = torch.cat(parts, 1)
        return chunk.memo[place]

    def _counts(self, x: Tensor) -> Tensor:
        at = self.of[POISSON]
        scale, centre = (
            torch.as_tensor(each[at], dtype=x.dtype, device=x.device) for each in (self.scale, self.centre)
        )
        return torch.expm1(x[:, self.starts[at]] * scale + centre).round().clamp(min=0)

    def _levels(self, x: Tensor) -> list[Tensor]:
        """A one among the levels of each category, zeros where it is missing."""
        found = [x[:, self.starts[j] : self.starts[j] + self.levels[j]] for j in self.of[CATEGORICAL]]
        for j in self.of[ORDERED]:
            level = (
                (x[:, self.starts[j]] * self.scale[j] + self.centre[j])
                .round()
                .long()
                .clamp(0, int(self.levels[j]) - 1)
            )
            ones = torch.nn.functional.one_hot(level, int(self.levels[j])).to(x.dtype)
            found.append(ones * x[:, self.marks[j], None])
        return found

    def base_measure(self, chunk: Chunk) -> Tensor | None:
        """-sum log x! of the counts, `[B]`."""
        at = self.of[POISSON]
        return (
            None
            if not len(at)
            else -(torch.lgamma(self._counts(chunk.x) + 1) * chunk.x[:, self.marks[at]]).sum(1)
        )

    # ------------------------------------------------------------------ parameters

    def natural(self) -> Tensor:
        """W `[K, F]`: its first column is log w."""
        p = self.parameters
        mean, variance, bits, rates = p["means"], p["variances"], p["bits"], p["rates"]
        constant = -0.5 * (mean.square() / variance + variance.log()) - _HALF_LOG_TAU
        parts = [mean / variance, -0.5 / variance, torch.logit(bits), rates.log(), p["probabilities"].log()]
        return torch.cat([self.log_weights()[:, None], *parts, constant, torch.log1p(-bits), -rates], 1)

    def _split(self, statistics: Tensor) -> list[Tensor]:
        return list(statistics[:, 1:].split(self.sizes, 1))

    def update_components(self, statistics: Tensor) -> None:
        """The mode of the posterior of each family, over the rows in which a column is observed."""
        first, second, bits, counts, levels, *masses = self._split(statistics)
        in_numbers, in_bits, in_counts = (mass.clamp(min=1e-300) for mass in masses)
        a = self.smoothing
        mean = first / in_numbers
        spread = (second - mean * first).clamp(min=0.0)
        self.parameters["means"] = mean
        self.parameters["variances"] = ((spread + a) / (in_numbers + a)).clamp(min=_FLOOR)
        self.parameters["bits"] = ((bits + a) / (in_bits + 2 * a)).clamp(_FLOOR, 1 - _FLOOR)
        if "usual_rates" not in self.parameters:
            self.parameters["usual_rates"] = counts.sum(0) / masses[2].sum(0).clamp(min=1e-300)
        rates = (counts + a * self.parameters["usual_rates"]) / (in_counts + a)
        self.parameters["rates"] = rates.clamp(min=_FLOOR)
        found = []
        for part in levels.split(self.levels[self.named].tolist(), 1) if len(self.named) else ():
            p = ((part + a) / (part.sum(1, keepdim=True) + a * part.shape[1]).clamp(min=1e-300)).clamp(
                min=_FLOOR
            )
            found.append(p / p.sum(1, keepdim=True))
        self.parameters["probabilities"] = torch.cat(found, 1) if found else levels

    def log_prior(self) -> float:
        """Log density of the parameters under the priors, up to a constant."""
        p, a = self.parameters, self.smoothing
        variance, bits, rates = p["variances"], p["bits"], p["rates"]
        found = -0.5 * float((variance.log() + 1 / variance).sum())
        found += float((bits.log() + torch.log1p(-bits)).sum()) + float(p["probabilities"].log().sum())
        return a * (found + float((p["usual_rates"] * rates.log() - rates).sum()))

    # ------------------------------------------------------------------ columns

    def log_prob_by_column(self, chunk: Chunk) -> Tensor:
        """Log p_j(x_j|k) of each column, `[K, B, d]`; zero where its cell is missing."""
        phi, natural = self.encode(chunk), self.natural().to(self.dtype)
        assert isinstance(phi, Tensor)
        into = torch.zeros(len(self.owner), len(self.kinds), dtype=self.dtype, device=self.device)
        into[torch.arange(len(self.owner)), torch.as_tensor(self.owner)] = 1.0
        found = torch.stack([(phi * natural[k, 1:]) @ into for k in range(self.n_components)])
        at = self.of[POISSON]
        found[..., at] -= torch.lgamma(self._counts(chunk.x) + 1) * chunk.x[:, self.marks[at]]
        return found

    def means(self) -> Tensor:
        """Vectors of what is expected of each component, `[K, W]`, every column observed."""
        out = torch.zeros(self.n_components, self.n_features, dtype=torch.float64, device=self.device)
        p = self.parameters
        out[:, self.starts[self.of[GAUSSIAN]]] = p["means"]
        out[:, self.starts[self.of[BERNOULLI]]] = p["bits"]
        at = self.of[POISSON]
        out[:, self.starts[at]] = self._scaled(torch.log1p(p["rates"]), at)
        for j, part in zip(self.named, self._of_levels(), strict=True):
            if self.kinds[j] == CATEGORICAL:
                out[:, self.starts[j] : self.starts[j] + self.levels[j]] = part
            else:
                expected = part @ torch.arange(int(self.levels[j]), dtype=part.dtype, device=part.device)
                out[:, self.starts[j]] = (expected - self.centre[j]) / self.scale[j]
        out[:, self.marks] = 1.0
        return out

    def _of_levels(self) -> list[Tensor]:
        p = self.parameters["probabilities"]
        return list(p.split(self.levels[self.named].tolist(), 1)) if len(self.named) else []

    def _scaled(self, x: Tensor, at: np.ndarray) -> Tensor:
        scale, centre = (
            torch.as_tensor(each[at], dtype=x.dtype, device=x.device) for each in (self.scale, self.centre)
        )
        return (x - centre) / scale

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Vectors `[n, W]`, every column observed."""
        p, n = self.parameters, len(labels)
        out = torch.zeros(n, self.n_features, dtype=torch.float64, device=self.device)
        mean = p["means"][labels]
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=self.device)
        out[:, self.starts[self.of[GAUSSIAN]]] = mean + p["variances"][labels].sqrt() * noise
        out[:, self.starts[self.of[BERNOULLI]]] = torch.bernoulli(p["bits"][labels], generator=generator)
        at = self.of[POISSON]
        out[:, self.starts[at]] = self._scaled(
            torch.poisson(p["rates"][labels], generator=generator).log1p(), at
        )
        for j, part in zip(self.named, self._of_levels(), strict=True):
            level = torch.multinomial(part[labels], 1, generator=generator)[:, 0]
            if self.kinds[j] == CATEGORICAL:
                out[torch.arange(n, device=self.device), int(self.starts[j]) + level] = 1.0
            else:
                out[:, self.starts[j]] = (level - self.centre[j]) / self.scale[j]
        out[:, self.marks] = 1.0
        return out


FAMILIES.add("mixed", MixedComponents)
