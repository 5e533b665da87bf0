"""Which part each row of data belongs to that are not as they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentia.data import Split
from latentia.data.identity import name_identities, row_identities

PARTS = ("train", "validation", "test")


def assigned(items: Split, kept: dict[str, NDArray[np.int64]]) -> tuple[NDArray[np.int64], int]:
    """The part of each row as a place in `PARTS` (or behind it, where the row is new), and how many are known by name alone.

    A row is known by its values; as often as it occurred. Of those that are left over, one is known by its name.

    Example:
        >>> kept = {"train": row_identities(np.array([[1.0], [2.0]])), "test": row_identities(np.array([[3.0]]))}
        >>> assigned(Split(np.array([[3.0], [1.0], [9.0]])), kept)[0].tolist()
        [2, 0, 3]
    """
    names = name_identities(items.names)
    part = np.full(len(items), len(PARTS), dtype=np.int64)
    free: dict[int, list[int]] = {}
    unused: dict[int, set[int]] = {}
    for i, each in enumerate(PARTS):
        for place, identity in enumerate(kept.get(each, np.empty(0, np.int64)).tolist()):
            free.setdefault(identity, []).append(i)
            if f"{each}.names" in kept:
                unused.setdefault(i, set()).add(int(kept[f"{each}.names"][place]))
    for identity in free:
        free[identity].reverse()
    for row, identity in enumerate(row_identities(items.x).tolist()):
        waiting = free.get(identity)
        if waiting:
            part[row] = waiting.pop()
            if names is not None:
                unused.get(int(part[row]), set()).discard(int(names[row]))
    renamed = 0
    if names is not None:
        owner = {name: i for i, left in unused.items() for name in left}
        for row in np.flatnonzero(part == len(PARTS)).tolist():
            if int(names[row]) in owner:
                part[row] = owner[int(names[row])]
                renamed += 1
    return part, renamed
