"""Ramps: weights that change over training, as functions of its progress in [0, 1].

Each is a frozen dataclass, so a ramp can be compared, printed and rebuilt from plain values: `as_weight` turns
`{"ramp": "cyclical", "cycles": 4}` of a configuration file into one. All give their end value at progress 1, where
validation and everything after training stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from latentia.errors import ConfigError
from latentia.registry import Registry

Ramp = Callable[[float], float]
Weight = float | Ramp


def _require_share(name: str, value: float, low_included: bool) -> None:
    if not (0 <= value <= 1 and (low_included or value > 0)):
        raise ConfigError(
            f"{name}={value!r}: a share of training in {'[' if low_included else '('}0, 1] is expected"
        )


@dataclass(frozen=True)
class Constant:
    """The same weight throughout.

    Example:
        >>> Constant(2.0)(0.3)
        2.0
    """

    end: float = 1.0

    def __call__(self, progress: float) -> float:  # noqa: ARG002  (constant)
        """The weight at this progress."""
        return self.end


@dataclass(frozen=True)
class Linear:
    r"""From `start` to `end` in proportion to progress, reached at progress `until` and kept.

    .. math:: w(t) = start + (end - start) \min(1, t / until)

    Source: Bowman et al. 2016 (KL annealing, linear variant); with nats for weights, the capacity of Burgess et al. 2018.

    Raises:
        ConfigError: if `until` is not in (0, 1].

    Example:
        >>> [Linear(until=0.5)(t) for t in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.5, 1.0, 1.0]
    """

    end: float = 1.0
    start: float = 0.0
    until: float = 1.0

    def __post_init__(self) -> None:
        _require_share("until", self.until, low_included=False)

    def __call__(self, progress: float) -> float:
        """The weight at this progress."""
        return self.start + (self.end - self.start) * min(1.0, progress / self.until)


@dataclass(frozen=True)
class Sigmoid:
    r"""A logistic curve around progress `middle`, scaled so that it begins at `start` and ends at `end`.

    .. math:: w(t) = start + (end - start) \frac{s(t) - s(0)}{s(1) - s(0)}, \quad s(t) = 1 / (1 + e^{-steepness (t - middle)})

    Source: Bowman et al. 2016, section 3.1 (there in steps: k = 0.0025, x0 = 2500).

    Raises:
        ConfigError: if `middle` is not in [0, 1] or `steepness` is not positive.

    Example:
        >>> [round(Sigmoid()(t), 3) for t in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.007, 0.5, 1.0]
    """

    end: float = 1.0
    start: float = 0.0
    middle: float = 0.5
    steepness: float = 20.0

    def __post_init__(self) -> None:
        _require_share("middle", self.middle, low_included=True)
        if not 0 < self.steepness <= 200:
            raise ConfigError(f"steepness={self.steepness!r}: a number in (0, 200] is expected")

    def __call__(self, progress: float) -> float:
        """The weight at this progress."""
        low, now, high = (
            1 / (1 + math.exp(-self.steepness * (t - self.middle))) for t in (0.0, progress, 1.0)
        )
        return self.start + (self.end - self.start) * (now - low) / (high - low)


@dataclass(frozen=True)
class Cyclical:
    r"""`cycles` linear rises from `start` to `end`, each over the first `rising` of its cycle, then level.

    .. math:: w(t) = start + (end - start) \min(1, \tau / rising), \quad \tau = t \cdot cycles \bmod 1

    Source: Fu et al. 2019, Cyclical Annealing Schedule, eq. 6-7 (4 cycles, half of each rising).

    Raises:
        ConfigError: if `cycles` is below 1 or `rising` is not in (0, 1].

    Example:
        >>> [Cyclical(cycles=2)(t) for t in (0.0, 0.125, 0.25, 0.49, 0.5, 1.0)]
        [0.0, 0.5, 1.0, 1.0, 0.0, 1.0]
    """

    end: float = 1.0
    start: float = 0.0
    cycles: int = 4
    rising: float = 0.5

    def __post_init__(self) -> None:
        _require_share("rising", self.rising, low_included=False)
        if self.cycles < 1:
            raise ConfigError(f"cycles={self.cycles!r}: at least 1 is expected")

    def __call__(self, progress: float) -> float:
        """The weight at this progress; its end value at the very end."""
        phase = 1.0 if progress >= 1 else (progress * self.cycles) % 1.0
        return self.start + (self.end - self.start) * min(1.0, phase / self.rising)


RAMPS: Registry[Callable[..., Ramp]] = Registry("ramp")
for _name, _ramp in (
    ("constant", Constant),
    ("linear", Linear),
    ("sigmoid", Sigmoid),
    ("cyclical", Cyclical),
):
    RAMPS.add(_name, _ramp)


def as_weight(name: str, value: object) -> Weight:
    """A weight from what a person wrote: a number of at least 0, a function of progress, or a ramp in plain values.

    Args:
        name: of the option, for the message.
        value: a number; a callable; or a mapping with the name of a ramp under "ramp", and its parameters.

    Raises:
        ConfigError: if it is none of these, or a ramp's parameter is wrong.

    Example:
        >>> as_weight("beta", {"ramp": "linear", "end": 4.0})
        Linear(end=4.0, start=0.0, until=1.0)
    """
    if isinstance(value, Mapping):
        return _ramp_of(name, value)
    if callable(value):
        weight: Weight = value
        return weight
    return positive(name, value, zero=True)


def _ramp_of(name: str, value: Mapping[str, Any]) -> Ramp:
    options = dict(value)
    kind = RAMPS[options.pop("ramp", "")]
    for option in ("start", "end"):
        if option in options:
            positive(f"{name}.{option}", options[option], zero=True)
    try:
        return kind(**options)
    except TypeError as error:
        reason = str(error).partition(") ")[2] or str(error)
        raise ConfigError(f"{name}={dict(value)!r}: {reason}") from None


def positive(name: str, value: object, zero: bool = False) -> float:
    """`value` as a float, if it is a finite number above 0 (or, with `zero`, 0 itself).

    Raises:
        ConfigError: if it is not.
    """
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise ConfigError(
            f"{name}={value!r}: a finite number {'of at least' if zero else 'above'} 0 is expected"
        )
    return number
