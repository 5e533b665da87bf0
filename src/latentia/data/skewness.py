"""How numbers with a long tail are brought to a shape that a Gaussian can follow: as they are, by logarithm, or by a power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

SKEWED = 1.0
"""Skewness of the middle 99 % of values from which a column is called skewed (1 is "highly skewed" in Bulmer 1979, section 4)."""
_POWERS = (-2.0, 4.0)
_FEWEST = 20


@dataclass(frozen=True)
class Reshape:
    r"""A strictly increasing map T of one column.

    With :math:`a = |x| / u` and the sign kept,

    .. math:: T(x) = x, \qquad \log(x / u), \qquad \pm\frac{(1 + a)^p - 1}{p} \ (p = \lambda \text{ for } x \ge 0, \ 2 - \lambda \text{ below})

    Attributes:
        kind: "as it is", "logarithm" or "power" (Yeo & Johnson 2000).
        power: lambda.
        unit: u, in units of the column: a typical size, so that the map does not depend on the unit of the data.
    """

    kind: str = "as it is"
    power: float = 1.0
    unit: float = 1.0


def power_of(x: Any, power: Any, unit: Any, xp: Any) -> Any:
    """The Yeo-Johnson transform of `x / unit`; `xp` is `numpy` or `torch`, `power` and `unit` broadcast."""
    a = xp.abs(x) / unit
    p = xp.where(x >= 0, power, 2 - power)
    flat = xp.abs(p) < 1e-8
    grown = xp.expm1(p * xp.log1p(a)) / xp.where(flat, 1.0, p)
    return xp.where(x >= 0, 1.0, -1.0) * xp.where(flat, xp.log1p(a), grown)


def power_undone(y: Any, power: Any, unit: Any, xp: Any) -> Any:
    """The inverse of `power_of`; what lies beyond the range of the transform becomes its end."""
    p = xp.where(y >= 0, power, 2 - power)
    flat = xp.abs(p) < 1e-8
    b = xp.abs(y)
    inside = xp.clip(p * b, -1 + 1e-6, None) if xp is np else (p * b).clamp(min=-1 + 1e-6)
    a = xp.where(flat, xp.expm1(b), xp.expm1(xp.log1p(inside) / xp.where(flat, 1.0, p)))
    return xp.where(y >= 0, 1.0, -1.0) * a * unit


def power_log_slope(x: Any, power: Any, unit: Any, xp: Any) -> Any:
    """Log of the derivative of `power_of` with respect to x."""
    p = xp.where(x >= 0, power, 2 - power)
    return (p - 1) * xp.log1p(xp.abs(x) / unit) - xp.log(unit)


def reshape_of(told: NDArray[np.float64]) -> Reshape:
    """The map for the values of a column, without missing ones.

    The rule: as they are where the skewness of their middle 99 % is at most 1; else by their logarithm if all are above 0 and that brings
    it to at most 1; else by the power of Yeo and Johnson that makes them most like a Gaussian, if that halves it.

    Example:
        >>> random = np.random.default_rng(0)
        >>> reshape_of(random.normal(size=1000)).kind, reshape_of(np.exp(random.normal(size=1000))).kind
        ('as it is', 'logarithm')
        >>> reshape_of(np.exp(random.normal(size=1000)) - 0.2).kind
        'power'
    """
    if len(told) < _FEWEST:
        return Reshape()
    low, high = np.quantile(told, [0.005, 0.995])
    middle = told[(told >= low) & (told <= high)]
    skew = abs(_skewness(middle))
    if skew <= SKEWED:
        return Reshape()
    unit = float(np.median(np.abs(told[told != 0])))
    if float(told.min()) > 0 and abs(_skewness(np.log(middle))) <= SKEWED:
        return Reshape("logarithm", 0.0, unit)
    power = _most_gaussian(middle, unit)
    if abs(_skewness(power_of(middle, power, unit, np))) <= skew / 2:
        return Reshape("power", power, unit)
    return Reshape()


def tail_of(told: NDArray[np.float64]) -> str:
    """Words for the tail of a column, or none."""
    found = reshape_of(told)
    if found.kind == "as it is":
        return ""
    how = "its logarithm" if found.kind == "logarithm" else f"a power of it (Yeo-Johnson, {found.power:.2g})"
    return f", with a heavy tail: {how} is modelled"


def _skewness(x: NDArray[np.float64]) -> float:
    centred = x - x.mean()
    variance = float((centred**2).mean())
    return float((centred**3).mean()) / variance**1.5 if variance > 0 else 0.0


def _most_gaussian(x: NDArray[np.float64], unit: float) -> float:
    """The power of the largest Gaussian likelihood."""

    def cost(power: float) -> float:
        y = power_of(x, power, unit, np)
        variance = float(y.var())
        return 0.5 * len(x) * np.log(max(variance, 1e-300)) - float(power_log_slope(x, power, unit, np).sum())

    return float(minimize_scalar(cost, bounds=_POWERS, method="bounded", options={"xatol": 1e-3}).x)


def robust_spread(y: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of values cut at five of the middle half's standard deviations from the median; never zero.

    >>> centre, spread = robust_spread(np.append(np.random.default_rng(0).normal(size=1000), 1e6))
    >>> abs(centre) < 0.1, 0.9 < spread < 1.1
    (True, True)
    """
    low, middle, high = np.quantile(y, [0.25, 0.5, 0.75])
    reach = 5 * (high - low) / 1.349
    if reach > 0:
        y = y.clip(middle - reach, middle + reach)
    spread = float(y.std())
    return float(y.mean()), spread if spread > 1e-12 * max(1.0, abs(float(y.mean()))) else 1.0
