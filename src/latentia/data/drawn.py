"""The named sets that are drawn when asked for: sprites, scenes and videos of which everything is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from latentia.data.balls import Balls
from latentia.data.dataset import Raw, Split
from latentia.data.digits import digit_images
from latentia.data.multi_digits import MultiDigits
from latentia.data.multi_sprites import MultiSprites
from latentia.data.sprites import SHAPES, Sprites
from latentia.data.tetrominoes import Tetrominoes

_TEST_SHARE = 6  # one in so many scenes of digits is a test picture; of videos see `_videos`
_TRAIN_VIDEOS = 1000

PRESETS: Mapping[str, MultiSprites | Tetrominoes] = {
    "multi-dsprites": MultiSprites(),
    "multi-dsprites-grey": MultiSprites(objects=(2, 5), colours="hsv", background="grey"),
    "multi-dsprites-binary": MultiSprites(objects=(2, 3), colours="white", background="black"),
    "multi-dsprites-32": MultiSprites(size=32),
    "multi-dsprites-same": MultiSprites(colours="same"),
    "multi-dsprites-grey-same": MultiSprites(objects=(2, 5), colours="hsv-same", background="grey"),
    "tetrominoes": Tetrominoes(),
}
"""Scenes by name, each of its usual size."""


def draw(name: str, n: int, size: int) -> Raw:
    """The items of a named set, the same each time.

    Args:
        name: of the set.
        n: items, over all parts.
        size: side of a picture.
    """
    if name in PRESETS:
        scenes = replace(PRESETS[name], size=size).sample(n, seed=0)
        return Raw(scenes.split(), source=f"{n} pictures drawn by {replace(PRESETS[name], size=size)}")
    return _MAKERS[name](n, size)


def _sprites(n: int, size: int) -> Raw:
    grid = Sprites(size=size)
    rows = np.random.default_rng(0).choice(len(grid), size=n, replace=False)
    factors = grid.factors(rows)
    split = Split(grid.images(factors), factors[:, 0])
    return Raw(split, class_names=SHAPES, source=f"{len(split)} pictures out of {len(grid)}")


def _digits(n: int, size: int) -> Raw:
    parts = {"train": n - n // _TEST_SHARE, "test": n // _TEST_SHARE}
    sources = {part: digit_images(part) for part in parts}
    side = sources["train"].shape[-1]
    maker = MultiDigits(size=size, scale=(1.3 * side / 28 * 50 / size, 0.1 * side / 28 * 50 / size))
    splits = {
        part: maker.sample(count, seed=i, source=sources[part]).split()
        for i, (part, count) in enumerate(parts.items())
    }
    return Raw.of_parts(splits, f"{n} pictures drawn by {maker} from digits of {side} x {side} pixels")


def _videos(kind: Any, n: int, size: int) -> Raw:
    maker = Balls(kind, size=size)
    counts = {"train": min(_TRAIN_VIDEOS, n - 1), "test": n - min(_TRAIN_VIDEOS, n - 1)}
    splits = {part: maker.sample(m, seed=i).split() for i, (part, m) in enumerate(counts.items())}
    return Raw.of_parts(splits, f"{n} sequences drawn by {maker}")


_MAKERS: Mapping[str, Callable[[int, int], Raw]] = {
    "sprites": _sprites,
    "multi-digits": _digits,
    **{kind: partial(_videos, kind) for kind in ("billiards", "gravity", "drift")},
}
