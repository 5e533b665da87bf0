"""Cut points of ordered columns: where they start, and in which order they stay."""

from __future__ import annotations

import torch
from torch import Tensor

from latentia.distributions import Columns


def cuts_of(level: Tensor, levels: int) -> Tensor:
    """Logits of the cumulative frequencies of levels, `[L - 1]`, each level counted half a time more.

    >>> cuts_of(torch.tensor([0, 1, 1, 0]), 2).tolist()
    [0.0]
    """
    counts = torch.bincount(level.clamp(0, levels - 1), minlength=levels).double() + 0.5
    return torch.logit((counts.cumsum(0) / counts.sum())[:-1])


def levels_seen(columns: Columns, x: Tensor, i: int, place: int) -> Tensor:
    """Numbers of the levels in the observed cells of the i-th ordered column, which is at `place` of vectors `[n, W]`."""
    seen, at = columns.seen(x)[:, columns.owner[place]] > 0, len(columns.counted) + i
    return (x[seen, place].double() * columns.scale[at] + columns.centre[at]).round().long()


def increasing(cuts: Tensor) -> Tensor:
    """Cut points in rising order, at least a thousandth apart."""
    ordered = cuts.sort().values
    return ordered + 1e-3 * torch.arange(len(cuts), dtype=cuts.dtype, device=cuts.device)
