"""Far tails by logarithm: a cell that lies a million spreads out weighs some, and no square of it."""

from __future__ import annotations

import torch
from torch import Tensor

from latentia.latent.likelihoods.mixed import REACH


def tails_shortened(y: Tensor, where: Tensor) -> Tensor:
    """Standardised numbers `[..., k]` whose excess e beyond 8 becomes log(1 + e), in the columns `where`; smooth and increasing.

    >>> tails_shortened(torch.tensor([1.0, -8.0, 1e6]), torch.tensor(True)).tolist()
    [1.0, -8.0, 21.81...]
    """
    out = (y.abs() - REACH).clamp(min=0)
    return torch.where(where & (out > 0), y.sign() * (REACH + out.log1p()), y)


def tails_restored(y: Tensor, where: Tensor) -> Tensor:
    """The inverse of `tails_shortened`."""
    out = (y.abs() - REACH).clamp(min=0, max=700.0)
    return torch.where(where & (out > 0), y.sign() * (REACH + out.expm1()), y)
