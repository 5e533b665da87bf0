"""Whether a table of whole numbers is one table of counts, or columns of measurements that happen to be whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.number_columns import FEWEST_ROWS, is_bounded

MEASURED_SHARE = 0.5
"""Columns that look measured, from which on a table is no table of counts."""
UNLIKE, FEW_COLUMNS = 100.0, 12
"""Typical sizes that differ by this factor, in a table of so few columns, one of them measured: no table of counts either."""
MOST_COLUMNS = 500  # that are looked at, evenly spread, with all of their rows
_FAR_FROM_ZERO = 0.25
_LIKE_POISSON = (0.8, 1.25)
_EVEN = (0.25, 0.75)


def why_no_composition(x: NDArray[Any]) -> str:
    """Why whole numbers of at least 0 `[n, d]` are no counts of one kind of thing; nothing where they may be.

    A column looks measured where its smallest hundredth is above a quarter of its median, and it is not spread as counts of one rate are
    (variance over mean 0.8 to 1.25); where it spreads evenly between two ends; or where it is 0 or 1, either of them often. A table is no
    table of counts if more than half of its columns look measured, or if it has at most 12, one of which does, and their typical
    sizes differ by a factor of more than 100.

    Example:
        >>> random = np.random.default_rng(0)
        >>> age, pay = random.normal(45, 12, 300).round().clip(18), random.normal(40000, 9000, 300).round()
        >>> why_no_composition(np.column_stack([age, pay]).astype(int))
        'whole numbers of unlike scale: 2 of 2 columns look measured, not counted'
        >>> why_no_composition(random.poisson(3, (300, 4)))
        ''
    """
    if len(x) < FEWEST_ROWS:
        return ""
    columns = np.unique(np.linspace(0, x.shape[1] - 1, MOST_COLUMNS).astype(int))
    found = [_looked_at(np.sort(x[:, j]).astype(np.float64)) for j in columns]
    measured = np.array([each for each, _ in found])
    sizes = [size for _, size in found if size > 0]
    unlike = len(sizes) > 1 and max(sizes) > UNLIKE * min(sizes)
    if measured.mean() > MEASURED_SHARE or (unlike and measured.any() and len(measured) <= FEW_COLUMNS):
        scale = "whole numbers of unlike scale" if unlike else "whole numbers"
        return f"{scale}: {int(measured.sum())} of {len(measured)} columns look measured, not counted"
    return ""


def _looked_at(column: NDArray[np.float64]) -> tuple[bool, float]:
    """Whether a column, sorted, looks measured; and the median of what is above 0, or 0."""
    told = column[int(np.searchsorted(column, 0, side="right")) :]
    if not len(told):
        return False, 0.0
    mean, size = float(column.mean()), float(told[len(told) // 2])
    n_levels = 1 + int(np.count_nonzero(np.diff(column)))
    if n_levels == 2:
        return bool(column[0] == 0 and column[-1] == 1 and _EVEN[0] <= mean <= _EVEN[1]), size
    if n_levels > 4 and len(column) - len(told) <= 1.5 * len(column) / n_levels and is_bounded(column):
        return True, size
    far = float(column[len(column) // 100]) >= _FAR_FROM_ZERO * size
    return far and not _LIKE_POISSON[0] <= float(column.var()) / mean <= _LIKE_POISSON[1], size
