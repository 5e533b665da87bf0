"""Objects followed and foretold over the frames of a video, held against the true ones, and the simplest ways of foretelling.

Places and velocities are shares of the box, y downwards; velocities are of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from latentia.diagnostics.measure import Measure

HORIZONS = (1, 5, 10, 20, 40, 92)
"""Frames ahead at which errors are told."""
OBSERVED = 4
"""Frames that were seen on which the objects of a model are matched with the true ones: once, so that exchanged identities hurt."""
SUMMED = 10
"""Frames ahead over which the error is summed, as table 1 of Kossen et al. 2020 does (there in coordinates from -1 to 1: twice these)."""

Places = NDArray[np.floating]  # [n, T, K, 2]


def aligned(truth: Places, found: Places) -> Places:
    """What was found, with its objects in the order of the true ones: the one that is nearest over the first frames that were seen.

    Args:
        truth: `[n, T, K, 2]`, or states `[n, T, K, 4]` whose first two are places.
        found: the same, of as many objects; the first `OBSERVED` frames decide.

    Example:
        >>> a = np.random.default_rng(0).random((1, 6, 3, 2))
        >>> bool((aligned(a, a[:, :, [2, 0, 1]]) == a).all())
        True
    """
    out = np.empty_like(found)
    for i, (true, own) in enumerate(zip(truth, found, strict=True)):
        first = slice(0, OBSERVED)
        cost = np.linalg.norm(true[first, :, None, :2] - own[first, None, :, :2], axis=-1).mean(0)
        out[i] = own[:, linear_sum_assignment(cost)[1]]
    return out


def per_frame(truth: Places, found: Places) -> Places:
    """What was found, each frame in the order that is nearest to the true one: how well places are seen, whoever is there.

    Example:
        >>> a = np.random.default_rng(0).random((1, 6, 3, 2))
        >>> b = a.copy(); b[0, 3] = a[0, 3, [2, 0, 1]]
        >>> bool((per_frame(a, b) == a).all())
        True
    """
    frames = zip(truth.reshape(-1, *truth.shape[2:]), found.reshape(-1, *found.shape[2:]), strict=True)
    orders = [
        linear_sum_assignment(np.linalg.norm(true[:, None, :2] - own[None, :, :2], axis=-1))[1]
        for true, own in frames
    ]
    order = np.stack(orders).reshape(*found.shape[:3], 1)
    return np.take_along_axis(found, order, 2)


def distances(truth: Places, found: Places) -> NDArray[np.float64]:
    """Mean distance over the objects at each frame, `[n, T]`."""
    return np.linalg.norm(np.asarray(truth[..., :2], float) - found[..., :2], axis=-1).mean(-1)


@dataclass(frozen=True)
class Foretold:
    """Errors of places ahead.

    Attributes:
        at: frames ahead -> mean distance as a share of the box.
        summed: sum of the mean distance over the first ten frames ahead.
        curve: mean distance at each frame ahead.
    """

    at: Mapping[int, Measure]
    summed: Measure
    curve: tuple[float, ...]


def foretold(truth: Places, found: Places) -> Foretold:
    """Errors of frames ahead `[n, T, K, 2]`, objects in the same order."""
    error = distances(truth, found)
    at = {h: Measure.of(error[:, h - 1]) for h in HORIZONS if h <= error.shape[1]}
    return Foretold(at, Measure.of(error[:, :SUMMED].sum(1)), tuple(float(e) for e in error.mean(0)))


def identity_switches(truth: Places, found: Places) -> Measure:
    """How often the true object that each found one is nearest to changes, in 100 frames of a sequence.

    Example:
        >>> a = np.random.default_rng(0).random((1, 11, 2, 2))
        >>> b = a.copy(); b[:, 5:] = a[:, 5:, ::-1]
        >>> round(identity_switches(a, b).value, 6)
        10.0
    """
    rates = []
    for true, own in zip(truth, found, strict=True):
        cost = np.linalg.norm(true[:, :, None, :2] - own[:, None, :, :2], axis=-1)
        order = np.stack([linear_sum_assignment(frame)[1] for frame in cost])
        rates.append(100 * (order[1:] != order[:-1]).any(1).mean() if len(order) > 1 else np.nan)
    return Measure.of(rates)


def energy_ratio(states: NDArray[np.floating], start: NDArray[np.floating]) -> NDArray[np.float64]:
    """Kinetic energy of all objects at each frame, over that at the start; the median over sequences, `[T]`.

    Args:
        states: `[n, T, K, 4]`.
        start: the last state that was seen, `[n, K, 4]`.
    """
    energy = (np.asarray(states[..., 2:4], float) ** 2).sum((-1, -2))
    before = (np.asarray(start[..., 2:4], float) ** 2).sum((-1, -2))
    return np.median(energy / np.maximum(before, 1e-12)[:, None], 0)


def collisions(places: Places, radius: float) -> Measure:
    """Meetings of two objects in 100 frames of a sequence: their distance is least, and below 2.3 radii."""
    apart = np.linalg.norm(places[:, :, :, None, :2] - places[:, :, None, :, :2], axis=-1)
    least = (
        (apart[:, 1:-1] <= apart[:, :-2]) & (apart[:, 1:-1] < apart[:, 2:]) & (apart[:, 1:-1] < 2.3 * radius)
    )
    pairs = np.triu_indices(places.shape[2], 1)
    met = least[..., pairs[0], pairs[1]].sum(-1)
    return Measure.of(100 * met.mean(1))


def speed_distance(truth: NDArray[np.floating], found: NDArray[np.floating]) -> float:
    """Wasserstein distance of the speeds in states `[..., 4]`, as a share of the mean true speed."""
    true, own = (np.linalg.norm(states[..., 2:4], axis=-1).ravel() for states in (truth, found))
    return float(wasserstein_distance(true, own) / max(float(true.mean()), 1e-12))


# ------------------------------------------------------------------ the simplest ways of foretelling


def still(start: NDArray[np.floating], n_steps: int, radius: float) -> NDArray[np.float64]:  # noqa: ARG001  one face
    """Objects that stay where they are, `[n, n_steps, K, 4]`."""
    return np.repeat(np.asarray(start, float)[:, None], n_steps, 1)


def linear(start: NDArray[np.floating], n_steps: int, radius: float) -> NDArray[np.float64]:
    """Objects that go on as they went, `[n, n_steps, K, 4]`."""
    out = still(start, n_steps, radius)
    steps = np.arange(1, n_steps + 1)[:, None, None]
    out[..., :2] += steps * out[..., 2:4]
    return out


def reflecting(start: NDArray[np.floating], n_steps: int, radius: float) -> NDArray[np.float64]:
    """Objects that go on as they went and bounce off the walls at a distance of `radius`, `[n, n_steps, K, 4]`.

    Example:
        >>> start = np.array([[[0.8, 0.5, 0.1, 0.0]]])
        >>> reflecting(start, 3, 0.1)[0, :, 0, 0].round(3).tolist()
        [0.9, 0.8, 0.7]
    """
    out = linear(start, n_steps, radius)
    width = max(1 - 2 * radius, 1e-9)
    phase = (out[..., :2] - radius) / width
    turns = np.floor(phase).astype(np.int64)
    inside = phase - turns
    odd = turns % 2 != 0
    out[..., :2] = radius + width * np.where(odd, 1 - inside, inside)
    out[..., 2:4] = np.where(odd, -out[..., 2:4], out[..., 2:4])
    return out


MOTIONS: Mapping[str, Callable[[NDArray[np.floating], int, float], NDArray[np.float64]]] = {
    "static": still,
    "linear": linear,
    "reflecting": reflecting,
}
"""What stands beside every rollout, from the same states."""


def line_through(places: Places) -> NDArray[np.float64]:
    """State at the last of some frames, by a straight line through the places of all, `[n, K, 4]`.

    Args:
        places: `[n, T, K, 2]`, T of at least 2.

    Example:
        >>> places = np.arange(4.0)[None, :, None, None] * np.array([0.1, 0.0])
        >>> line_through(places)[0, 0].round(6).tolist()
        [0.3, 0.0, 0.1, 0.0]
    """
    places = np.asarray(places, float)
    time = np.arange(places.shape[1], dtype=float) - (places.shape[1] - 1)
    centred = time - time.mean()
    slope = np.einsum("t,ntkd->nkd", centred, places) / (centred**2).sum()
    at_end = places.mean(1) - slope * time.mean()
    return np.concatenate([at_end, slope], -1)


def motions(
    start: NDArray[np.floating], n_steps: int, radius: float, names: Sequence[str] = ()
) -> dict[str, NDArray[np.float64]]:
    """States ahead by each of the simplest ways, `[n, n_steps, K, 4]`."""
    return {name: MOTIONS[name](start, n_steps, radius) for name in names or MOTIONS}
