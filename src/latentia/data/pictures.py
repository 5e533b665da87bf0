"""Which axis of an array of images holds the channels, and on which scale its values are: one rule for files and for Python.

| values | are taken as |
| --- | --- |
| bool; whole numbers 0 ... 255 of any type | uint8 |
| whole numbers up to 65535 | uint16: 16-bit images |
| floats in [0, 1] | floats |
| all else | floats, standardised by the estimators |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError

Axes = Literal["first", "last", "flat"]
"""`[n, C, H, W]`, `[n, H, W, C]` or `[n, H, W]`."""

CHANNELS = (1, 3, 4)
MOST_CHANNELS = 16
"""An axis of more is taken for channels only if a person says so."""
_BYTE, _WORD = 255, 65535
_AT_ONCE = 1 << 22


class Pictures(NamedTuple):
    """Images on one scale.

    Attributes:
        array: `[n, C, H, W]` of uint8, uint16, float32 or float64.
        axes: where the channels were.
    """

    array: NDArray[Any]
    axes: Axes


def as_pictures(array: NDArray[Any], where: str, channels: str = "auto") -> Pictures:
    """Images `[n, C, H, W]`, their values as in the table above.

    Args:
        array: native numbers, `[n, H, W]`, `[n, C, H, W]` or `[n, H, W, C]`.
        where: what to call it in messages.
        channels: "first", "last", or "auto": the axis that can be no other (1, 3 or 4 long, or shorter than both others).

    Raises:
        DataError: if "auto" cannot tell.
        ConfigError: for another `channels`.
    """
    axes = axes_of(tuple(array.shape), where, channels)
    return Pictures(on_one_scale(in_order(array, axes)), axes)


class ChannelsFirst(np.ndarray):
    """Images `[n, C, H, W]` whose shape alone would not tell that: the mark of a reader that was told, kept by their parts."""


def marked(images: NDArray[Any]) -> NDArray[Any]:
    """Images `[n, C, H, W]`, with the mark where their shape may be read in two ways.

    Example:
        >>> type(marked(np.zeros((9, 3, 8, 3)))[2:]).__name__, type(marked(np.zeros((9, 3, 8, 8)))).__name__
        ('ChannelsFirst', 'ndarray')
    """
    try:
        axes_of(tuple(images.shape), "images")
    except DataError:
        return images.view(ChannelsFirst)
    return images


def as_array(items: Any) -> NDArray[Any]:
    """Items as a NumPy array, with the mark of `marked` where they have it."""
    array = np.asarray(items)
    return array.view(ChannelsFirst) if isinstance(items, ChannelsFirst) else array


def in_order(array: NDArray[Any], axes: Axes) -> NDArray[Any]:
    """Images `[n, C, H, W]` of images whose axes are in another order."""
    if axes == "flat":
        return array[:, None]
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if axes == "last" else array


def as_given(images: NDArray[Any], axes: Axes) -> NDArray[Any]:
    """The inverse of `in_order`."""
    if axes == "flat":
        return images[:, 0]
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)) if axes == "last" else images


def axes_from(described: Mapping[str, Any]) -> Axes:
    """The axes that are marked in what is kept of a form: `{"flat": True}`, `{"last": True}`, or neither."""
    return "flat" if described.get("flat") else "last" if described.get("last") else "first"


def axes_of(shape: tuple[int, ...], where: str, channels: str = "auto") -> Axes:
    """Where the channels of an array of images are; see `as_pictures`.

    Example:
        >>> axes_of((10, 32, 32, 3), "x"), axes_of((10, 12, 64, 64), "x"), axes_of((10, 8, 8), "x")
        ('last', 'first', 'flat')
    """
    if channels not in ("auto", "first", "last"):
        raise ConfigError(
            f"channels={channels!r}: expected 'auto', 'first' ([n, C, H, W]) or 'last' ([n, H, W, C])"
        )
    if len(shape) == 3:
        return "flat"
    if channels != "auto":
        return "first" if channels == "first" else "last"
    found = [_is_channels(shape, axis) for axis in (1, 3)]
    if found[0] == found[1]:
        found = [_is_shortest(shape, axis) for axis in (1, 3)]
    if found[0] == found[1]:
        raise DataError(
            f"{where}: images of shape {shape[1:]} may be {shape[1]} channels of {shape[2]} x {shape[3]} pixels or {shape[3]} channels "
            f"of {shape[1]} x {shape[2]}; say which: channels='first' or channels='last' (--channels first|last)"
        )
    return "first" if found[0] else "last"


def _is_channels(shape: tuple[int, ...], axis: int) -> bool:
    return shape[axis] in CHANNELS


def _is_shortest(shape: tuple[int, ...], axis: int) -> bool:
    others = [shape[other] for other in (1, 2, 3) if other != axis]
    return shape[axis] <= MOST_CHANNELS and shape[axis] < min(others)


def on_one_scale(array: NDArray[Any]) -> NDArray[Any]:
    """Images `[n, C, H, W]` in the type that the table above gives to their values."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    low, high = _span(array)
    if low < 0 or high > _WORD or (array.dtype.kind == "f" and (high <= 1 or not _whole(array))):
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    return array.astype(np.uint8 if high <= _BYTE else np.uint16)


