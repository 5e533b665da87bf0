"""Whether codes drawn from the prior, or from where else samples come, decode to the same kind of things as codes of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from latentia.core import LatentModel
from latentia.diagnostics.sample_quality import share_among
from latentia.diagnostics.smoothness import has_mean
from latentia.distributions import item_keys, per_item_noise
from latentia.draws import seeded
from latentia.models import evaluating

NEIGHBOURS = 3
COMPONENTS = 50
FEWEST = 16


@dataclass(frozen=True)
class PriorGap:
    """Precision and recall of decoded prior draws (or those of a sampler) against decoded codes of data; shares between 0 and 1.

    Attributes:
        precision: share of decoded prior draws that fall among decoded data.
        recall: share of decoded data that fall among decoded prior draws.
        baseline: share of other decoded data that fall among decoded data: what both would be, but for chance,
            if the aggregate of q(z|x) over the data were the prior.
        n: items on each side.
    """

    precision: float
    recall: float
    baseline: float
    n: int

    @property
    def match(self) -> float:
        """The smaller of precision and recall, relative to the baseline; about 1 for a prior that fits."""
        return min(self.precision, self.recall) / max(self.baseline, 1 / self.n)


def prior_gap(
    model: LatentModel, x: Tensor, seed: int = 0, *, sampler: Distribution | None = None
) -> PriorGap | None:
    r"""Compare the decoder's images of the prior p(z) and of the aggregate posterior \int q(z|x) p(x) dx.

    The means of p(x|z) are compared, so that the noise of the likelihood and the blur of the decoder are the same on
    both sides and only the codes differ; an observed item lends its library size to both. Distances are Euclidean
    in the first 50 principal components; a point falls among others if it is nearer to one of them than that
    one's third nearest neighbour.

    Source: Kynkäänniemi et al. 2019, Improved Precision and Recall Metric, eq. 1-3 (there on network features, k = 3).

    Args:
        model: a VAE.
        x: items `[n, *event]`, in an order that means nothing; halves of them are compared.
        seed: of the codes drawn.
        sampler: what is compared in place of the prior: where samples are drawn from, if not from p(z).

    Returns:
        None if there are fewer than 32 items, or p(x|z) has no mean.
    """
    return prior_gaps(model, x, seed, [sampler])[0]


def prior_gaps(
    model: LatentModel, x: Tensor, seed: int, sources: Sequence[Distribution | None]
) -> list[PriorGap | None]:
    """`prior_gap` of each of several sources of codes (None: the prior), for which the codes of the data are decoded once."""
    n = len(x) // 2
    if n < FEWEST or not has_mean(model, x[:1]):
        return [None] * len(sources)
    parts = x[: 2 * n].split(256)
    with torch.no_grad(), evaluating(model), seeded(seed, x.device):
        of_data = []
        for part in parts:
            with per_item_noise(item_keys(part), seed):
                # those that a sampler is fitted to; refined or not they lie in the same places
                codes = model.amortised(part).rsample(torch.Size([1]))
            of_data.append(_decoded(model, codes, part))
        reference, other = torch.cat(of_data).split(n)
        of_sources = []
        for source in sources:
            drawn_from = model.prior() if source is None else source
            with seeded(seed, x.device):
                drawn = [
                    _decoded(model, drawn_from.sample(torch.Size([1, len(part)])), part)
                    for part in x[:n].split(256)
                ]
            of_sources.append(torch.cat(drawn))
    reference, other, *of_sources = _principal(reference, other, *of_sources)
    baseline = share_among(other, reference, NEIGHBOURS)
    return [
        PriorGap(
            precision=share_among(drawn, reference, NEIGHBOURS),
            recall=share_among(other, drawn, NEIGHBOURS),
            baseline=baseline,
            n=n,
        )
        for drawn in of_sources
    ]


def _decoded(model: LatentModel, z: Tensor, x: Tensor) -> Tensor:
    """Means of p(x|z) as rows, `[B, d]`."""
    return model.conditional(z, x).mean[0].flatten(1).cpu().double()


def _principal(reference: Tensor, *others: Tensor) -> list[Tensor]:
    """Coordinates on the leading principal components of the reference."""
    mean = reference.mean(0)
    # By the n x n matrix of inner products: events may have many more dimensions than there are items.
    values, vectors = torch.linalg.eigh((reference - mean) @ (reference - mean).T)
    keep = values > values[-1].clamp(min=0) * 1e-10
    keep[: max(0, len(values) - COMPONENTS)] = False
    axes = (reference - mean).T @ vectors[:, keep] / values[keep].sqrt()
    return [(rows - mean) @ axes for rows in (reference, *others)]
