"""Rows of a mixed table: each column by its own family, the missing cells by none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.distributions import Columns, MixedColumns
from latentia.distributions.weighing import weight_of_items
from latentia.errors import ConfigError
from latentia.latent.likelihoods.base import Likelihood, rows_at_once
from latentia.latent.likelihoods.cuts import cuts_of, increasing, levels_seen
from latentia.latent.likelihoods.dispersion import count_statistics, dispersion_of, first_moments, raw_of
from latentia.latent.likelihoods.spread import LOG_FLOOR
from latentia.latent.likelihoods.terms import Term, from_plain, gaussian_terms

MEMORY = 256.0
"""Observed cells of a column that its variance in training remembers."""
REACH = 8.0
"""A cell farther from its mean than so many standard deviations of the column counts as so far when a variance is set."""
STRAY = (1e-4, 1e-2, 0.1)
"""Least share of stray cells of a column, that in training, and the largest."""
VARIANCES = ("optimal", "learned", "data")


class MixedLikelihood(Likelihood):
    r"""p(x|z) of a row whose columns are of unlike kinds: the product over its observed cells.

    .. math:: \log p(x|z) = \sum_{j\ observed} \log p_j(x_j | z)

    Numbers are Gaussian around the output but for a share of stray cells, each column with a variance and a share of its own: the mean squared residual, over a memory of some
    batches in training, over the training set (by calibration) afterwards. Two values are Bernoulli, levels categorical, ordered levels
    cumulative-logit with learned cut points, counts negative-binomial with a dispersion that residuals tell in the same way
    (`latentia.latent.likelihoods.dispersion`).

    Args:
        event_shape: `[W]`, of the vectors that rows are.
        terms: which part of them each column is (`latentia.latent.likelihoods.terms`), as objects or plain values; None: each number is a
            Gaussian column, always observed.
        variance: of Gaussian columns: "optimal" (as above), "learned" by gradient, or "data": that of the column; with the last two the
            dispersions of counts are learned by gradient.

    Raises:
        ConfigError: for events that are no vectors, an unknown `variance`, or terms beyond the vector.

    Source: Nazabal, Olmos, Ghahramani & Valera 2020, Handling Incomplete Heterogeneous Data using VAEs, eq. 1 to 8 (Gaussian variances after
    Rybkin, Daniilidis & Levine 2021).

    Example:
        >>> terms = [Term("gaussian", 0, mask=4), Term("categorical", 1, 3, mask=5)]
        >>> p = MixedLikelihood((6,), terms)(torch.zeros(1, 1, 6))
        >>> p.log_prob(torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0, 1.0])).exp()  # the number is missing
        tensor([0.3333])
    """

    start: Tensor | None
    sigma2: Tensor
    stray: Tensor
    floor: Tensor

    def __init__(
        self,
        event_shape: Sequence[int],
        terms: Sequence[Term | Mapping[str, Any]] | None = None,
        variance: str = "optimal",
    ) -> None:
        super().__init__(event_shape)
        if len(self.event_shape) != 1:
            raise ConfigError(
                f"MixedLikelihood is for rows of a table, not for events of shape {list(event_shape)}; take a likelihood for images"
            )
        if variance not in VARIANCES:
            raise ConfigError(f"variance={variance!r} is unknown; expected one of {', '.join(VARIANCES)}")
        width = self.event_shape[0]
        given = (
            gaussian_terms(width)
            if terms is None
            else [t if isinstance(t, Term) else from_plain([t])[0] for t in terms]
        )
        if any(term.stop > width or term.mask >= width for term in given):
            raise ConfigError(f"terms reach beyond vectors of {width} numbers")
        self.terms = tuple(given)
        self.how = variance
        told = {term.family for term in given}
        self.calibrates = variance == "optimal" and not told.isdisjoint({"gaussian", "negative-binomial"})
        self._register(width)
        of = {
            family: [t for t in given if t.family == family]
            for family in ("gaussian", "negative-binomial", "ordinal")
        }
        floor = torch.tensor([max(math.exp(LOG_FLOOR), term.floor**2) for term in of["gaussian"]])
        self.register_buffer("floor", floor)
        self.register_buffer("sigma2", torch.ones(len(floor)))
        self.register_buffer("stray", torch.full((len(floor),), STRAY[1]))
        self.log_sigma2 = nn.Parameter(torch.zeros(len(floor))) if variance == "learned" else None
        counted = len(of["negative-binomial"])
        start = torch.full((counted,), math.log(math.e - 1))
        self.raw_dispersion = nn.Parameter(start, variance != "optimal") if counted else None
        self.cuts = nn.ParameterList(
            nn.Parameter(torch.linspace(-2, 2, term.levels - 1)) for term in of["ordinal"]
        )
        self.register_buffer("start", None, persistent=False)
        self.start_calibration()

    def _register(self, width: int) -> None:
        """Where each family is, as buffers that move with the module."""
        d = len(self.terms)
        owner = torch.full((width,), d)
        for j, term in enumerate(self.terms):
            owner[term.start : term.stop] = j
        places: dict[str, list[int]] = {"gaussian": [], "bernoulli": [], "negative-binomial": []}
        for term in self.terms:
            if term.family in places:
                places[term.family].append(term.start)
        shifted = [t for t in self.terms if t.family == "negative-binomial"] + [
            t for t in self.terms if t.family == "ordinal"
        ]
        families = ("gaussian", "bernoulli", "negative-binomial", "categorical", "ordinal")
        by_family = sorted(range(d), key=lambda j: families.index(self.terms[j].family))
        for name, value in {
            "owner": owner,
            "order": torch.tensor(by_family).argsort(),
            "mask": torch.tensor([term.mask if term.mask >= 0 else width for term in self.terms]),
            **{
                f"place_{family}".replace("-", "_"): torch.tensor(where, dtype=torch.int64)
                for family, where in places.items()
            },
            "centre": torch.tensor([term.centre for term in shifted], dtype=torch.float64),
            "scale": torch.tensor([term.scale for term in shifted], dtype=torch.float64),
        }.items():
            self.register_buffer(name, value, persistent=False)

    @property
    def columns(self) -> Columns:
        """Where the columns are."""
        categories = tuple((t.start, t.width) for t in self.terms if t.family == "categorical")
        ordered = tuple((t.start, t.levels) for t in self.terms if t.family == "ordinal")
        buffers: dict[str, Any] = dict(self.named_buffers(recurse=False))
        return Columns(
            buffers["owner"], buffers["mask"], buffers["place_gaussian"], buffers["place_bernoulli"],
            buffers["place_negative_binomial"], categories, ordered, buffers["centre"], buffers["scale"], buffers["order"],
        )  # fmt: skip

    @property
    def dispersion(self) -> Tensor:
        """Dispersion r of the counted columns, `[C]`."""
        if self.raw_dispersion is None:
            return self.sigma2.new_empty(0)
        return F.softplus(self.raw_dispersion) + 1e-6

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Start from the mean of each column, the frequencies of its levels, and its variance, over the cells that are observed."""
        columns, mean = self.columns, self._means(x)
        start = torch.zeros(len(columns.owner), dtype=torch.float64, device=x.device)
        start[columns.gaussian] = mean[columns.gaussian]
        start[columns.bernoulli] = torch.logit(mean[columns.bernoulli].clamp(1e-3, 1 - 1e-3))
        for first, width in columns.categories:
            frequencies = mean[first : first + width] + 0.5 / max(1, len(x))
            start[first : first + width] = (frequencies / frequencies.sum()).log()
        self._prepare_counts(x, start)
        for i, (place, levels) in enumerate(columns.ordered):
            self.cuts[i].copy_(cuts_of(levels_seen(columns, x, i, place), levels))
        self.start = start.to(x.dtype)
        if len(columns.gaussian):
            variance = self._variances(x, mean)
            self.sigma2.copy_(torch.where(variance > 0, variance, 1.0).clamp(min=self.floor))
            if self.log_sigma2 is not None:
                self.log_sigma2.copy_(self.sigma2.log())

    def _means(self, x: Tensor) -> Tensor:
        """Mean of each number over the rows in which its column is observed, `[W]` in float64."""
        columns = self.columns
        total = torch.zeros(len(columns.owner), dtype=torch.float64, device=x.device)
        n = torch.zeros_like(total)
        for rows in rows_at_once(x):
            seen = F.pad(columns.seen(rows), (0, 1), value=1.0)[..., columns.owner]
            total += (rows * seen).sum(0)
            n += seen.sum(0)
        return total / n.clamp(min=1.0)

    def _variances(self, x: Tensor, mean: Tensor) -> Tensor:
        """Variance of the Gaussian columns over observed cells, `[G]` in float64."""
        columns = self.columns
        seen = columns.seen(x)[..., columns.owner[columns.gaussian]].double()
        residual = (x[..., columns.gaussian].clamp(-REACH, REACH) - mean[columns.gaussian]).double()
        return (residual.square() * seen).sum(0) / seen.sum(0).clamp(min=1.0)

    def _prepare_counts(self, x: Tensor, start: Tensor) -> None:
        """Log means, and moment estimates of the dispersions."""
        columns, k = self.columns, len(self.columns.counted)
        moments = start.new_ones(2, k)
        for i, place in enumerate(columns.counted.tolist()):
            seen = columns.seen(x)[:, columns.owner[place]] > 0
            count = torch.expm1(
                x[seen, place].double() * columns.scale[:k][i] + columns.centre[:k][i]
            ).round()
            moments[:, i] = first_moments(count)
            start[place] = 0.5 * moments[0, i].clamp(min=1e-6).log()
        if k:
            self._disperse(*moments)

    def _disperse(self, square: Tensor, excess: Tensor) -> None:
        """Set the dispersions from what residuals tell; of a column that was not observed they stay."""
        assert self.raw_dispersion is not None
        told = dispersion_of(square, excess)
        self.raw_dispersion.copy_(torch.where(square > 0, raw_of(told), self.raw_dispersion))

    def cells(self, x: Tensor) -> Tensor:
        """A number a column `[n, d]`: of a category that of its level; NaN where a cell is missing."""
        levels = [
            x[..., term.start : term.stop].argmax(-1).to(x.dtype) if term.family == "categorical" else x[..., term.start]
            for term in self.terms
        ]  # fmt: skip
        return torch.stack(levels, -1).masked_fill(self.columns.seen(x) < 0.5, math.nan)

    def initial_outputs(self) -> Tensor | None:
        """Outputs that give the margins of the training data."""
        return None if self.start is None else self.start[None]

    @torch.no_grad()
    def _statistics(self, p: MixedColumns, x: Tensor) -> Tensor:
        """Of the observed cells of the Gaussian columns: how many, how many of the bulk, their squared residuals, `[3, G]` in float64."""
        columns = self.columns
        bulk, stray = (part.double() for part in p.bulk_and_stray(x))
        weight = torch.sigmoid(bulk - stray)
        residual = (x[..., columns.gaussian].clamp(-REACH, REACH) - p.outputs[..., columns.gaussian]).double()
        seen = columns.seen(x)[..., columns.owner[columns.gaussian]].double().expand(residual.shape)
        found = torch.stack([seen, seen * weight, seen * weight * residual.square()]).flatten(1, -2)
        often = weight_of_items(found.shape[1])
        return (found if often is None else found * often[:, None].to(found)).sum(1)

    @torch.no_grad()
    def _scatter(self, p: MixedColumns, x: Tensor) -> Tensor:
        """What residuals tell of the dispersions of the counted columns, `[3, C]` in float64."""
        columns = self.columns
        seen = columns.seen(x)[..., columns.owner[columns.counted]]
        return count_statistics(*p.counts_and_means(x), p.dispersion, seen)

    @torch.no_grad()
    def _learn(self, p: MixedColumns, x: Tensor, n_draws: int) -> None:
        """Move variances and dispersions toward what a batch tells; draws of z tell of the same cells."""
        if len(self.sigma2):
            _, n, total = self._statistics(p, x) / n_draws
            self.sigma2.copy_(((total + MEMORY * self.sigma2) / (n + MEMORY)).clamp(min=self.floor))
        if self.raw_dispersion is not None:
            n, square, excess = self._scatter(p, x) / n_draws
            known = MEMORY * square / n.clamp(min=1.0)
            self._disperse(square + known, excess + known / self.dispersion)

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> MixedColumns:
        """p(x|z); with `x`, of the cells that are observed in it."""
        (out,) = self.split(outputs)
        columns = self.columns
        observed = None if x is None else columns.seen(x)
        cuts = [increasing(cut) for cut in self.cuts]
        p = MixedColumns(columns, out, self._variance(), self.stray, self.dispersion, cuts, observed)
        if x is not None and self.training and self.calibrates:
            self._learn(p, x, max(1, len(out)))
            p.variance_, p.dispersion = self._variance(), self.dispersion
        return p

    def _variance(self) -> Tensor:
        if self.log_sigma2 is not None:
            return self.log_sigma2.exp().clamp(min=self.floor)
        return self.sigma2.clone() if self.training else self.sigma2

    def start_calibration(self) -> None:
        """Forget what was accumulated."""
        self._found: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def accumulate(self, outputs: Tensor, x: Tensor) -> None:
        """Add the residuals of a batch."""
        p = self(outputs, x)
        found = self._statistics(p, x), self._scatter(p, x)
        self._found = found if self._found is None else (self._found[0] + found[0], self._found[1] + found[1])

    def finish_calibration(self) -> None:
        """Set variances, shares of strays and dispersions to what all cells tell that were accumulated; of a column without one they stay."""
        if self._found is None:
            raise ConfigError("calibration saw no data; accumulate at least one batch first")
        (n, bulk, total), (_, square, excess) = self._found
        if self.raw_dispersion is not None:
            self._disperse(square, excess)
        seen = n > 0
        self.sigma2.copy_(torch.where(seen, (total / bulk.clamp(min=1.0)).clamp(min=self.floor), self.sigma2))
        stray = (1 - bulk / n.clamp(min=1.0)).clamp(STRAY[0], STRAY[2])
        self.stray.copy_(torch.where(seen, stray, self.stray))
        self.start_calibration()
