"""Masks of objects as one number a pixel: 0 the background, i the i-th object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentia.data.picture_files import opened_picture
from latentia.errors import DataError

MASKS = "masks"
"""Name of the folder that lies beside images."""
_MOST = 255
_SUFFIXES = (".png", ".bmp", ".webp")


def owners(masks: NDArray[Any], lead: int, sides: tuple[int, int], where: str) -> NDArray[np.uint8]:
    """Whose each pixel is, uint8 `[*lead, H, W]`, of masks in that form, or of one mask for each object, `[*lead, K, H, W]`.

    Of one mask each, a pixel is the object's whose mask is the largest there. Where all pixels have an owner, the first is taken
    for the background.

    Raises:
        DataError: for another shape, or numbers that are no whole numbers of at least 0.

    Example:
        >>> owners(np.array([[[[1, 0]], [[0, 1]]]]), 1, (1, 2), "x").tolist()
        [[[0, 1]]]
        >>> owners(np.array([[[[1, 0]], [[0, 0]]]]), 1, (1, 2), "x").tolist()
        [[[1, 0]]]
    """
    if tuple(masks.shape[-2:]) != tuple(sides) or masks.ndim not in (lead + 2, lead + 3):
        raise DataError(
            f"{where}: masks of shape {masks.shape} for images of {sides[1]} x {sides[0]} pixels; expected one number a pixel, or a mask"
            " for each object"
        )
    if masks.ndim == lead + 3:
        covered = masks.max(-3) > 0
        numbers = masks.argmax(-3)
        masks = numbers if covered.all() else np.where(covered, numbers + 1, 0)
    if masks.dtype.kind == "f" and (masks != np.rint(masks)).any():
        raise DataError(f"{where}: masks hold fractions; expected whole numbers, 0 for the background")
    low, high = int(masks.min(initial=0)), int(masks.max(initial=0))
    if low < 0 or high > _MOST:
        raise DataError(f"{where}: masks hold numbers from {low} to {high}; expected 0 to {_MOST}")
    return np.ascontiguousarray(masks).astype(np.uint8)


def resized(masks: NDArray[np.uint8], image_size: int | None) -> NDArray[np.uint8]:
    """Masks `[..., H, W]` whose middle square has so many pixels a side, as images are resized; None: as they are."""
    height, width = masks.shape[-2:]
    if image_size is None or height == width == image_size:
        return masks
    flat = masks.reshape(-1, height, width)
    out = np.stack([_fitted(Image.fromarray(mask), image_size) for mask in flat])
    return out.reshape(*masks.shape[:-2], image_size, image_size)


def _fitted(mask: Image.Image, size: int) -> NDArray[np.uint8]:
    side = min(mask.size)
    left, top = (mask.width - side) // 2, (mask.height - side) // 2
    square = mask.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.NEAREST), dtype=np.uint8)


def folder_truth(
    folder: Path, files: Sequence[Path], sides: Sequence[int], image_size: int | None
) -> dict[str, NDArray[np.uint8]]:
    """Masks from a folder `masks` beside images, a picture of the same name for each; nothing where there is no such folder.

    The number of a pixel is its index in a palette, or its grey level.

    Raises:
        DataError: for an image without a mask, or one of another size.
    """
    place = folder / MASKS
    if not place.is_dir() or any(file.parent != folder for file in files):
        return {}
    found = {file.stem: file for file in sorted(place.iterdir()) if file.suffix.lower() in _SUFFIXES}
    out = []
    for file in files:
        if file.stem not in found:
            raise DataError(
                f"{file} has no mask: {place / file.stem}.png was expected (or no folder {MASKS} at all)"
            )
        mask = _numbers(found[file.stem])
        if image_size is None and mask.shape != tuple(sides):
            raise DataError(
                f"{found[file.stem]} is {mask.shape[1]}x{mask.shape[0]}, its image {sides[1]}x{sides[0]}: they must agree"
            )
        out.append(resized(mask, image_size))
    return {MASKS: np.stack(out)} if out else {}


def _numbers(path: Path) -> NDArray[np.uint8]:
    """The number of each pixel of a mask."""
    try:
        with opened_picture(path, str(path)) as opened:
            image = opened if opened.mode in ("P", "L", "1") else opened.convert("L")
            return np.asarray(image, dtype=np.uint8)
    except DataError:
        raise
    except Exception as error:  # Pillow's plugins raise errors of many classes on damaged bytes
        raise DataError(f"{path} is no readable mask: {' '.join(str(error).split())}") from None
