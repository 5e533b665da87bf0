"""A figure with what it is from: its mean, the number of things, and how far chance may have moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NORMAL = 1.959964  # of a standard normal lie 95 % within


@dataclass(frozen=True)
class Measure:
    """A mean.

    Attributes:
        value: the mean; NaN of nothing.
        n: of how many things.
        interval: in which the mean of endlessly many would lie with 95 % probability, by the normal approximation.

    Example:
        >>> Measure.of(np.array([0.0, 1.0, np.nan]))
        Measure(value=0.5, n=2, interval=(-0.47..., 1.47...))
    """

    value: float
    n: int
    interval: tuple[float, float]

    @classmethod
    def of(cls, values: Any) -> Measure:
        """The mean of those values that are not NaN."""
        array: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
        array = array[np.isfinite(array)]
        n = len(array)
        if not n:
            return cls(float("nan"), 0, (float("nan"), float("nan")))
        mean = float(array.mean())
        reach = _NORMAL * float(array.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
        return cls(mean, n, (mean - reach, mean + reach))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f} to {high:.3f}, n = {self.n})"
