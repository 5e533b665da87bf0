"""Rows of unlike columns where a mixture's items are looked at as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class TableLayout:
    """What a mixture is asked of its items, of a table of unlike columns.

    Args:
        form: between rows and vectors.
    """

    dense, is_image, white = True, False, 1
    constant: tuple[tuple[int, float], ...] = ()

    def __init__(self, form: Any) -> None:
        self.form = form
        self.event_shape: tuple[int, ...] = tuple(form.event_shape)

    def stored(self, items: Any) -> NDArray[np.float64]:
        """Rows as numbers `[n, d]` to be drawn, levels as their numbers; a missing cell is the mean of its column."""
        values = self.viewable(items)
        known = ~np.isnan(values)
        means = np.where(known, values, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        return np.where(known, values, means)

    def viewable(self, items: Any) -> NDArray[np.float64]:
        """Rows as numbers `[n, d]`, NaN where a cell is missing."""
        return np.asarray(self.form.viewable(items))

    def resolution(self, items: Any) -> float:  # noqa: ARG002
        """No width below which a column is a spike."""
        return 0.0

    def describe(self) -> None:
        """Nothing: the form is kept."""
