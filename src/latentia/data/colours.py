"""Colours of objects and grounds, drawn at random and told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LEVELS = np.array([0, 63, 127, 191, 255], np.uint8)
_APART = 76  # levels in some channel by which two colours differ


def levels(random: np.random.Generator, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Colours out of 125, five levels a channel, `[*shape, 3]`."""
    return _LEVELS[random.integers(0, len(_LEVELS), (*shape, 3))]


def hsv_colours(random: np.random.Generator, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Colours of any hue, with saturation and value of at least a half, `[*shape, 3]`."""
    hue = random.uniform(0, 1, shape)[..., None]
    saturation, value = (random.uniform(0.5, 1, shape)[..., None] for _ in range(2))
    place = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    short = np.clip(np.minimum(place, 4 - place), 0, 1)
    return np.rint(255 * value * (1 - saturation * short)).astype(np.uint8)


def white(random: np.random.Generator, shape: Sequence[int]) -> NDArray[np.uint8]:  # noqa: ARG001  a way to draw, like the others
    """White, `[*shape, 3]`."""
    return np.full((*shape, 3), 255, np.uint8)


def background_colours(random: np.random.Generator, n: int, kind: str) -> NDArray[np.uint8]:
    """Colours of grounds, `[n, 3]`: "colour", "grey" of any level, or "black"."""
    if kind == "colour":
        return levels(random, (n,))
    if kind == "grey":
        return np.repeat(random.integers(0, 256, (n, 1)), 3, 1).astype(np.uint8)
    return np.zeros((n, 3), np.uint8)


def apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether two colours differ by more than 76 levels in some channel.

    >>> apart(np.array([[0, 0, 0]], np.uint8), np.array([[76, 0, 0], [0, 77, 0]], np.uint8)).tolist()
    [False, True]
    """
    return np.asarray((np.abs(a.astype(np.int16) - b.astype(np.int16)) > _APART).any(-1))


PALETTE = np.array(
    [
        [230, 57, 70], [69, 123, 255], [46, 204, 113], [255, 209, 59], [178, 102, 255], [64, 224, 224],
    ], np.uint8,
)  # fmt: skip
"""Six colours that stay apart; a seventh object begins again."""
