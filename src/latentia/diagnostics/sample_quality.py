"""How near two sets of feature vectors are: sliced Wasserstein distance, and precision and recall of a generator.

Both compare sets of items, not items with each other; what they say depends on the features, so that figures are only
comparable where features, and numbers of items, are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.errors import ConfigError, DataError

CHUNK = 1024
"""Rows of a distance matrix, and projections, that are held at a time."""


@dataclass(frozen=True)
class PrecisionRecall:
    """How generated items lie among real ones; shares between 0 and 1.

    Attributes:
        precision: share of generated items that fall among the real ones: fidelity.
        recall: share of real items that fall among the generated ones: coverage.
    """

    precision: float
    recall: float


def sliced_wasserstein(a: Any, b: Any, n_projections: int = 256, seed: int = 0) -> float:
    r"""Mean Wasserstein-1 distance of two sets of vectors over random directions, in the units of the features.

    .. math:: SW(a, b) = E_{\theta \sim U(S^{d-1})} \int_0^1 |F^{-1}_{\theta a}(u) - F^{-1}_{\theta b}(u)| \, du

    The expectation is a mean over `n_projections` directions; along each the distance is exact, also where the sets
    differ in size. For sets of equal size it is the mean distance of sorted projections.

    Source: Rabin et al. 2011, Wasserstein Barycenter and its Application to Texture Mixing; Bonneel et al. 2015.

    Args:
        a: features `[n, d]` (NumPy or torch).
        b: features `[m, d]`.
        n_projections: number of directions.
        seed: of the directions.

    Raises:
        DataError: if the sets have no rows, other widths, NaN or infinity.
        ConfigError: if `n_projections` is below 1.

    Example:
        >>> round(sliced_wasserstein([[0.0], [1.0]], [[1.0], [2.0], [1.0], [2.0]], n_projections=8), 6)
        1.0
    """
    first, second = _features(a, b, 1)
    if n_projections < 1:
        raise ConfigError(f"n_projections={n_projections}: at least one direction is needed")
    directions = np.random.default_rng(seed).standard_normal((n_projections, first.shape[1]))
    theta = torch.as_tensor(directions / np.linalg.norm(directions, axis=1, keepdims=True))
    n, m = len(first), len(second)
    # Between two neighbours among the levels i/n and j/m both quantile functions are constant; in units of 1/(n m) the
    # levels are whole numbers.
    levels = torch.cat([torch.arange(n) * m, torch.arange(m) * n]).unique()
    widths = torch.diff(levels, append=torch.tensor([n * m])).double() / (n * m)
    total = 0.0
    for part in theta.split(max(1, CHUNK * CHUNK // (n + m))):
        ordered_a = (first @ part.T).sort(0).values
        ordered_b = (second @ part.T).sort(0).values
        total += float((widths @ (ordered_a[levels // m] - ordered_b[levels // n]).abs()).sum())
    return total / n_projections


def precision_recall(real: Any, fake: Any, k: int = 3) -> PrecisionRecall:
    r"""Share of generated items among the real ones, and of real ones among the generated.

    An item lies among a set if it is at most as far from one of its members as that member's k-th nearest neighbour:

    .. math:: f(\phi, \Phi) = 1 \text{ if } \exists \phi' \in \Phi: |\phi - \phi'| \le |\phi' - NN_k(\phi', \Phi)|

    Source: Kynkäänniemi et al. 2019, Improved Precision and Recall Metric for Assessing Generative Models, eq. 1-3.

    Args:
        real: features of real items `[n, d]` (NumPy or torch).
        fake: features of generated items `[m, d]`; take m = n, since radii shrink as a set grows.
        k: which neighbour's distance is the radius.

    Raises:
        DataError: if a set has k items or fewer, other widths, NaN or infinity.
        ConfigError: if k is below 1.

    Example:
        >>> precision_recall([[0.0], [1.0], [2.0], [3.0]], [[1.4], [1.5], [1.6], [9.0]], k=1)
        PrecisionRecall(precision=0.75, recall=0.5)
    """
    if k < 1:
        raise ConfigError(f"k={k}: the first neighbour is the nearest there is")
    first, second = _features(real, fake, k + 1)
    return PrecisionRecall(share_among(second, first, k), share_among(first, second, k))


def share_among(points: Tensor, others: Tensor, k: int) -> float:
    """Share of points `[n, d]` that are at most as far from one of the others as that one's k-th nearest neighbour."""
    radii = torch.cat(
        # Each of the others is at distance 0 from itself.
        [torch.cdist(part, others).kthvalue(k + 1, dim=1).values for part in others.split(CHUNK)]
    )
    inside = [(torch.cdist(part, others) <= radii).any(1) for part in points.split(CHUNK)]
    return float(torch.cat(inside).double().mean())


def _features(a: Any, b: Any, least: int) -> tuple[Tensor, Tensor]:
    """Both sets in double precision on the CPU, about a common origin, which keeps the digits of distances."""
    sets = []
    for name, given in (("first", a), ("second", b)):
        rows = torch.as_tensor(given).detach().cpu().double()
        if rows.ndim != 2 or len(rows) < least or rows.shape[1] == 0:
            raise DataError(
                f"the {name} set of features has shape {tuple(rows.shape)}; expected [n, d] with n >= {least}"
            )
        if not bool(torch.isfinite(rows).all()):
            raise DataError(f"the {name} set of features holds NaN or infinity; every number must be finite")
        sets.append(rows)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise DataError(
            f"features of {sets[0].shape[1]} and of {sets[1].shape[1]} numbers; both sets need the same ones"
        )
    origin = sets[0].mean(0)
    return sets[0] - origin, sets[1] - origin
