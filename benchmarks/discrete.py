"""What the benchmarks of discrete codes share: data as arrays, a time budget as a number of epochs, fits that are not run twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
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


def kept(path: Path, key: dict[str, Any], make: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The figures that the file holds for this key, or new ones, which it then holds. The key knows settings, not the library's code:
    delete the file after a change of it."""
    wanted = json.loads(json.dumps(key, default=str))
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        if entry["key"] == wanted:
            return dict(entry["figures"])
    figures = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"key": wanted, "figures": figures}) + "\n")
    return figures
