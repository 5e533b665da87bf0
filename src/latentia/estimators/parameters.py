"""Parameters of estimators, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.errors import ConfigError


def whole(name: str, value: Any, least: int) -> int:
    """The value of a parameter as an int; raises `ConfigError`, which names it, for anything but a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{name}={value!r}: expected a whole number of at least {least}")
    return int(value)
