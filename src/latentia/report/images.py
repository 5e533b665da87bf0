"""Pixels: images of a data set as small PNG tiles for the page, and as mosaics for the figures folder."""

from __future__ import annotations

import numpy as np
from PIL import Image

from latentia.report.theme import encode

LARGE_IMAGE = 48
"""From this size on images are shown larger, and smoothly."""
_MIN_TILE = 96
_GAP = 4


def is_image(event_shape: tuple[int, ...]) -> bool:
    """Whether a datum is an image, `[C, H, W]`."""
    return len(event_shape) == 3


def pixels(images: np.ndarray) -> np.ndarray:
    """Images `[n, C, H, W]` (uint8, or floats in [0, 1]) as uint8 `[n, H, W, 3]`.

    One channel is drawn grey and three as RGB; of any other number of channels the mean is drawn. Values outside
    [0, 1] are clipped and NaN is drawn black.

    >>> pixels(np.array([[[[0.0, 1.0]]]])).tolist()
    [[[[0, 0, 0], [255, 255, 255]]]]
    """
    values = np.asarray(images)
    if values.dtype != np.uint8:
        values = np.clip(np.nan_to_num(values.astype(np.float64), posinf=1.0), 0.0, 1.0) * 255
    if values.shape[1] != 3:
        values = np.repeat(values.mean(axis=1, keepdims=True), 3, axis=1)
    return np.ascontiguousarray(np.rint(values).astype(np.uint8).transpose(0, 2, 3, 1))


def enlarged(tile: np.ndarray, minimum: int = _MIN_TILE) -> np.ndarray:
    """A tile `[H, W, 3]` enlarged by a whole factor (nearest neighbour) until its longer side is `minimum` pixels."""
    factor = max(1, -(-minimum // max(tile.shape[:2])))
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def mosaic(rows: list[np.ndarray], background: int = 255) -> bytes:
    """A grid of tiles as PNG: each entry of `rows` is `[columns, H, W, 3]`, rows may differ in length."""
    large = [[enlarged(tile) for tile in row] for row in rows]
    height, width = large[0][0].shape[:2]
    columns = max(len(row) for row in large)
    shape = (len(large) * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3)
    sheet = np.full(shape, background, dtype=np.uint8)
    for i, row in enumerate(large):
        for j, tile in enumerate(row):
            top, left = i * (height + _GAP) + _GAP, j * (width + _GAP) + _GAP
            sheet[top : top + height, left : left + width] = tile
    return encode(Image.fromarray(sheet))


def square(tiles: np.ndarray) -> list[np.ndarray]:
    """Tiles `[n, H, W, 3]` cut into the rows of a grid about as wide as it is high."""
    columns = max(1, int(np.ceil(np.sqrt(len(tiles)))))
    return [tiles[start : start + columns] for start in range(0, len(tiles), columns)]


def tile_png(tile: np.ndarray) -> bytes:
    """One tile `[H, W, 3]` as a PNG of its own size; the browser enlarges it."""
    grey = (tile == tile[..., :1]).all()
    return encode(Image.fromarray(tile[..., 0] if grey else tile))
