"""From one code to another: straight, on a great circle, among four corners, or along the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError
from latentia.explore.arranged import arranged, together
from latentia.explore.protocol import Coder, as_code, as_codes

Method = Literal["linear", "spherical", "geodesic"]
METHODS: tuple[Method, ...] = ("linear", "spherical", "geodesic")

_NEARLY_PARALLEL = 1e-7  # radians from 0 or pi: closer, sin(angle) has lost half of its digits


@dataclass(frozen=True)
class Interpolation:
    """A way through latent space and what it decodes to.

    Attributes:
        codes: `[steps, D]` (of `bilinear`: `[rows, columns, D]`); ends are the very codes that were given.
        items: their decodings, `[steps, *event]` (`[rows, columns, *event]`); of a table of unlike columns a frame, a row a step (of a grid
            with an index of rows and columns).
    """

    codes: NDArray[np.float64]
    items: NDArray[Any]


def linear(a: Any, b: Any, t: Any) -> NDArray[np.float64]:
    """(1 - t) a + t b for each t, `[T, D]`, exact at t = 0 and 1.

    >>> linear([0.0, 0.0], [2.0, 4.0], [0.0, 0.25, 1.0]).tolist()
    [[0.0, 0.0], [0.5, 1.0], [2.0, 4.0]]
    """
    a, b, t = _ends(a, b, t)
    return _exact_ends((1 - t)[:, None] * a + t[:, None] * b, a, b, t)


def slerp(a: Any, b: Any, t: Any) -> NDArray[np.float64]:
    r"""Spherical interpolation, `[T, D]`: constant angular speed from a to b, exact at t = 0 and 1.

    .. math:: \frac{\sin((1-t)\omega)}{\sin\omega} a + \frac{\sin(t\omega)}{\sin\omega} b,
        \quad \cos\omega = \frac{a \cdot b}{|a||b|}

    Where that is 0/0: codes of equal direction, or one of them zero, are joined by a straight line (the limit of the
    formula); of opposite ones every great circle is a shortest way, and the one through the coordinate axis that is
    most nearly orthogonal to them is taken, lengths changing linearly. In one dimension, where there is no such circle,
    opposite codes are joined by a straight line. Nearly opposite codes of unequal length swing far out on the way: that is
    in the formula.

    Args:
        a: `[D]`.
        b: `[D]`.
        t: numbers in [0, 1], `[T]`.

    Raises:
        DataError: if a and b differ in shape, or are not finite.

    Source: Shoemake 1985, "Animating rotation with quaternion curves"; in latent space White 2016.

    >>> slerp([1.0, 0.0], [0.0, 1.0], [0.0, 0.5, 1.0]).round(4).tolist()
    [[1.0, 0.0], [0.7071, 0.7071], [0.0, 1.0]]
    """
    a, b, t = _ends(a, b, t)
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if length_a == 0 or length_b == 0:
        return linear(a, b, t)
    unit_a, unit_b = a / length_a, b / length_b
    # accurate for all angles, unlike arccos of the product (Kahan)
    angle = 2 * math.atan2(float(np.linalg.norm(unit_a - unit_b)), float(np.linalg.norm(unit_a + unit_b)))
    if angle < _NEARLY_PARALLEL or (angle > math.pi - _NEARLY_PARALLEL and len(a) == 1):
        return linear(a, b, t)
    if angle > math.pi - _NEARLY_PARALLEL:
        length = ((1 - t) * length_a + t * length_b)[:, None]
        turn = (math.pi * t)[:, None]
        path = length * (np.cos(turn) * unit_a + np.sin(turn) * _orthogonal(unit_a))
    else:
        path = (np.sin((1 - t) * angle)[:, None] * a + np.sin(t * angle)[:, None] * b) / math.sin(angle)
    return _exact_ends(path, a, b, t)


def bilinear(corners: Any, rows: int, columns: int) -> NDArray[np.float64]:
    """A grid `[rows, columns, D]` among four codes `[4, D]`: top left, top right, bottom left, bottom right.

    >>> bilinear([[0.0], [2.0], [4.0], [6.0]], 3, 2)[..., 0].tolist()
    [[0.0, 2.0], [2.0, 4.0], [4.0, 6.0]]
    """
    corners = as_codes(corners, "corners")
    if len(corners) != 4:
        raise DataError(f"corners: {len(corners)} codes given, expected 4 (top left, top right, bottom two)")
    down = steps_between(rows, "rows")
    left, right = linear(corners[0], corners[2], down), linear(corners[1], corners[3], down)
    across = steps_between(columns, "columns")
    return np.stack([linear(start, end, across) for start, end in zip(left, right, strict=True)])


def geodesic(a: Any, b: Any, codes: Any, steps: int, n_neighbours: int = 10) -> NDArray[np.float64]:
    """A way `[steps, D]` from a to b that stays near the data: the shortest one from neighbour to neighbour.

    a, b and the codes are the nodes of a graph in which each is joined to its nearest neighbours by edges as long as
    their distance; the shortest path (Dijkstra) is walked at constant speed. If the graph falls into pieces that part a
    from b, neighbours are doubled until it does not.

    Args:
        a: `[D]`.
        b: `[D]`.
        codes: the data, `[n, D]`.
        steps: points on the way, ends included; at least 2.
        n_neighbours: to begin with.

    Raises:
        ConfigError: if `steps` is below 2 or `n_neighbours` below 1.

    Source: Tenenbaum, de Silva and Langford 2000 (Isomap); as interpolation between images, Chen et al. 2019
    ("Fast approximate geodesics for deep generative models").

    >>> arc = np.linspace(0, np.pi, 181)
    >>> circle = np.stack([np.cos(arc), np.sin(arc)], 1)
    >>> geodesic([1.0, 0.0], [-1.0, 0.0], circle, 3, n_neighbours=2).round(3)[:, 1].tolist()
    [0.0, 1.0, 0.0]
    """
    from scipy.sparse.csgraph import dijkstra
    from sklearn.neighbors import kneighbors_graph

    times = steps_between(steps, "steps")
    a, b, _ = _ends(a, b, times)
    codes = as_codes(codes, "codes")
    if codes.shape[1] != len(a):
        raise DataError(f"codes have {codes.shape[1]} dimensions, the ends {len(a)}; they must agree")
    if n_neighbours < 1:
        raise ConfigError(f"n_neighbours={n_neighbours}: at least 1 is needed")
    nodes = np.unique(
        np.concatenate([np.stack([a, b]), codes]), axis=0
    )  # an edge of length 0 would be no edge
    if len(nodes) == 1:
        return np.repeat(a[None], steps, axis=0)
    start, end = (int(np.flatnonzero((nodes == point).all(1))[0]) for point in (a, b))
    k = min(n_neighbours, len(nodes) - 1)
    while True:
        graph = kneighbors_graph(nodes, k, mode="distance")
        distance, before = dijkstra(graph, directed=False, indices=np.array(start), return_predecessors=True)
        if np.isfinite(distance[end]):
            break
        k = min(2 * k, len(nodes) - 1)
    way = [end]
    while way[-1] != start:
        way.append(int(before[way[-1]]))
    path = nodes[way[::-1]]
    at = np.interp(times * distance[end], distance[way[::-1]], np.arange(len(path)))
    whole = np.minimum(at.astype(int), max(len(path) - 2, 0))
    part = (at - whole)[:, None]
    walked = (1 - part) * path[whole] + part * path[np.minimum(whole + 1, len(path) - 1)]
    return _exact_ends(walked, a, b, times)


def interpolate(
    estimator: Coder, a: Any, b: Any, steps: int = 8, method: Method = "linear", data: Any = None
) -> Interpolation:
    """Items on the way from item a to item b, by way of their codes.

    Args:
        estimator: fitted.
        a: one item, `[*event]`; of a table of unlike columns, a frame of one row, or a row of one.
        b: another.
        steps: items on the way, both ends (that is, their reconstructions) included; at least 2.
        method: "linear", "spherical" (see `slerp`) or "geodesic" (see `geodesic`).
        data: of "geodesic": the items along which to go, `[n, *event]`, a few hundred at least.

    Raises:
        ConfigError: for an unknown method, or "geodesic" without data.
        DataError: for items that the estimator cannot take.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> from sklearn.decomposition import PCA
        >>> X = load_wine().data
        >>> interpolate(PCA(2).fit(X), X[0], X[1], steps=5).items.shape
        (5, 13)
    """
    if method not in METHODS:
        raise ConfigError(f"method={method!r} is unknown; give one of {', '.join(METHODS)}")
    ends = estimator.transform(together([a, b]))
    times = steps_between(steps, "steps")
    if method == "geodesic":
        if data is None:
            raise ConfigError("method='geodesic' goes along data: give them as data=X")
        codes = geodesic(ends[0], ends[1], estimator.transform(data), steps)
    else:
        codes = (linear if method == "linear" else slerp)(ends[0], ends[1], times)
    return Interpolation(codes, estimator.inverse_transform(codes))


def interpolate_grid(estimator: Coder, corners: Any, rows: int = 8, columns: int = 8) -> Interpolation:
    """Items on a grid among four items `[4, *event]`; see `bilinear` for their order."""
    given = corners if isinstance(corners, pd.DataFrame) else np.asarray(corners)
    codes = bilinear(estimator.transform(given), rows, columns)
    items = estimator.inverse_transform(codes.reshape(rows * columns, -1))
    return Interpolation(codes, arranged(items, (rows, columns), ("row", "column")))


def steps_between(steps: int, name: str) -> NDArray[np.float64]:
    """`steps` numbers from 0 to 1; raises `ConfigError` for fewer than 2."""
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ConfigError(f"{name}={steps!r}: expected a whole number of at least 2, the two ends")
    return np.linspace(0.0, 1.0, steps)


def _ends(a: Any, b: Any, t: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    a, b, t = as_code(a, "a"), as_code(b, "b"), as_code(t, "t")
    if a.shape != b.shape:
        raise DataError(f"codes of {len(a)} and {len(b)} dimensions cannot be joined; they must agree")
    return a, b, t


def _exact_ends(
    path: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    path[t == 0] = a
    path[t == 1] = b
    return path


def _orthogonal(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """A unit vector orthogonal to another: its least parallel coordinate axis, made orthogonal."""
    axis = np.zeros_like(unit)
    axis[np.abs(unit).argmin()] = 1.0
    rest = axis - (axis @ unit) * unit
    return rest / np.linalg.norm(rest)
