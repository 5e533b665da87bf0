"""Settings that a person leaves open: a function each, of the size of the data alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from latentia.distributions.numerics import has_bfloat16_units

UPDATES_ON_CPU = 6000
UPDATES_ON_GPU = 20_000
LARGE = 50_000
FEW_ROWS, MOST_TIMES = 2000, 3.0
"""Rows of numbers from which on AdamW takes more updates than Muon would, as the square root of their number, and how many times as many at most."""
FEWEST_EPOCHS = 5
MOST_EPOCHS = 300
AVERAGED_SHARE = 0.04


def default_latent_dim(event_shape: Sequence[int]) -> int:
    """Length of a code by the size of a datum; dimensions that the data do not need are left unused by the fit.

    Example:
        >>> [default_latent_dim(shape) for shape in ((2,), (13,), (1, 8, 8), (1, 28, 28), (3, 32, 32))]
        [1, 4, 8, 16, 64]
    """
    size = math.prod(event_shape)
    if size <= 64:
        return max(1, min(8, round(size / 3)))
    return 16 if size < 2048 else 64


def default_batch_size(n: int) -> int:
    """A 16th of the n items, as a power of two within 16 to 64.

    Example:
        >>> [default_batch_size(n) for n in (50, 500, 1437, 55_000)]
        [16, 16, 64, 64]
    """
    return int(min(64, max(16, 2 ** math.floor(math.log2(max(n / 16, 1))))))


def default_epochs(n: int, batch_size: int, on_cpu: bool, times: float = 1.0) -> int:
    """Epochs that make up the default number of updates: for large data fixed, else fewer by the square root of n.

    Args:
        n: items to learn from.
        batch_size: of an update.
        on_cpu: whether the device is one.
        times: so many times as many updates; see `times_of_rows`.

    Example:
        >>> default_epochs(55_000, 64, on_cpu=True), default_epochs(1437, 64, on_cpu=True)
        (7, 45)
    """
    updates = times * (UPDATES_ON_CPU if on_cpu else UPDATES_ON_GPU) * min(1.0, n / LARGE) ** 0.5
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(updates / max(1.0, n / batch_size))))


def times_of_rows(n: int) -> float:
    """How many times the updates of Muon AdamW takes for n rows of numbers, each at a fifth to a tenth of the price (docs/default.md).

    Example:
        >>> [times_of_rows(n) for n in (500, 2000, 8000, 18_000, 10**6)]
        [1.0, 1.0, 2.0, 3.0, 3.0]
    """
    return min(MOST_TIMES, max(1.0, (n / FEW_ROWS) ** 0.5))


def default_patience(max_epochs: int) -> int:
    """Epochs without a better validation bound before stopping: a quarter of all, but at least 10."""
    return max(10, max_epochs // 4)


def default_averaging(updates: float) -> float:
    """Decay of the moving average of the weights, whose horizon is 4 % of all updates.

    Example:
        >>> default_averaging(5000)
        0.995
    """
    return 1.0 - 1.0 / max(2.0, AVERAGED_SHARE * updates)


def default_precision(event_shape: Sequence[int], device: torch.device) -> str:
    """What networks compute in while they are trained: bfloat16 for images on a CPU with matrix units, else float32.

    Rows of numbers keep float32: they may be known to more than the three digits of bfloat16, and their networks are small.
    """
    images = len(event_shape) == 3
    return "bfloat16" if images and device.type == "cpu" and has_bfloat16_units(device) else "float32"


def default_gradient_clip(event_shape: Sequence[int]) -> float:
    """Norm at which gradients are cut: it holds back outliers only.

    It is well above the norms of ordinary steps, which grow with the square root of the number of residuals.
    """
    return 50.0 * math.sqrt(math.prod(event_shape))