def white_of(images: NDArray[Any]) -> int:
    """The greatest value that images of whole numbers can hold, by the bits that they use: 255, 511, ..., 4095, ..., 65535.

    Example:
        >>> white_of(np.array([0, 3000], np.uint16))
        4095
    """
    return max(_BYTE, (1 << int(images.max()).bit_length()) - 1)


def _blocks(array: NDArray[Any]) -> list[slice]:
    size = max(1, _AT_ONCE // max(1, int(np.prod(array.shape[1:]))))
    return [slice(start, start + size) for start in range(0, len(array), size)]


def _span(array: NDArray[Any]) -> tuple[float, float]:
    ends = [(array[rows].min(), array[rows].max()) for rows in _blocks(array) if array[rows].size]
    return (float(min(low for low, _ in ends)), float(max(high for _, high in ends))) if ends else (0.0, 0.0)


def _whole(array: NDArray[Any]) -> bool:
    return all(bool((array[rows] == np.rint(array[rows])).all()) for rows in _blocks(array))


Scale = Literal["pixels", "unit", "binary", "deep", "continuous"]


class Before(NamedTuple):
    """The scale of the images that a model was fitted to.

    Attributes:
        scale: bytes, floats in [0, 1], two values, 16-bit images, or any floats.
        low: the value of black, or the mean of any floats.
        high: the value of white, or the standard deviation of any floats.
    """

    scale: Scale
    low: float
    high: float


_WORDS = {
    "pixels": "8-bit images (0 ... 255)",
    "unit": "images with values in [0, 1]",
    "binary": "images of the two values {low:g} and {high:g}",
    "deep": "16-bit images (0 ... {high:g})",
    "continuous": "images with values about {low:.4g} +- {high:.4g}",
}
_FAR = 10.0  # standard deviations that the middle pixel of images on the same scale never is away


def like_before(array: NDArray[Any], before: Before, given: np.dtype[Any]) -> NDArray[Any]:
    """Later images on the scale of the first: converted where no other meaning is possible, else refused.

    Floats in [0, 1] and bytes are the same images on two scales, and so are 0/1 and 0/255.

    Args:
        array: `[n, C, H, W]`, by `on_one_scale`.
        before: what the first were.
        given: the type that a person gave.

    Raises:
        DataError: for values on another scale; names image and place of the first.
    """
    scale, low, high = before
    if not array.size:
        return array
    floats, zero_one = array.dtype.kind == "f", bool(array.min() >= 0 and array.max() <= 1)
    is_unit = (floats and zero_one) or given.kind == "b"
    if scale == "binary":
        return _two_like_before(array, before)
    if scale in ("pixels", "deep"):
        if is_unit:
            return np.rint(array * high).astype(np.uint8 if scale == "pixels" else np.uint16)
        if floats:
            raise _strange(array, (array < 0) | (array > high) | (array != np.rint(array)), before)
        if scale == "deep" and given == np.uint8 and not zero_one:
            raise _strange(array, array > 1, before, f"; these are 8-bit: scale them by {high:g}/255")
        _refuse(array, array > high, before)
        return array if scale == "pixels" else array.astype(np.uint16)
    if scale == "unit":
        if array.dtype == np.uint8 and not zero_one:
            return (array / np.float32(_BYTE)).astype(np.float32)
        _refuse(array, (array < 0) | (array > 1), before)
        return array.astype(np.float32) if not floats else array
    away = np.abs(array.astype(np.float64) - low) / high
    if float(np.median(away)) > _FAR:
        raise _strange(array, away > _FAR, before)
    return array if floats else array.astype(np.float32)


def _two_like_before(array: NDArray[Any], before: Before) -> NDArray[Any]:
    _, low, high = before
    strange = (array != low) & (array != high)
    if not strange.any():
        return array
    for of in (1, _BYTE):
        if low == 0 and bool(((array == 0) | (array == of)).all()):
            return np.where(array == of, array.dtype.type(high), array.dtype.type(0))
    raise _strange(array, strange, before)


def _refuse(array: NDArray[Any], strange: NDArray[np.bool_], before: Before) -> None:
    if strange.any():
        raise _strange(array, strange, before)


def _strange(array: NDArray[Any], strange: NDArray[np.bool_], before: Before, hint: str = "") -> DataError:
    n, channel, row, column = (int(i) for i in np.argwhere(strange)[0])
    words = _WORDS[before.scale].format(low=before.low, high=before.high)
    return DataError(
        f"image {n}, channel {channel}, row {row}, column {column} (counted from 0) has the value {array[n, channel, row, column]:g}; "
        f"the model was fitted to {words}{hint or ': bring these to the same scale'}"
    )


assert set(_WORDS) == set(get_args(Scale))
