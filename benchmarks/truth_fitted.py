"""What a state of the truth table is: a fitted model, and rows by which it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HELD_OUT = 0.3


@dataclass(frozen=True)
class Fitted:
    """A fitted model, rows that it has not seen, and those that it has; y: classes of the first."""

    model: Any
    test: Any
    train: Any
    y: Any = None
