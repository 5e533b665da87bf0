"""What arrays say of the objects in items: whose each pixel is, how many there are, where they are. It is never fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from latentia.data.masks import owners, resized
from latentia.data.pictures import axes_of
from latentia.errors import DataError

NAMES = ("masks", "counts", "states", "radius")


def truth_of(
    arrays: Mapping[str, NDArray[Any]],
    x: NDArray[Any],
    where: str,
    image_size: int | None,
    part: str = "",
    channels: str = "auto",
) -> dict[str, NDArray[Any]]:
    """What named arrays say of images `x` `[n, C, H, W]` or videos `[n, T, C, H, W]`; of a table nothing.

    * `masks`: whose each pixel is, `[n, H, W]` (of videos `[n, T, H, W]`) of whole numbers with 0 for the background, or one mask for
      each object, `[n, K, H, W]`.
    * `counts`: objects in each item, `[n]` (or in each frame).
    * `states`: numbers of each object, `[n, K, D]` (or `[n, T, K, D]`), x and y first, as shares of the image; NaN where there is none.
    * `radius`: of the objects of each item, as a share of the image, `[n]`.

    Args:
        arrays: of the file, by name; those of a part are called `masks_train`, ...
        x: items as they are stored.
        where: what holds them, for the message.
        image_size: side to which they are resized.
        part: "train", "validation" or "test", where a file holds parts.
        channels: axis of the channels, as in `latentia.data.load`.

    Raises:
        DataError: for one of another length or shape.

    Example:
        >>> import numpy as np
        >>> x = np.zeros((2, 4, 4), np.uint8)
        >>> truth_of({"masks": np.ones((2, 4, 4), int)}, x, "a.npz", None)["masks"].dtype
        dtype('uint8')
    """
    if x.ndim < 3:
        return {}
    found = {}
    for name in NAMES:
        values = arrays.get(f"{name}_{part}" if part else name)
        if values is None:
            continue
        if values.dtype.kind not in "iufb":
            raise DataError(f"{where}: {name} of type {values.dtype}; numbers are expected")
        if len(values) != len(x):
            raise DataError(f"{where}: {len(x)} items but {len(values)} {name}: there must be one for each")
        found[name] = values
    lead = x.ndim - (2 if x.ndim == 3 else 3)  # axes before those of an image: items, frames
    if "masks" in found:
        sides = _sides(x, where, channels)
        found["masks"] = resized(owners(found["masks"], lead, sides, where), image_size)
    for name, axes in (("counts", 0), ("states", 2)):
        if name in found and found[name].ndim not in (1 + axes, lead + axes):
            raise DataError(f"{where}: {name} of shape {found[name].shape} for items of shape {x.shape[1:]}")
    return found


def _sides(x: NDArray[Any], where: str, channels: str) -> tuple[int, int]:
    """Height and width of images as they are stored, with channels before or behind."""
    shape = (len(x), *x.shape[-3:]) if x.ndim > 3 else x.shape
    axes = axes_of(tuple(int(size) for size in shape), where, channels)
    height, width = shape[1:3] if axes == "last" else shape[-2:]
    return int(height), int(width)
