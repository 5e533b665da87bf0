"""What the benchmarks of discrete codes share: data as arrays, and a time budget as a number of epochs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from common import SHARED


def data_set(name: str, items: int | None, test_items: int | None) -> tuple[Any, Any]:
    """Images of the training and validation part, and of the test part, uint8."""
    if "LATENTIA_DATA" not in os.environ and SHARED.is_dir():
        os.environ["LATENTIA_DATA"] = str(SHARED)
    from latentia.data import load

    data = load(name)
    train = np.concatenate([data.train.x, data.validation.x])
    return train[:items], data.test.x[:test_items]


def minutes_to_epochs(make: Callable[[int], Any], x: Any, minutes: float, most: int = 300) -> int:
    """Epochs that fit into so many minutes, from the time of two short ones (the first warms up)."""
    sample = x[: min(len(x), 4000)]
    probe = make(2).fit(sample)
    seconds = probe.history_[-1]["seconds"] / len(sample)
    return int(max(2, min(most, minutes * 60 / (seconds * len(x)))))
