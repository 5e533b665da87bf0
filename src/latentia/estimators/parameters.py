"""Parameters of estimators, checked."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from latentia.errors import ConfigError


def whole(name: str, value: Any, least: int) -> int:
    """The value of a parameter as an int; raises `ConfigError`, which names it, for anything but a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{name}={value!r}: expected a whole number of at least {least}")
    return int(value)


def numbers_of(value: int | str | None, name: str, default: str) -> range:
    """The numbers that a parameter asks for: one, or a range.

    Args:
        value: 8, "8" or "1..7"; None: the default.
        name: of the parameter, for the error.
        default: a range.

    Raises:
        ConfigError: if it is neither a positive number nor a range of them.

    Example:
        >>> numbers_of(8, "K", "1..10"), numbers_of("1..7", "K", "1..10"), numbers_of(None, "K", "1..10")
        (range(8, 9), range(1, 8), range(1, 11))
    """
    text = default if value is None else str(value)
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text.strip())
    if match is None:
        raise ConfigError(f"{name} {text}: a number (8) or a range (1..7) was expected")
    low, high = int(match[1]), int(match[2] or match[1])
    if low < 1 or high < low:
        raise ConfigError(f"{name} {text}: numbers of at least 1, the smaller first, were expected")
    return range(low, high + 1)
