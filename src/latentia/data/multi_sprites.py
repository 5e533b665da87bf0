"""Sprites in company: up to a handful of coloured shapes in a picture, every factor known, drawn when asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentia.data.colours import apart, background_colours, hsv_colours, levels, white
from latentia.data.scenes import OBJECT, Scenes, count_range
from latentia.data.sprites import INSIDE
from latentia.errors import ConfigError

Colours = Literal["any", "unique", "same", "hsv", "hsv-same", "white"]
Background = Literal["colour", "grey", "black"]

_RADII = (0.11, 0.19)  # of the picture's side
_REACH = math.sqrt(2.0)  # of the farthest corner, in radii
_SUBPIXELS = 4
_AT_ONCE = 256
_MOST_TRIES = 10_000


@dataclass(frozen=True)
class MultiSprites:
    """Squares, ellipses and hearts of any colour, size and angle, one painted over the other.

    After Multi-dSprites (Kabra et al. 2019, Multi-Object Datasets): the shapes are those of `Sprites`, of a radius between 11
    and 19 % of the picture's side. All pixels are of one colour each unless `antialias` is asked for, so that to tell objects of
    unlike colours apart takes no model; with `colours="same"` it does.

    Args:
        size: side of a picture in pixels, at least 8.
        objects: fewest and most objects in a picture; each number is equally likely.
        colours: "any" (out of 125, unlike the background), "unique" (unlike each other too), "same" (one for all objects of a picture),
            "hsv" (any hue, bright; "hsv-same": one for all), "white".
        background: "colour", "grey" or "black"; a black one with white objects makes grey pictures, of one channel.
        occlusion: share of its area that each object shows at least.
        antialias: let pixels at an edge be of mixed colour.

    Raises:
        ConfigError: for a value out of its range.

    Example:
        >>> scenes = MultiSprites(size=32, objects=(2, 3)).sample(4, seed=0)
        >>> scenes.x.shape, scenes.masks.shape, set(scenes.counts.tolist()) <= {2, 3}
        ((4, 3, 32, 32), (4, 32, 32), True)
    """

    size: int = 64
    objects: tuple[int, int] = (1, 4)
    colours: Colours = "any"
    background: Background = "colour"
    occlusion: float = 0.5
    antialias: bool = False

    def __post_init__(self) -> None:
        if self.size < 8:
            raise ConfigError(f"size={self.size}: pictures of at least 8 pixels a side were expected")
        count_range("objects", self.objects, 1)
        for name, allowed in (("colours", Colours), ("background", Background)):
            if getattr(self, name) not in allowed.__args__:  # type: ignore[attr-defined]
                known = ", ".join(allowed.__args__)  # type: ignore[attr-defined]
                raise ConfigError(f"{name}={getattr(self, name)!r}: expected one of {known}")
        if not 0 <= self.occlusion < 1:
            raise ConfigError(
                f"occlusion={self.occlusion}: a share in [0, 1) of the area that stays visible is expected"
            )

    def sample(self, n: int, seed: int = 0) -> Scenes:
        """`n` pictures; the same seed gives the same bytes.

        Raises:
            ConfigError: if so many objects do not fit into a picture with that much to be seen of each.
        """
        random = np.random.default_rng(seed)
        low, high = self.objects
        counts = random.integers(low, high + 1, n)
        objects = np.zeros((n, high), OBJECT)
        parts = [np.arange(start, min(start + _AT_ONCE, n)) for start in range(0, n, _AT_ONCE)]
        fine = self.size * (_SUBPIXELS if self.antialias else 1)
        x, masks = [], []
        for rows in parts:
            owners = self._placed(random, counts[rows], objects, rows, fine)
            colours, ground = self._coloured(random, counts[rows])
            painted = np.concatenate([ground[:, None], colours], 1)[
                np.arange(len(rows))[:, None, None], owners
            ]
            x.append(self._shrunk(painted))
            masks.append(_majority(owners, high) if self.antialias else owners)
            for channel, name in enumerate("rgb"):
                objects[name][rows] = colours[..., channel] * objects["present"][rows]
        images = np.concatenate(x).transpose(0, 3, 1, 2)
        grey = self.colours == "white" and self.background == "black"
        pixels = np.ascontiguousarray(images[:, :1] if grey else images)
        return Scenes(pixels, np.concatenate(masks), counts, objects)

    def _placed(
        self,
        random: np.random.Generator,
        counts: NDArray[np.int64],
        objects: NDArray[Any],
        rows: NDArray[np.int64],
        fine: int,
    ) -> NDArray[np.uint8]:
        """Draw the objects of some pictures until enough of each shows; gives whose each pixel is, `[n, fine, fine]`."""
        owners = np.zeros((len(rows), fine, fine), np.uint8)
        todo = np.arange(len(rows))
        for _ in range(_MOST_TRIES):
            drawn = _factors(random, counts[todo], objects.shape[1])
            owner = _owners(drawn, fine)
            good = ((drawn["visible"] >= self.occlusion) | ~drawn["present"]).all(1)
            objects[rows[todo[good]]], owners[todo[good]] = drawn[good], owner[good]
            todo = todo[~good]
            if not len(todo):
                return owners
        raise ConfigError(
            f"objects={self.objects}, occlusion={self.occlusion}: so many objects do not fit into a picture with so much of each to be"
            " seen; ask for fewer, or for less"
        )

    def _coloured(
        self, random: np.random.Generator, counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Colours `[n, K, 3]` of the objects and `[n, 3]` of the grounds, as unlike as they have to be."""
        n, most = len(counts), self.objects[1]
        draw = {"white": white, "hsv": hsv_colours, "hsv-same": hsv_colours}.get(self.colours, levels)
        colours, ground = np.empty((n, most, 3), np.uint8), np.empty((n, 3), np.uint8)
        there = np.arange(most) < counts[:, None]
        todo = np.arange(n)
        for _ in range(_MOST_TRIES):
            now, below = (
                draw(random, (len(todo), most)),
                background_colours(random, len(todo), self.background),
            )
            if self.colours.endswith("same"):
                now = np.repeat(now[:, :1], most, 1)
            good = (apart(now, below[:, None]) | ~there[todo]).all(1)
            if self.colours == "unique":
                both = there[todo][:, :, None] & there[todo][:, None] & ~np.eye(most, dtype=bool)
                good &= (apart(now[:, :, None], now[:, None]) | ~both).all((1, 2))
            colours[todo[good]], ground[todo[good]] = now[good], below[good]
            todo = todo[~good]
            if not len(todo):
                return colours, ground
        raise ConfigError(f"objects={self.objects}: there are not so many colours that are unlike each other")

    def _shrunk(self, painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pictures `[n, H, W, 3]` of those of subpixels."""
        if not self.antialias:
            return painted
        blocks = painted.reshape(len(painted), self.size, _SUBPIXELS, self.size, _SUBPIXELS, 3)
        return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)


def _factors(random: np.random.Generator, counts: NDArray[np.int64], most: int) -> NDArray[Any]:
    """Objects drawn at random, `[n, K]`, so that each lies inside its picture."""
    shape = (len(counts), most)
    drawn = np.zeros(shape, OBJECT)
    drawn["present"] = np.arange(most) < counts[:, None]
    drawn["shape"] = random.integers(0, len(INSIDE), shape)
    drawn["scale"] = random.uniform(*_RADII, shape)
    drawn["rotation"] = random.uniform(0, 2 * np.pi, shape)
    margin = _REACH * drawn["scale"]
    for name in "xy":
        drawn[name] = margin + random.uniform(0, 1, shape) * (1 - 2 * margin)
    return drawn


def _owners(drawn: NDArray[Any], fine: int) -> NDArray[np.uint8]:
    """Whose each pixel is, `[n, fine, fine]`; sets `visible` of the objects, a share of their area."""
    n, most = drawn.shape
    owner = np.zeros((n, fine, fine), np.uint8)
    area = np.zeros((n, most))
    for k in range(most):
        there = np.flatnonzero(drawn["present"][:, k])
        inside = _drawn(drawn[there, k], fine)
        owner[there] = np.where(inside, np.uint8(k + 1), owner[there])
        area[there, k] = inside.sum((1, 2))
    shown = np.stack([(owner == k + 1).sum((1, 2)) for k in range(most)], 1)
    drawn["visible"] = np.where(drawn["present"], shown / np.maximum(area, 1), 0)
    return owner


def _drawn(objects: NDArray[Any], fine: int) -> NDArray[np.bool_]:
    """Which pixels lie in each object, `[m, fine, fine]`."""
    at = ((np.arange(fine) + 0.5) / fine).astype(np.float32)
    x, y, scale, angle = (objects[name][:, None, None] for name in ("x", "y", "scale", "rotation"))
    right, up = (at[None, None] - x) / scale, (y - at[None, :, None]) / scale
    u, v = np.cos(angle) * right + np.sin(angle) * up, np.cos(angle) * up - np.sin(angle) * right
    inside = np.zeros(u.shape, dtype=bool)
    for number, test in enumerate(INSIDE):
        which = objects["shape"] == number
        inside[which] = test(u[which], v[which])
    return inside


def _majority(owners: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Whose most of each pixel is, of those of its subpixels."""
    n, fine, _ = owners.shape
    blocks = owners.reshape(n, fine // _SUBPIXELS, _SUBPIXELS, fine // _SUBPIXELS, _SUBPIXELS)
    shares = np.stack([(blocks == k).sum((2, 4)) for k in range(most + 1)])
    return shares.argmax(0).astype(np.uint8)
