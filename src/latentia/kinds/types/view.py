"""The samples as the page shows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.data.counts.table import CountTable
from latentia.kinds.types.tables import labels_of

MANY = 2000  # samples of which the page shows an even choice


class View:
    """The samples in the order in which charts show them: by type, then by how sure it is; of many an even choice.

    Args:
        table: the samples.
        shares: p(k|x), `[n, K]`.
        estimator: fitted.
    """

    def __init__(self, table: CountTable, shares: np.ndarray, estimator: Any) -> None:
        self.k = shares.shape[1]
        labels, certain = shares.argmax(1), shares.max(1)
        order = np.lexsort((-certain, labels))
        step = -(-len(order) // MANY)
        self.order = order[::step]
        self.table, self.estimator = table.samples(self.order), estimator
        self.labels, self.certain = labels[self.order], certain[self.order]
        self.names = labels_of(table)
        self.counts = np.bincount(labels, minlength=self.k)
        self.certain_all, self.labels_all = certain, labels
        self.depth = np.maximum(self.table.depth, 1)

    def proportions(self, columns: np.ndarray) -> np.ndarray:
        """Of some taxa, `[m, len(columns)]`."""
        return np.asarray(self.table.counts[:, columns].toarray() / self.depth[:, None])

    def drivers(self, most: int) -> np.ndarray:
        """Columns of the taxa that differ most between types; of one type the most abundant."""
        e = self.estimator
        size = np.abs(e.proportions_ - e.pooled_).sum(0) if self.k > 1 else e.pooled_
        return np.asarray(np.argsort(-size, kind="stable")[:most])
