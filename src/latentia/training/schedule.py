"""Which parameters take the next step: the training loop asks a `Schedule` and knows nothing else about it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from torch import nn


class Schedule(Protocol):
    """How groups of parameters take turns."""

    def turn(self, model: nn.Module, step: int) -> Collection[nn.Parameter] | None:
        """The parameters that move in step `step` (from 0, over the whole run); None means all of them."""
        ...


@dataclass(frozen=True)
class Joint:
    """All parameters move in every step.

    Example:
        >>> Joint().turn(nn.Linear(2, 2), step=0) is None
        True
    """

    def turn(self, model: nn.Module, step: int) -> None:
        """None: every parameter moves."""
