"""Rows with gaps beside whole ones: what a missing cell would usually have cost."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from torch import Tensor, nn

from latentia.data.items import Mixed
from latentia.estimators.forms.arrays import as_rows

DRAWN = 100
"""Rows that are drawn of a model to see what its cells usually cost."""
GAPS_COUNTED = "log-likelihood, gaps at their usual cost, nats"
"""What minus `unusual` is, in words."""


def _has_gaps(estimator: Any) -> bool:
    """Whether rows of an estimator may have gaps."""
    return bool(estimator._scores_gaps)


class ScoresGaps:
    """The method `unusual` of estimators that score rows by their known cells."""

    form_: Any

    @property
    def _scores_gaps(self) -> bool:
        """Whether rows may have gaps, as those of a table of unlike columns."""
        return getattr(self, "form_", None) is not None and getattr(self, "columns_", None) is not None

    def _known_cells(self, X: Any) -> NDArray[np.float64]:
        """X as numbers of its columns `[n, d]`, NaN where a cell is missing."""
        return np.asarray(as_rows(self, X, reset=False).rows, dtype=np.float64)

    def _as_given(self, rows: NDArray[np.float64]) -> Any:
        """The inverse: what the estimator takes."""
        return Mixed(rows, self.form_.columns)

    def _drawn_cells(self, n: int) -> NDArray[np.float64]:
        """Draws of the model `[n, d]`, the same at each call."""
        model: Any = copy.copy(self)
        model.random_state = 0  # what draws of a mixture begin with; others are told it
        drawn = model.sample(n, random_state=0) if hasattr(model, "module_") else model.sample(n)
        return self._known_cells(drawn[0] if isinstance(drawn, tuple) else drawn)

    @available_if(_has_gaps)  # type: ignore[untyped-decorator]
    def unusual(self, X: Any) -> NDArray[np.float64]:
        r"""How unusual each row is, `[n]` in nats: minus log p of its known cells, and for each missing one what such a cell usually costs.

        .. math:: -\log p(x_{known}) + \sum_{j\ missing} h_j, \quad h_j = E[-\log p(x_j | \text{the other cells})]

        over rows that the model draws: without h a row would be the less unusual the less is known of it, by amounts that depend on the units
        of its columns. Of a whole row it is minus `score_samples`.
        """
        estimator: Any = self
        scores = np.asarray(estimator.score_samples(X), dtype=np.float64)
        return cost_of_gaps(self, self._known_cells(X)) - scores


def usual_cost(estimator: Any) -> NDArray[np.float64]:
    r"""Of each column the mean of :math:`-\log p(x_j | x_{-j}) = \log p(x_{-j}) - \log p(x)` over rows that the model draws, `[d]` in nats.

    Of numbers it is a density's, in the units of the column, and may be negative.

    Args:
        estimator: fitted, with `ScoresGaps`.
    """

    def scored(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(estimator.score_samples(estimator._as_given(rows)), dtype=np.float64)

    rows = estimator._drawn_cells(DRAWN)
    whole, found = scored(rows), np.zeros(rows.shape[1])
    for j in range(rows.shape[1]):
        known = ~np.isnan(rows[:, j])
        if known.any():
            others = rows[known].copy()
            others[:, j] = np.nan
            found[j] = (scored(others) - whole[known]).mean()
    return found


def cost_of_gaps(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the missing cells of rows `[n, d]` would usually have cost, `[n]` in nats: 0 of a whole row."""
    gaps = np.isnan(rows)
    return gaps @ _kept_cost(estimator) if gaps.any() else np.zeros(len(rows))


def _kept_cost(estimator: Any) -> NDArray[np.float64]:
    """`usual_cost`, kept with the weights of a network, whose it is."""
    module = getattr(estimator, "module_", None)
    if module is None:
        return usual_cost(estimator)
    seen, cost = vars(module).get("_usual_cost", (None, None))
    if seen != estimator.n_train_:
        cost = usual_cost(estimator)
        module._usual_cost = (estimator.n_train_, cost)
    return np.asarray(cost)


class GapCost(nn.Module):
    """The same as a graph has it, from rows `[B, d]`."""

    cost: Tensor

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.register_buffer("cost", torch.from_numpy(_kept_cost(estimator)))

    def forward(self, rows: Tensor) -> Tensor:
        """`[B]` in float64 nats."""
        return (rows.isnan().double() * self.cost).sum(1)
