"""Weights of the items of a batch, for what a pass estimates from the batch itself: an optimal variance, moving averages of codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

_WEIGHT: ContextVar[Tensor | None] = ContextVar("_WEIGHT", default=None)


@contextmanager
def weighing(weight: Tensor | None) -> Iterator[None]:
    """Within the block the items of the batch count as often as their weights `[B]` say; None: all alike."""
    before = _WEIGHT.set(weight)
    try:
        yield
    finally:
        _WEIGHT.reset(before)


def weight_of_items(n: int) -> Tensor | None:
    """The weights in force of n items, `[n]`, a whole number of draws of the batch behind one another; None: all alike.

    >>> import torch
    >>> with weighing(torch.tensor([0.5, 1.5])):
    ...     weight_of_items(4)
    tensor([0.5000, 1.5000, 0.5000, 1.5000])
    """
    weight = _WEIGHT.get()
    return None if weight is None else weight.repeat(n // len(weight))
