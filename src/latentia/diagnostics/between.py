"""Types or a gradient: whether more samples lie between two types than a mixture of them has there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact, ks_2samp

from latentia.diagnostics.multiplicity import holm

MIDDLE = (0.35, 0.65)
LEVEL, EXCESS = 0.05, 0.05


@dataclass(frozen=True)
class Between:
    """Samples of two types, by where they lie from one type to the other, beside samples drawn from the fitted mixture.

    Attributes:
        pair: the types.
        n: samples of either.
        observed: share of them in the middle, from .35 to .65 of the way.
        simulated: the same of samples drawn from the mixture.
        p: that so many in the middle come by chance (one-sided, Fisher's exact test).
        holm_p: the same, adjusted for the number of pairs (Holm).
        ks_p: that the places come from the same distribution (Kolmogorov and Smirnov), adjusted too.
    """

    pair: tuple[int, int]
    n: int
    observed: float
    simulated: float
    p: float
    holm_p: float
    ks_p: float

    @property
    def is_gradient(self) -> bool:
        """Whether there are more samples between the types than types would have, and clearly so."""
        return self.p < LEVEL and self.observed - self.simulated > EXCESS


def affinities(proportions: Any, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Bhattacharyya coefficients :math:`\sum_j \sqrt{p_{ij} c_{kj}}` of samples and compositions, `[n, K]`.

    Args:
        proportions: p, `[n, d]`, dense or SciPy sparse.
        centres: c, `[K, d]`.
    """
    return np.asarray(np.sqrt(proportions) @ np.sqrt(centres).T)


def places(
    affinity: NDArray[np.float64], centres: NDArray[np.float64], start: int, end: int
) -> NDArray[np.float64]:
    r"""Where samples lie on the way from one composition to another, `[n]`: 0 at the start, 1 at the end.

    .. math:: t = \frac{\langle \sqrt{p} - \sqrt{a}, \sqrt{b} - \sqrt{a} \rangle}{|\sqrt{b} - \sqrt{a}|^2}

    Square roots make Euclidean distances those of Hellinger, in which rare and common taxa weigh alike.

    Args:
        affinity: of the samples with all compositions, `[n, K]`: see `affinities`.
        centres: the compositions, `[K, d]`.
        start: row of a.
        end: row of b.

    Example:
        >>> both = np.eye(2)
        >>> places(affinities(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]), both), both, 0, 1).round(2).tolist()
        [0.0, 1.0, 0.5]
    """
    a, b = np.sqrt(centres[start]), np.sqrt(centres[end])
    along = affinity[:, end] - affinity[:, start] - float(a @ (b - a))
    return np.asarray(along / max(float((b - a) @ (b - a)), 1e-300))


def between_types(
    seen: NDArray[np.float64],
    types: NDArray[np.int64],
    made: NDArray[np.float64],
    made_types: NDArray[np.int64],
    centres: NDArray[np.float64],
) -> list[Between]:
    """Each pair of types, those with most samples between them first.

    Args:
        seen: affinities of the samples, `[n, K]`.
        types: most probable type of each, `[n]`.
        made: affinities of samples drawn from the fitted mixture with the same depths, `[m, K]`.
        made_types: their most probable types, `[m]`.
        centres: mean composition of each type, `[K, d]`.
    """
    found = []
    for a in range(len(centres)):
        for b in range(a + 1, len(centres)):
            here, there = np.isin(types, (a, b)), np.isin(made_types, (a, b))
            if here.any() and there.any():
                found.append(((a, b), places(seen[here], centres, a, b), places(made[there], centres, a, b)))
    p = [_more_between(real, drawn) for _, real, drawn in found]
    adjusted, ks = holm(p), holm([float(ks_2samp(real, drawn).pvalue) for _, real, drawn in found])
    each = [
        Between(
            pair,
            len(real),
            float(_middle(real).mean()),
            float(_middle(drawn).mean()),
            p[i],
            float(adjusted[i]),
            float(ks[i]),
        )
        for i, (pair, real, drawn) in enumerate(found)
    ]
    return sorted(each, key=lambda one: (not one.is_gradient, one.simulated - one.observed))


def _middle(place: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (place > MIDDLE[0]) & (place < MIDDLE[1])


def _more_between(seen: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    counts = np.array([[int(_middle(each).sum()), int((~_middle(each)).sum())] for each in (seen, made)])
    return float(fisher_exact(counts, alternative="greater")[1])
