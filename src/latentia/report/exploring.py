"""What a model can do with its items: the ways, directions and neighbours that the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia import explore
from latentia.data import Split

WAYS = ("linear", "spherical", "geodesic")
STEPS = 8
PAIRS = 2
DIMS = 8
ROWS = 6
SEARCHED = 3000


@dataclass(frozen=True)
class Exploration:
    """Rows of items, as the report draws them.

    Attributes:
        ways: `[pairs, 3, steps, *event]`: straight, on a great circle, along the training data.
        traversals: `[K, steps, *event]`, dimension by dimension, the most varied first.
        dims: which dimensions those are, `[K]`.
        ranges: their first and last value, `[K, 2]`.
        neighbours: `[n, steps, *event]`: an item and the training items whose codes are nearest.
        resampled: `[n, steps, *event]`: an item and decodings of draws from its posterior.
        names: of the items that neighbours and draws are of, `[n]`; pairs of them are the ends of the ways.
        near: names of the neighbours, `[n, steps - 1]`.
    """

    ways: NDArray[Any]
    traversals: NDArray[Any]
    dims: NDArray[np.int64]
    ranges: NDArray[np.float64]
    neighbours: NDArray[Any]
    resampled: NDArray[Any]
    names: tuple[str, ...] = ()
    near: tuple[tuple[str, ...], ...] = ()


def explored(estimator: Any, test: Split, train: Split, view: Any) -> Exploration | None:
    """Explore with items of the test part, and those of the training part as neighbours and as the way.

    Args:
        estimator: fitted.
        test: items to show.
        train: items to search.
        view: from items to what the report draws.

    Returns:
        None where there are too few items to explore.
    """
    rows = _pairs_apart(test)
    searched = train.named().take(SEARCHED)
    known, known_names = _dense(searched.x), _strings(searched.names)
    if len(rows) < 2 * PAIRS or len(known) < STEPS:
        return None
    asked = test.named().subset(list(rows))
    shown = _dense(asked.x)
    codes = np.asarray(estimator.transform(known), dtype=np.float64)
    ends = np.asarray(estimator.transform(shown), dtype=np.float64)
    times = np.linspace(0, 1, STEPS)
    paths = [
        [explore.linear(a, b, times), explore.slerp(a, b, times), explore.geodesic(a, b, codes, STEPS)]
        for a, b in zip(ends[0 : 2 * PAIRS : 2], ends[1 : 2 * PAIRS : 2], strict=True)
    ]
    ways = np.asarray(paths)
    decoded = view(estimator.inverse_transform(ways.reshape(-1, codes.shape[1])))
    dims = np.argsort(-codes.std(axis=0), kind="stable")[:DIMS]
    moved = explore.traverse(estimator, codes, dims=dims, steps=STEPS)
    nearest = explore.neighbours(codes, ends, STEPS - 1).indices
    drawn = explore.resample(estimator, shown, STEPS - 1).items
    own = view(shown)[:, None]
    event = decoded.shape[1:]
    return Exploration(
        ways=decoded.reshape(*ways.shape[:3], *event),
        traversals=view(moved.items.reshape(-1, *event)).reshape(len(dims), STEPS, *event),
        dims=moved.dims,
        ranges=moved.values[:, [0, -1]],
        neighbours=np.concatenate([own, view(known[nearest.ravel()]).reshape(*nearest.shape, *event)], 1),
        resampled=np.concatenate([own, view(drawn.reshape(-1, *event)).reshape(*nearest.shape, *event)], 1),
        names=_strings(asked.names),
        near=tuple(tuple(known_names[i] for i in places) for places in nearest),
    )


def _pairs_apart(test: Split) -> list[int]:
    """Places of a few items, neighbours of different classes where classes are known."""
    order = np.random.default_rng(0).permutation(len(test))
    if test.y is None:
        return [int(i) for i in order[:ROWS]]
    out: list[int] = []
    waiting = [int(i) for i in order[:2000]]
    while waiting and len(out) < ROWS:
        seen = {int(test.y[i]) for i in out[len(out) - len(out) % len(np.unique(test.y)) :]}
        place = next((i for i, row in enumerate(waiting) if int(test.y[row]) not in seen), 0)
        out.append(waiting.pop(place))
    return out


def _strings(names: NDArray[Any] | None) -> tuple[str, ...]:
    return () if names is None else tuple(map(str, names))


def _dense(items: Any) -> NDArray[Any]:
    return np.asarray(items.toarray() if hasattr(items, "toarray") else items)
