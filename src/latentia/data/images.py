"""Image files into arrays `[n, C, H, W]` of uint8: folders, and the decoding that all readers share."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from latentia.data.checks import encode_labels, one_line
from latentia.data.dataset import Raw, Split
from latentia.data.masks import MASKS, folder_truth
from latentia.data.picture_files import FORMATS, opened_picture
from latentia.errors import ConfigError, DataError
from latentia.guard import require_room

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_MOST_SIDE = 8192
_MOST_ENTRIES = 500_000  # of a folder and all below it that are looked at
_PARTS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_CHUNK = 64
_WORD = 65535
_ORIENTATION = 0x0112


logger = logging.getLogger("latentia")


class _ColourMet(Exception):
    """A colour image among grey ones: all become RGB."""


def check_image_size(image_size: int | None) -> None:
    """Raise `ConfigError` unless `image_size` is None or a positive number of pixels."""
    if image_size is not None and image_size < 1:
        raise ConfigError(
            f"image_size is {image_size}; it must be a positive number of pixels, for example 64"
        )
    if image_size is not None and image_size > _MOST_SIDE:
        raise ConfigError(f"image_size is {image_size}; at most {_MOST_SIDE} pixels, for example 64")


def resize(x: NDArray[Any], image_size: int) -> NDArray[Any]:
    """Cut the middle square out of images `[n, C, H, W]` (uint8, uint16 or float32) and resize it to `image_size`."""
    n, channels, height, width = x.shape
    if height == width == image_size:
        return x
    require_room(x.dtype.itemsize * n * channels * image_size**2, f"{n} images of side {image_size}")
    out = np.empty((n, channels, image_size, image_size), x.dtype)
    for i in range(n):
        for c in range(channels):
            plane = np.ascontiguousarray(x[i, c])
            if x.dtype == np.uint16:
                wide = _fit(Image.fromarray(plane.astype(np.float32)), image_size)
                out[i, c] = np.rint(np.asarray(wide)).clip(0, _WORD)
            else:
                out[i, c] = np.asarray(_fit(Image.fromarray(plane), image_size))
    return out


def _fit(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # cut before resizing: ImageOps.fit lets the filter reach pixels outside the square
    square = image.crop((left, top, left + side, top + side))
    return square if side == size else square.resize((size, size), Image.Resampling.BILINEAR)


def _upright(image: Image.Image) -> Image.Image:
    """Turn a photograph as its camera says; formats whose Exif lies behind the pixels are left alone."""
    if image.format in ("JPEG", "MPO", "WEBP") and image.getexif().get(_ORIENTATION, 1) != 1:
        return ImageOps.exif_transpose(image)
    return image


def _flat(image: Image.Image) -> Image.Image:
    """Return `image` in mode L or RGB, alpha laid on white; in mode F one of 16 bits."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I"):
        return Image.fromarray(np.asarray(image, dtype=np.float32))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        flat = Image.alpha_composite(white, colour)
        return flat.convert("L" if image.mode in _GREY_MODES else "RGB")
    return image.convert("L" if image.mode in _GREY_MODES else "RGB")


def _decode(source: Path | bytes | memoryview, name: str, size: int | None) -> NDArray[Any]:
    """Decode one image to `[C, H, W]` of uint8, or of uint16 if it holds 16 bits."""
    try:
        with opened_picture(source, name) as opened:
            image = _flat(_upright(opened))
            if opened.tile and str(opened.tile[0][3]).startswith("RGB") and ";16" in str(opened.tile[0][3]):
                logger.warning("%s has 16 bits a colour; the lower 8 are left out", name)
            pixels = np.asarray(image if size is None else _fit(image, size))
            if image.mode == "F":
                pixels = np.rint(pixels).clip(0, _WORD).astype(np.uint16)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is no image in one of the formats {', '.join(FORMATS)}, or it is damaged"
        ) from None
    except Exception as error:  # Pillow's plugins raise errors of many classes on damaged bytes
        raise DataError(f"{name} is no readable image, truncated or damaged: {one_line(error)}") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def decode_images(
    sources: Sequence[Path | bytes | memoryview], name: Callable[[int], str], image_size: int | None
) -> NDArray[Any]:
    """Decode images on all cores to `[n, C, H, W]` of uint8 (uint16 if they hold 16 bits); C is 1 if all are grey, else 3.

    Args:
        sources: files, or their contents.
        name: what to call image `i` in a message.
        image_size: side to which the middle square is resized; without it all sizes must agree.

    Raises:
        DataError: a damaged image, or two sizes and no `image_size`; names the files.
    """
    if not sources:
        return np.empty((0, 1, 0, 0), np.uint8)
    first = _decode(sources[0], name(0), image_size)
    try:
        return _decode_all(sources, name, image_size, first)
    except _ColourMet:
        return _decode_all(sources, name, image_size, np.repeat(first, 3, axis=0))


