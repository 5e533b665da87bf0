"""Rows that count unlike: batches with their weights, and rows drawn in proportion to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor


class Weighed(NamedTuple):
    """A stored batch and the weight of each of its rows.

    Attributes:
        rows: `[B, *stored]`.
        weight: `[B]`; 1 on average over the training set.
    """

    rows: Any
    weight: Tensor


def parts_of(stored: Any) -> tuple[Any, Tensor | None]:
    """The rows of a stored batch, and their weights, if they have any."""
    return (stored.rows, stored.weight) if isinstance(stored, Weighed) else (stored, None)


def in_proportion(
    weight: npt.NDArray[np.float64], order: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.int64]:
    """Numbers of n rows, rising, each as often as n times its share of the weights says, up or down by less than one.

    Systematic sampling along `order`, from half a step on: with equal weights and all rows each comes once.

    >>> in_proportion(np.array([1.0, 2.0, 1.0]), np.arange(3), 4).tolist()
    [0, 1, 1, 2]
    """
    ends = weight[order].cumsum()
    places = (np.arange(n) + 0.5) * ends[-1] / n
    return np.sort(order[np.searchsorted(ends, places, side="right").clip(max=len(order) - 1)])
