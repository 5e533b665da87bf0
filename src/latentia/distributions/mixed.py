"""Columns of unlike kinds as one event: each its own family, a missing cell none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn import functional as F

from latentia import draws
from latentia.distributions.counts import NegativeBinomial

WIDE = 4.0
"""Scale of stray cells: far wider than the bulk, so that they are not taken for each other."""
_LOG_WIDE = math.log(math.pi * WIDE)
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class Columns:
    """Where d columns are in a vector `[W]`, by family, and what else their families need.

    Attributes:
        owner: the column whose cell each number is part of, `[W]`; d for those that are part of none.
        mask: the place of the number that is 1 where a column is observed, `[d]`; W for a column that always is.
        gaussian, bernoulli, counted: places of the numbers of such columns.
        categories: start and width of each category.
        ordered: place and levels of each ordered column.
        centre, scale: of the counted, then of the ordered columns: x = (log(1 + count) - centre) / scale, x = (level - centre) / scale.
        order: where each column stands among the columns by family (in the order above), `[d]`.
    """

    owner: Tensor
    mask: Tensor
    gaussian: Tensor
    bernoulli: Tensor
    counted: Tensor
    categories: tuple[tuple[int, int], ...]
    ordered: tuple[tuple[int, int], ...]
    centre: Tensor
    scale: Tensor
    order: Tensor

    @property
    def width(self) -> int:
        """W."""
        return len(self.owner)

    def seen(self, value: Tensor) -> Tensor:
        """Which columns of vectors are observed, `[..., d]` of zeros and ones."""
        return F.pad(value, (0, 1), value=1.0)[..., self.mask]

    def marked(self, x: Tensor, observed: Tensor | None) -> Tensor:
        """Vectors with the marks of what is observed (None: all), and zero where it is not."""
        marks = self.mask[self.mask < self.width]
        if observed is None:
            return x.index_fill(-1, marks, 1.0) if len(marks) else x
        x = x * F.pad(observed, (0, 1), value=1.0)[..., self.owner]
        if len(marks):
            x[..., marks] = observed.expand(*x.shape[:-1], -1)[..., self.mask < self.width]
        return x


class MixedColumns(Distribution):
    r"""p(x|z) of a row of a mixed table: independent columns given the outputs of a decoder.

    .. math:: \log p(x) = \sum_{j\ observed} \log p_j(x_j)

    with contaminated Gaussian (centre: output, variance given; a share of stray cells around zero),

    .. math:: p_j(x) = (1 - \epsilon_j) N(x; \mu_j, \sigma_j^2) + \epsilon_j \frac{1}{4 \pi (1 + x^2 / 16)},

    Bernoulli and categorical (logits), negative-binomial (log mean) and ordinal terms:
    P(x_j <= k) = sigmoid(c_k - output), with increasing cut points c (McCullagh 1980).

    Args:
        columns: where they are.
        outputs: of the decoder, `[*batch, W]`.
        variance: of the Gaussian columns, `[G]`.
        stray: their share of cells that are no part of the bulk, `[G]`: one of them costs some nats, not its squared distance.
        dispersion: of the counted ones, `[C]`.
        cuts: of each ordered one, `[L - 1]`.
        observed: which columns are, `[..., d]` of zeros and ones, which broadcasts against the batch; None: all.

    Source: Nazabal, Olmos, Ghahramani & Valera 2020, Handling Incomplete Heterogeneous Data using VAEs, section 3.1;
    Tukey 1960, A Survey of Sampling from Contaminated Distributions.
    """

    has_rsample = False
    arg_constraints = {}  # noqa: RUF012  torch's own name

    def __init__(
        self,
        columns: Columns,
        outputs: Tensor,
        variance: Tensor,
        stray: Tensor,
        dispersion: Tensor,
        cuts: Sequence[Tensor],
        observed: Tensor | None = None,
    ) -> None:
        self.columns, self.outputs, self.variance_, self.observed = columns, outputs, variance, observed
        self.stray, self.dispersion, self.cuts = stray, dispersion, tuple(cuts)
        super().__init__(outputs.shape[:-1], outputs.shape[-1:], validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        """Any vector; what is discrete in it is not told apart here."""
        return constraints.real_vector

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> MixedColumns:
        """The same distribution with its outputs expanded to `batch_shape`."""
        outputs = self.outputs.expand(*batch_shape, self.columns.width)
        return MixedColumns(
            self.columns, outputs, self.variance_, self.stray, self.dispersion, self.cuts, self.observed
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Log p of the observed cells in nats, `[*batch]`; a density in the numbers, a probability in all else."""
        return self.log_prob_by_column(value).sum(-1)

    def log_prob_by_column(self, value: Tensor) -> Tensor:
        """Log p of each column, `[*batch, d]`; zero where its cell is missing."""
        c, outputs = self.columns, self.outputs
        parts = []
        if len(c.gaussian):
            parts.append(torch.logaddexp(*self.bulk_and_stray(value)))
        if len(c.bernoulli):
            logits = outputs[..., c.bernoulli]
            x = value[..., c.bernoulli].expand_as(logits)
            parts.append(-F.binary_cross_entropy_with_logits(logits, x, reduction="none"))
        if len(c.counted):
            count = self._counts(value).round()
            parts.append(self._negative_binomial().log_prob(count))
        for start, width in c.categories:
            block = slice(start, start + width)
            parts.append((value[..., block] * outputs[..., block].log_softmax(-1)).sum(-1, keepdim=True))
        for i, (place, levels) in enumerate(c.ordered):
            level = self._level(value, i).round().long().clamp(0, levels - 1)
            log_p = self._ordinal(i, place)
            level = level.expand(torch.broadcast_shapes(level.shape, log_p.shape[:-1]))
            parts.append(log_p.expand(*level.shape, levels).gather(-1, level[..., None]))
        return torch.cat(parts, -1)[..., c.order] * c.seen(value)

    def bulk_and_stray(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Log of the two parts of the densities of the Gaussian columns, `[*batch, G]` each."""
        x = value[..., self.columns.gaussian]
        residual = x - self.outputs[..., self.columns.gaussian]
        log_sigma = 0.5 * self.variance_.log()
        bulk = -0.5 * residual.square() / self.variance_ - log_sigma - _HALF_LOG_TAU
        return bulk + torch.log1p(-self.stray), self.stray.log() - _LOG_WIDE - torch.log1p(
            (x / WIDE).square()
        )

    def counts_and_means(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Counts of the counted columns in vectors, and what they are expected to be, `[*batch, C]` each."""
        return self._counts(value).round(), self._negative_binomial().mean

    @property
    def mean(self) -> Tensor:
        """Of numbers the centre of their bulk, else E[x], `[*batch, W]`: probabilities of levels; zero where a column is not observed."""
        c, outputs = self.columns, self.outputs
        mean = torch.zeros_like(outputs)
        mean = mean.index_copy(-1, c.gaussian, outputs[..., c.gaussian])
        mean = mean.index_copy(-1, c.bernoulli, outputs[..., c.bernoulli].sigmoid())
        if len(c.counted):
            n = len(c.counted)
            counts = (self._negative_binomial().mean.log1p() - c.centre[:n]) / c.scale[:n]
            mean = mean.index_copy(-1, c.counted, counts.to(mean.dtype))
        for start, width in c.categories:
            mean[..., start : start + width] = outputs[..., start : start + width].softmax(-1)
        for i, (place, levels) in enumerate(c.ordered):
            numbers = torch.arange(levels, dtype=outputs.dtype, device=outputs.device)
            expected = self._ordinal(i, place).exp() @ numbers
            mean[..., place] = (expected - self._centre(i)) / self._scale(i)
        return c.marked(mean, self.observed)

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws `[*sample, *batch, W]`, levels as ones among zeros."""
        c = self.columns
        shape = torch.Size([*sample_shape, *self.outputs.shape])
        outputs = self.outputs.expand(shape)
        drawn = torch.zeros_like(outputs)
        if len(c.gaussian):
            mean = outputs[..., c.gaussian]
            noise = draws.randn(mean.shape, dtype=mean.dtype, device=mean.device)
            wide = WIDE * torch.tan(
                math.pi * (draws.rand(mean.shape, dtype=mean.dtype, device=mean.device) - 0.5)
            )
            strays = draws.rand(mean.shape, dtype=mean.dtype, device=mean.device) < self.stray
            drawn[..., c.gaussian] = torch.where(strays, wide, mean + self.variance_.sqrt() * noise)
        if len(c.bernoulli):
            drawn[..., c.bernoulli] = draws.bernoulli(outputs[..., c.bernoulli].sigmoid())
        if len(c.counted):
            n = len(c.counted)
            counts = NegativeBinomial(outputs[..., c.counted], self.dispersion, validate_args=False).sample()
            drawn[..., c.counted] = (counts.log1p() - c.centre[:n]) / c.scale[:n]
        for start, width in c.categories:
            logits = outputs[..., start : start + width]
            level = (logits - draws.exponential(logits).log()).argmax(-1)  # Gumbel's way to draw
            drawn[..., start : start + width] = F.one_hot(level, width).to(drawn.dtype)
        for i, (place, _) in enumerate(c.ordered):
            log_p = self._ordinal(i, place).expand(*shape[:-1], -1)
            level = (log_p - draws.exponential(log_p).log()).argmax(-1)
            drawn[..., place] = (level - self._centre(i)) / self._scale(i)
        return c.marked(drawn, self.observed)

    def _negative_binomial(self) -> NegativeBinomial:
        return NegativeBinomial(self.outputs[..., self.columns.counted], self.dispersion, validate_args=False)

    def _counts(self, value: Tensor) -> Tensor:
        c, n = self.columns, len(self.columns.counted)
        return torch.expm1(value[..., c.counted] * c.scale[:n] + c.centre[:n]).clamp(min=0)

    def _centre(self, i: int) -> Tensor:
        return self.columns.centre[len(self.columns.counted) + i]

    def _scale(self, i: int) -> Tensor:
        return self.columns.scale[len(self.columns.counted) + i]

    def _level(self, value: Tensor, i: int) -> Tensor:
        return value[..., self.columns.ordered[i][0]] * self._scale(i) + self._centre(i)

    def _ordinal(self, i: int, place: int) -> Tensor:
        """Log-probabilities of the levels of an ordered column, `[*batch, L]`."""
        below = self.cuts[i] - self.outputs[..., place, None]
        ends = [F.logsigmoid(below[..., :1]), F.logsigmoid(-below[..., -1:])]
        upper, lower = below[..., 1:], below[..., :-1]
        # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b))
        inner = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log1p(-torch.exp(lower - upper))
        return torch.cat([ends[0], inner, ends[1]], -1)
