"""Whether groups that are found in one half of the items are found in the other half too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MODERATE, STRONG = 0.8, 0.9
"""Above `MODERATE` there is some, above `STRONG` good support for so many groups (Tibshirani and Walther 2005; Koren et al. 2013)."""


def prediction_strength(own: NDArray[np.int64], foreign: NDArray[np.int64]) -> float:
    r"""The share of pairs within a group that another clustering puts together, of the group where it is smallest.

    .. math:: ps = \min_j \frac{1}{n_j (n_j - 1)} \sum_{i \neq i' \in A_j} 1[C(i) = C(i')]

    Args:
        own: group A of each item by a clustering of these items, `[n]`.
        foreign: group C of each item by a clustering of other items, `[n]`.

    Returns:
        From 0 to 1; 1 where no group has two items.

    Source: Tibshirani and Walther 2005, Cluster Validation by Prediction Strength, eq. 2.1.

    Example:
        >>> prediction_strength(np.array([0, 0, 0, 1, 1]), np.array([4, 4, 5, 6, 6])).__round__(3)
        0.333
    """
    _, a = np.unique(own, return_inverse=True)
    _, c = np.unique(foreign, return_inverse=True)
    table = np.zeros((a.max(initial=0) + 1, c.max(initial=0) + 1))
    np.add.at(table, (a, c), 1)
    size = table.sum(1)
    together = (table * (table - 1)).sum(1)
    several = size > 1
    return float((together[several] / (size[several] * (size[several] - 1))).min()) if several.any() else 1.0