def _decode_all(
    sources: Sequence[Path | bytes | memoryview],
    name: Callable[[int], str],
    image_size: int | None,
    like: NDArray[Any],
) -> NDArray[Any]:
    require_room(len(sources) * like.nbytes, f"{len(sources)} images of {_size(like)} pixels")
    out = np.empty((len(sources), *like.shape), like.dtype)

    def fill(start: int) -> None:
        for i in range(start, min(start + _CHUNK, len(sources))):
            image = _decode(sources[i], name(i), image_size)
            if image.shape[1:] != like.shape[1:]:
                raise DataError(
                    f"images of different sizes: {name(0)} is {_size(like)}, {name(i)} is {_size(image)}"
                    " (width x height); give image_size=... (for example 64) to crop and resize all"
                )
            if image.dtype != like.dtype:
                raise DataError(
                    f"images of different depths: {name(0)} holds {8 * like.itemsize} bits, {name(i)} {8 * image.itemsize}; bring all "
                    "to the same"
                )
            if len(image) > len(out[i]):
                raise _ColourMet
            out[i] = image

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        chunks = [pool.submit(fill, start) for start in range(0, len(sources), _CHUNK)]
        try:
            for chunk in chunks:
                chunk.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return out


def _size(image: NDArray[Any]) -> str:
    return f"{image.shape[2]}x{image.shape[1]}"


def read_folder(folder: Path, image_size: int | None = None) -> Raw:
    """Read a folder of images.

    Images lie directly in it (no labels), or in subfolders, one for each class. Subfolders called `train`,
    `test` and perhaps `validation` (or `val`, `valid`) are the parts instead, each laid out in the same way. Beside images that lie
    directly in it, a subfolder `masks` holds a picture of the same name for each: the number of a pixel is that of its object.

    Raises:
        DataError: no images, images both beside and inside subfolders, mixed sizes, a damaged file.
    """
    entries = _entries(folder)
    subfolders = [entry.name for entry in entries if entry.is_dir()]
    roles = {name: _PARTS[name] for name in subfolders if name in _PARTS}
    only_parts = len(set(roles.values())) == len(subfolders) > 1 and not any(map(_is_image, entries))
    if "train" in roles and only_parts:
        listed = {roles[name]: _listed(folder / name) for name in subfolders}
    else:
        listed = {"train": _listed(folder)}
    files = [file for part in listed.values() for file, _ in part]
    x = decode_images(files, lambda i: str(files[i]), image_size)
    classes = [label for part in listed.values() for _, label in part]
    y, class_names = None, None
    if len(set(classes)) > 1 and None not in classes:
        y, class_names = encode_labels(np.array(classes), str(folder))
    names = np.array([str(file.relative_to(folder)) for file in files])
    whole = Split(x, y, names, folder_truth(folder, files, x.shape[2:], image_size))
    parts: dict[str, Split] = {}
    start = 0
    for part, members in listed.items():
        rows = np.arange(start, start + len(members))
        parts[part] = whole.subset(rows) if len(listed) > 1 else whole
        start += len(members)
    what = f"{len(files)} images" + (f" of {len(class_names)} classes" if class_names else "")
    return Raw.of_parts(parts, f"{what} from the folder {folder}{_skipped(folder, files)}", class_names)


def _skipped(folder: Path, taken: Sequence[Path]) -> str:
    """Words for the files below a folder that are none of those taken, or none."""
    known = set(taken)
    other = [file for file in sorted(folder.rglob("*")) if file.is_file() and file not in known]
    hidden = [file for file in other if any(part.startswith(".") for part in file.relative_to(folder).parts)]
    other = [file for file in other if file not in set(hidden)]
    found = []
    if other:
        shown = ", ".join(str(file.relative_to(folder)) for file in other[:3]) + (
            ", ..." if len(other) > 3 else ""
        )
        found.append(f"{len(other)} file{'s' * (len(other) > 1)} that are no images ({shown})")
    if hidden:
        found.append(f"{len(hidden)} hidden")
    return f"; skipped: {' and '.join(found)}" if found else ""


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {one_line(error)}") from None


def _below(folder: Path) -> list[Path]:
    """All files below a folder, in order; links to folders are not followed, what vanishes meanwhile is left out."""
    found: list[Path] = []
    for place, _, names in os.walk(folder):
        found += [Path(place, name) for name in names]
        if len(found) > _MOST_ENTRIES:
            raise DataError(f"{folder} holds more than {_MOST_ENTRIES} files; give a folder of images alone")
    return sorted(found)


def _listed(folder: Path) -> list[tuple[Path, str | None]]:
    """Return the image files of a folder in order, each with the subfolder (its class) it lies in, or None."""
    entries = _entries(folder)
    direct = [entry for entry in entries if _is_image(entry)]
    inside = [
        (file, entry.name)
        for entry in entries
        if entry.is_dir() and not (direct and entry.name == MASKS)
        for file in _below(entry)
        if _is_image(file)
    ]
    if direct and inside:
        raise DataError(
            f"{folder} holds images both directly ({direct[0].name}) and in subfolders ({inside[0][0]});"
            " move them into one subfolder for each class, or all into one folder"
        )
    if not direct and not inside:
        others = [entry for entry in entries if entry.is_file()]
        hint = f"; it holds {others[0].name}: give the path of that file instead" if others else ""
        raise DataError(
            f"{folder} holds no images ({', '.join(sorted(SUFFIXES))}), animations (.gif) or folders of numbered frames{hint}"
        )
    return [(file, None) for file in direct] or list(inside)
