"""Scores of mixtures of rows given their totals, with the totals given or modelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from latentia.latent.totals import TotalModel, check_total
from latentia.mixture.components import Components

if TYPE_CHECKING:
    from latentia.kinds.mixture.base import BaseMixture

    _Base = BaseMixture
else:
    _Base = object


class GivenTotals(_Base):
    """To be named before the mixture whose rows have their total given."""

    conditions_on_total = True

    def score_samples(self, X: Any, *, total: str = "given") -> np.ndarray:
        """Log p(x|n) of each row in nats, `[n]`, or with total="modelled" log p(x|n) + log p(n) (`latentia.latent.totals`)."""
        check_total(total)
        scores = super().score_samples(X)
        return scores if total == "given" else scores + log_totals(self.components_, X)


def log_totals(components: Components, X: Any) -> np.ndarray:
    """Log p(n) of the total of each row in nats, `[n]`, by the totals that the components were fitted to."""
    known = components.parameters["totals"].cpu().numpy()
    return TotalModel.of(known).log_prob(totals_of(X))


def totals_of(X: Any) -> np.ndarray:
    """The total of each row, `[n]`; of images too."""
    rows: Any = X if sparse.issparse(X) else np.asarray(X)
    return np.asarray(rows.reshape(rows.shape[0], -1).sum(1), dtype=np.float64).ravel()
