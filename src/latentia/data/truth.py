"""What arrays say of the objects in items: whose each pixel is, how many there are, where they are. It is never fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.masks import owners, resized
from latentia.data.pictures import axes_of
from latentia.errors import DataError

NAMES = ("masks", "counts", "states", "radius")
_FORMS = {"counts": (0, "[n]"), "states": (2, "[n, objects, numbers], x and y first"), "radius": (0, "[n]")}
"""Axes behind those of items and frames, and what to say of them."""


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
        if found["masks"].shape[1:lead] != x.shape[1:lead]:
            raise DataError(
                f"{where}: masks of {found['masks'].shape[1]} frames for videos of {x.shape[1]}: there must be one for each"
            )
        found["masks"] = resized(owners(found["masks"], lead, sides, where), image_size)
    for name, (axes, form) in _FORMS.items():
        values = found.get(name)
        if values is not None and not _agrees(values, x, lead, axes):
            raise DataError(
                f"{where}: {name} of shape {values.shape} for items of shape {x.shape[1:]}; expected {form}"
                + (", with the frames of the videos behind n" if lead > 1 and name != "radius" else "")
            )
    for name, values in found.items():
        _check_numbers(name, values, where)
    return found


def _agrees(values: NDArray[Any], x: NDArray[Any], lead: int, axes: int) -> bool:
    """Whether an array says something of each item, or, of all but numbers of an item, of each of its frames."""
    if values.ndim == 1 + axes:
        return True
    return values.ndim == lead + axes and values.shape[:lead] == x.shape[:lead]


def _check_numbers(name: str, values: NDArray[Any], where: str) -> None:
    """Raise `DataError` where what is said cannot be true."""
    if name == "masks":
        return
    if name == "counts":
        wrong, expected = (
            ~np.isfinite(values) | (values < 0) | (values != np.floor(values)),
            "whole numbers of at least 0",
        )
    elif name == "radius":
        wrong, expected = ~((values > 0) & (values < 1)), "shares of the image between 0 and 1"
    else:
        wrong, expected = np.isinf(values), "shares of the image, or NaN where there is no object"
    if wrong.any():
        at = tuple(int(place) for place in np.argwhere(wrong)[0])
        raise DataError(
            f"{where}: {name} of item {at[0] + 1} (counted from 1) hold {values[at]:g}; expected {expected}"
        )


def _sides(x: NDArray[Any], where: str, channels: str) -> tuple[int, int]:
    """Height and width of images as they are stored, with channels before or behind."""
    shape = (len(x), *x.shape[-3:]) if x.ndim > 3 else x.shape
    axes = axes_of(tuple(int(size) for size in shape), where, channels)
    height, width = shape[1:3] if axes == "last" else shape[-2:]
    return int(height), int(width)
