"""How near samples of a table come to the rows that a model was fitted to: whether it gives these away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KNOWN_SHARE = 0.5
"""A training row is compared where at least so many of its cells are known."""
_SPREADS = 5.0
_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Copies:
    """Samples and held-out rows against training rows.

    Attributes:
        exact: share of samples that equal a training row in all of its known cells.
        exact_held_out: the same of held-out rows; None without such rows.
        nearest: median distance of a sample to the nearest training row (Gower 1971: the mean over columns of differences between 0 and 1).
        nearest_held_out: the same of held-out rows, which is what a row that was not seen has.
        n_samples, n_train, n_held_out: rows of each.
    """

    exact: float
    exact_held_out: float | None
    nearest: float
    nearest_held_out: float | None
    n_samples: int
    n_train: int
    n_held_out: int

    @property
    def told(self) -> str:
        """In a sentence or two."""
        text = (
            f"{self.exact:.1%} of {self.n_samples} samples equal one of {self.n_train} training rows in all known cells; the nearest one lies at "
            f"a distance of {self.nearest:.3f} in the median (0 the same, 1 apart in every column)"
        )
        if self.exact_held_out is None:
            return f"{text}."
        return (
            f"{text}. Of {self.n_held_out} held-out rows, which nobody has copied, these are {self.exact_held_out:.1%} and "
            f"{self.nearest_held_out:.3f}."
        )


def copies(
    samples: NDArray[np.floating],
    train: NDArray[np.floating],
    held_out: NDArray[np.floating] | None,
    nominal: Sequence[bool],
) -> Copies | None:
    """Distances of samples, and of held-out rows, to the nearest training row; None where no training row can be compared.

    The difference of numbers is taken over five of their standard deviations (of the middle half) and at most 1, that of levels is 0 or 1;
    over the cells that both rows know.

    Args:
        samples: rows `[m, d]`.
        train: rows `[n, d]`, NaN where a cell is missing.
        held_out: rows that the model has not seen.
        nominal: which columns are levels without order.

    Source: Gower 1971, A General Coefficient of Similarity and Some of Its Properties.

    Example:
        >>> train = np.array([[0.0, 1.0], [5.0, 2.0], [9.0, np.nan]])
        >>> found = copies(train[:2], train, np.array([[1.0, 1.0]]), [False, True])
        >>> found.exact, found.nearest, found.exact_held_out, found.nearest_held_out > 0
        (1.0, 0.0, 0.0, True)
    """
    train = train[(~np.isnan(train)).mean(1) >= KNOWN_SHARE]
    if not len(train) or not len(samples):
        return None
    low, high = np.nanquantile(train, [0.25, 0.75], axis=0)
    spread = _SPREADS * (high - low) / 1.349
    whole = np.nanmax(train, axis=0) - np.nanmin(train, axis=0)
    spread = np.where(
        np.asarray(nominal), 1e-300, np.where(spread > 0, spread, np.where(whole > 0, whole, 1.0))
    )
    nearest = _nearest(samples, train, spread)
    others = None if held_out is None or not len(held_out) else _nearest(held_out, train, spread)
    return Copies(
        float((nearest == 0).mean()),
        None if others is None else float((others == 0).mean()),
        float(np.median(nearest)),
        None if others is None else float(np.median(others)),
        len(samples),
        len(train),
        0 if others is None else len(others),
    )


def _nearest(
    rows: NDArray[np.floating], train: NDArray[np.floating], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance of each row to the nearest training row, `[m]`; 1 where they know no column in common."""
    found = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        apart = np.abs(rows[start : start + _ROWS_AT_ONCE, None] - train) / spread
        known = ~np.isnan(apart)
        total = np.where(known, np.minimum(apart, 1.0), 0.0).sum(-1)
        n = known.sum(-1)
        found.append(np.where(n > 0, total / np.maximum(n, 1), 1.0).min(1))
    return np.concatenate(found)
