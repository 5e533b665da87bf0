"""P-values of several tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that the chance of one false finding in all of them is at most the level (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * (len(values) - np.arange(len(values)))
    return _back(np.minimum(np.maximum.accumulate(scaled), 1.0), order)


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that the expected share of false findings is at most the level (Benjamini and Hochberg 1995).

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.04, 0.04]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _back(values: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    out = np.empty_like(values)
    out[order] = values
    return out
