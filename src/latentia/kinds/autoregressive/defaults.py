"""Settings of an autoregressive density where a person leaves them open."""

from __future__ import annotations

import math

from latentia.estimators.defaults import MOST_EPOCHS
from latentia.estimators.settings import Defaults

DENSITY_NUMBERS_ON_CPU = 80_000_000
DENSITY_NUMBERS_ON_GPU = 4_000_000_000


def default_density_batch_size(n: int) -> int:
    """A 16th of the n rows, as a power of two within 8 to 16: a row is some hundred predictions.

    Example:
        >>> [default_density_batch_size(n) for n in (50, 200, 50_000)]
        [8, 8, 16]
    """
    return int(min(16, max(8, 2 ** math.floor(math.log2(max(n / 16, 1))))))


def default_density_epochs(n: int, size: int, batch_size: int, on_cpu: bool) -> int:
    """Epochs of an autoregressive density: a fixed number of predicted numbers, and of updates at least for few data.

    Args:
        n: rows.
        size: numbers in a row.
        batch_size: rows in a batch.
        on_cpu: whether it is trained on a CPU.

    Example:
        >>> default_density_epochs(50_000, 784, 16, on_cpu=True), default_density_epochs(1437, 64, 16, on_cpu=True)
        (2, 33)
    """
    numbers = DENSITY_NUMBERS_ON_CPU if on_cpu else DENSITY_NUMBERS_ON_GPU
    epochs = min(numbers / (n * size), 3000 * batch_size / n)
    return min(MOST_EPOCHS, max(2, round(epochs)))


def defaults_for(size: int, rate: float, asked_rate: float | None) -> Defaults:
    """What training takes where the estimator does not say.

    Args:
        size: numbers of an item.
        rate: learning rate of the model's entry in the catalog.
        asked_rate: the estimator's; None takes the entry's.
    """
    return Defaults(
        default_density_batch_size,
        lambda n, batch_size, on_cpu: default_density_epochs(n, size, batch_size, on_cpu),
        rate if asked_rate is None else asked_rate,
        10.0 * math.sqrt(size),
        warmup_fraction=0.03,
    )
