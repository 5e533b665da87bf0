"""How strongly pairs of columns of unlike kinds go together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FEWEST_PAIRS = 20
"""Rows in which both columns are known, from which on a pair is looked at."""


def associations(rows: NDArray[np.floating], nominal: Sequence[bool]) -> NDArray[np.float64]:
    r"""A measure between 0 and 1 of each pair of columns, `[d, d]`, over the rows in which both are known; NaN where those are few.

    Two ordered columns: the absolute rank correlation of Spearman. One of levels without order, one ordered: the correlation ratio of the
    ranks, :math:`\eta = \sqrt{SS_{between} / SS_{total}}`. Two of levels: Cramer's V. The latter two less what independent columns would
    give on average, as they are never negative (Bergsma 2013 for V; Kelley 1935 for eta).

    Args:
        rows: `[n, d]`, levels as numbers, NaN where a cell is missing.
        nominal: which columns are levels without order.

    Example:
        >>> x = np.arange(90.0)
        >>> found = associations(np.column_stack([x, -x, x // 30]), [False, False, True])
        >>> float(found[0, 1].round(3)), bool(found[0, 2] > 0.9)
        (1.0, True)
    """
    d = rows.shape[1]
    out = np.full((d, d), np.nan)
    for i in range(d):
        out[i, i] = 1.0
        for j in range(i):
            known = ~np.isnan(rows[:, i]) & ~np.isnan(rows[:, j])
            if known.sum() >= FEWEST_PAIRS:
                a, b = rows[known, i], rows[known, j]
                out[i, j] = out[j, i] = _pair(a, b, nominal[i], nominal[j])
    return out


def _pair(a: NDArray[np.floating], b: NDArray[np.floating], a_nominal: bool, b_nominal: bool) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    if a_nominal and b_nominal:
        return _cramer(a, b)
    if a_nominal or b_nominal:
        return _ratio(a, b) if a_nominal else _ratio(b, a)
    return float(abs(np.corrcoef(rankdata(a), rankdata(b))[0, 1]))


def _ratio(levels: NDArray[np.floating], ordered: NDArray[np.floating]) -> float:
    ranks = rankdata(ordered)
    _, codes = np.unique(levels, return_inverse=True)
    n, k = len(ranks), int(codes.max()) + 1
    means = np.bincount(codes, ranks) / np.bincount(codes)
    within, total = float(((ranks - means[codes]) ** 2).sum()), float(((ranks - ranks.mean()) ** 2).sum())
    if n <= k:
        return float("nan")
    return float(np.sqrt(max(0.0, 1 - within / (n - k) / (total / (n - 1)))))


def _cramer(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    (_, i), (_, j) = np.unique(a, return_inverse=True), np.unique(b, return_inverse=True)
    n, r, c = len(a), int(i.max()) + 1, int(j.max()) + 1
    table = np.bincount(i * c + j, minlength=r * c).reshape(r, c)
    expected = np.outer(table.sum(1), table.sum(0)) / n
    chance = (r - 1) * (c - 1) / (n - 1)
    strength = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - chance)
    most = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(strength / most)) if most > 0 else float("nan")
