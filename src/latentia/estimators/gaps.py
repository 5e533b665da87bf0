"""Rows with gaps beside whole ones: what a missing cell would usually have cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.estimators.cells import log_prob_by_column

DRAWN = 300
"""Rows that are drawn of a model to see what its cells usually cost."""


def usual_cost(estimator: Any) -> NDArray[np.float64]:
    r"""Of each column the mean of :math:`-\log p(x_j | \text{the other cells})` over rows that the model draws, `[d]` in nats.

    Of numbers it is a density's, in the units of the column, and may be negative.

    Args:
        estimator: fitted to a table of unlike columns.
    """
    drawn = estimator.sample(DRAWN, random_state=0)
    rows = estimator._known_cells(drawn[0] if isinstance(drawn, tuple) else drawn)
    found = log_prob_by_column(estimator._cells(), rows).log_prob
    known = ~np.isnan(rows)
    return np.asarray(-(found * known).sum(0) / np.maximum(known.sum(0), 1))


def cost_of_gaps(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the missing cells of rows `[n, d]` would usually have cost, `[n]` in nats: 0 of a whole row."""
    gaps = np.isnan(rows)
    return gaps @ usual_cost(estimator) if gaps.any() else np.zeros(len(rows))
