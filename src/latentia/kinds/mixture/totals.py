"""Scores of mixtures of rows given their totals, with the totals given or modelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse

from latentia.errors import ConfigError
from latentia.latent.totals import TotalModel, check_total

if TYPE_CHECKING:
    from latentia.kinds.mixture.base import BaseMixture

    _Base = BaseMixture
else:
    _Base = object


class GivenTotals(_Base):
    """To be named before the mixture whose rows have their total given.

    Attributes:
        totals_: the distribution of the training totals (`latentia.latent.totals.TotalModel`).
    """

    conditions_on_total = True
    totals_: TotalModel

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """See `BaseMixture.fit`; the distribution of the totals is kept."""
        super().fit(X, y, sample_weight)
        self.totals_ = TotalModel.of(_totals(X))
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """See `BaseMixture.partial_fit`; the distribution of the totals is that of the first batch."""
        super().partial_fit(X, y, sample_weight)
        if not hasattr(self, "totals_"):
            self.totals_ = TotalModel.of(_totals(X))
        return self

    def score_samples(self, X: Any, *, total: str = "given") -> np.ndarray:
        """Log p(x|n) of each row in nats, `[n]`, or with total="modelled" log p(x|n) + log p(n).

        Raises:
            ConfigError: if totals are asked to be modelled and the model was saved by a version that kept none.
        """
        check_total(total)
        scores = super().score_samples(X)
        if total == "given":
            return scores
        if not hasattr(self, "totals_"):
            raise ConfigError(
                "total='modelled': this model was saved without the totals of its rows; fit it again, or take total='given' (--total given)"
            )
        return np.asarray(scores + self.totals_.log_prob(_totals(X)))


def _totals(X: Any) -> np.ndarray:
    rows: Any = X if sparse.issparse(X) else np.asarray(X)
    return np.asarray(rows.reshape(rows.shape[0], -1).sum(1), dtype=np.float64).ravel()
