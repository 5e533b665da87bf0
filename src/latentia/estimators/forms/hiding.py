"""Cells that are hidden in training, so that the codes of incomplete rows are learned."""

from __future__ import annotations

from torch import Tensor

from latentia import draws

HIDDEN_ROWS, MOST_HIDDEN = 0.5, 0.5
"""So many rows lose up to such a share of their cells at each look."""


def hidden_cells(seen: Tensor) -> Tensor:
    """Which of the cells `[n, d]` are hidden at this look."""
    n, d = seen.shape
    largest = MOST_HIDDEN / HIDDEN_ROWS
    share = draws.rand((n, 1), device=seen.device) * largest - largest * (1 - HIDDEN_ROWS)
    return draws.rand((n, d), device=seen.device) < share
