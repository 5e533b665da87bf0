"""Rows with gaps beside whole ones: what a missing cell would usually have cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

DRAWN = 100
"""Rows that are drawn of a model to see what its cells usually cost."""
GAPS_COUNTED = "log-likelihood, gaps at their usual cost, nats"
"""What minus `unusual` is, in words."""


def usual_cost(estimator: Any) -> NDArray[np.float64]:
    r"""Of each column the mean of :math:`-\log p(x_j | \text{the other cells})` over rows that the model draws, `[d]` in nats.

    Of numbers it is a density's, in the units of the column, and may be negative.

    Args:
        estimator: fitted to a table of unlike columns.
    """
    cells, nothing = estimator._cells(), np.full((DRAWN, len(estimator.form_.columns)), np.nan)
    rows = cells.drawn(nothing, 0)
    found = np.zeros(rows.shape[1])
    for j in range(rows.shape[1]):
        known = rows[~np.isnan(rows[:, j])]
        if len(known):
            others = known.copy()
            others[:, j] = np.nan
            found[j] = -cells.log_prob(others, known)[:, j].mean()
    return found


def cost_of_gaps(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the missing cells of rows `[n, d]` would usually have cost, `[n]` in nats: 0 of a whole row."""
    gaps = np.isnan(rows)
    if not gaps.any():
        return np.zeros(len(rows))
    if not hasattr(estimator, "module_"):
        return gaps @ usual_cost(estimator)
    state = (id(estimator.module_), len(estimator.history_))  # other weights have other costs
    kept = vars(estimator).get("_cost_of_cells")
    if kept is None or kept[0] != state:
        kept = estimator._cost_of_cells = (state, usual_cost(estimator))
    return gaps @ kept[1]


class GapCost(nn.Module):
    """The same as a graph has it, from rows `[B, d]`; of an estimator that scores gaps as nothing, 0."""

    cost: Tensor

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        has = hasattr(estimator, "unusual")
        self.register_buffer("cost", torch.from_numpy(usual_cost(estimator)) if has else torch.zeros(1))

    def forward(self, rows: Tensor) -> Tensor:
        """`[B]` in float64 nats."""
        return (rows.isnan().double() * self.cost).sum(1)
