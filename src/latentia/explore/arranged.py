"""Items that belong together, as arrays or as frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def together(items: list[Any]) -> Any:
    """Single items as one batch: arrays of one shape stacked, rows of tables as a frame, others (lists of pairs among them) as a list.

    >>> together([np.zeros(2), np.ones(2)]).shape, together([pd.Series({"a": 1, "b": "x"}), pd.Series({"a": 2, "b": "y"})]).shape
    ((2, 2), (2, 2))
    """
    if any(isinstance(item, pd.DataFrame | pd.Series) for item in items):
        rows = [item.to_frame().T if isinstance(item, pd.Series) else item for item in items]
        return pd.concat(rows).infer_objects()
    if all(isinstance(item, list) and all(isinstance(each, tuple) for each in item) for item in items):
        return items
    arrays = [np.asarray(item) for item in items]
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else arrays


def arranged(items: Any, shape: tuple[int, int], names: tuple[str, str]) -> Any:
    """Items `[a * b, *event]` as `[a, b, *event]`; rows of a frame stay one below another, numbered by an index of two levels.

    >>> arranged(np.zeros((6, 4)), (2, 3), ("row", "column")).shape
    (2, 3, 4)
    >>> arranged(pd.DataFrame({"x": [1, 2]}), (1, 2), ("row", "column")).index.tolist()
    [(0, 0), (0, 1)]
    """
    if isinstance(items, pd.DataFrame):
        return items.set_axis(pd.MultiIndex.from_product([range(shape[0]), range(shape[1])], names=names))
    return items.reshape(*shape, *items.shape[1:])
