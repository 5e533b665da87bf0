"""Image sequences: arrays `[n, T, C, H, W]`, folders of folders of numbered frames, and animations.

A folder is read as sequences, not as images of classes, where it holds `.gif` files or animated `.webp`s, or where the pictures of
every subfolder are numbered without a gap and either called `frame...` or their subfolders are numbered too (`clip_3/17.png`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageSequence, UnidentifiedImageError

from latentia.data.checks import one_line
from latentia.data.dataset import Raw, Split
from latentia.data.items import Ragged
from latentia.data.picture_files import opened_picture
from latentia.errors import DataError
from latentia.guard import require_room

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_NUMBER = re.compile(r"(\d+)$")
_FRAME = re.compile(r"^frame[-_ ]?\d+$", re.IGNORECASE)
_FEWEST = 2  # frames of a folder that is taken for a sequence


def as_frames(array: NDArray[Any], to_images: Callable[[NDArray[Any]], NDArray[Any]]) -> Ragged:
    """Videos `[n, T, C, H, W]` or `[n, T, H, W, C]` as sequences of frames.

    Args:
        array: the videos.
        to_images: from frames `[n T, ...]` to images `[n T, C, H, W]`, checked.
    """
    n, frames = array.shape[:2]
    images = to_images(np.asarray(array).reshape(n * frames, *array.shape[2:]))
    return Ragged(images, np.arange(n + 1) * frames)


def natural(path: Path) -> tuple[Any, ...]:
    """A key by which 2 comes before 10.

    >>> sorted(["f10", "f2"], key=lambda name: natural(Path(name)))
    ['f2', 'f10']
    """
    return tuple(int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name))


def read_videos(folder: Path, image_size: int | None) -> Raw | None:
    """The sequences of a folder; None where it is not laid out as sequences.

    Raises:
        DataError: frames of different sizes, a damaged file.
    """
    animations, sequences = _laid_out(folder)
    if animations:
        return read_animations(animations, folder, image_size)
    return _of_files(sequences, folder, image_size) if sequences else None


def holds_videos(folder: Path) -> bool:
    """Whether a folder is laid out as sequences.

    Raises:
        DataError: if it cannot be read.
    """
    return any(_laid_out(folder))


def _laid_out(folder: Path) -> tuple[list[Path], list[tuple[Path, list[Path]]]]:
    """The animations of a folder, or its folders of frames; neither where it is not laid out as sequences."""
    try:
        entries = sorted((e for e in folder.iterdir() if not e.name.startswith(".")), key=natural)
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {one_line(error)}") from None
    animations = [e for e in entries if e.suffix.lower() == ".gif"] or _animated(entries)
    if animations:
        return animations, []
    sequences = [(entry, _frames(entry)) for entry in entries if entry.is_dir()]
    if not sequences or any(_is_picture(entry) for entry in entries):
        return [], []
    if not all(_in_sequence(files) for _, files in sequences):
        return [], []
    named = all(_FRAME.match(file.stem) for _, files in sequences for file in files)
    numbered = all(_NUMBER.search(entry.name) for entry, _ in sequences)
    digits = all(file.stem.isdigit() for _, files in sequences for file in files)
    return [], sequences if named or (numbered and digits) else []


def _of_files(sequences: Sequence[tuple[Path, list[Path]]], folder: Path, image_size: int | None) -> Raw:
    from latentia.data.images import decode_images

    files = [file for _, frames in sequences for file in frames]
    x = decode_images(files, lambda i: str(files[i]), image_size)
    offsets = np.cumsum([0, *(len(frames) for _, frames in sequences)])
    names = np.array([entry.name for entry, _ in sequences])
    source = f"{len(sequences)} sequences ({_lengths(offsets)}) from the folder {folder}"
    return Raw(Split(Ragged(x, offsets), names=names), source=source)


def read_animations(files: Sequence[Path], place: Path, image_size: int | None) -> Raw:
    """Animated pictures, a sequence each: palettes become RGB (grey, if all is grey), and what is transparent is dropped.

    Raises:
        DataError: a damaged file, or frames of two sizes and no `image_size`.
    """
    sequences = [_decoded(file, image_size) for file in files]
    sizes = {frames.shape[1:]: file for frames, file in zip(sequences, files, strict=True)}
    if len(sizes) > 1:
        (a, one), (b, other) = list(sizes.items())[:2]
        raise DataError(
            f"animations of different sizes: {one} is {a[2]}x{a[1]}, {other} is {b[2]}x{b[1]} (width x height); give image_size=... (for"
            " example 64) to crop and resize all"
        )
    x = np.concatenate(sequences)
    if (x == x[:, :1]).all():
        x = np.ascontiguousarray(x[:, :1])
    offsets = np.cumsum([0, *map(len, sequences)])
    colour = "grey" if x.shape[1] == 1 else "RGB"
    source = f"{len(files)} animations ({_lengths(offsets)}; palettes as {colour}, transparency dropped) from {place}"
    return Raw(Split(Ragged(x, offsets), names=np.array([file.name for file in files])), source=source)


def _decoded(file: Path, image_size: int | None) -> NDArray[np.uint8]:
    """The frames of an animation, `[T, 3, H, W]`."""
    from latentia.data.images import resize

    try:
        with opened_picture(file, str(file), ("GIF", "WEBP")) as opened:
            frames = []
            for frame in ImageSequence.Iterator(opened):
                frames.append(np.asarray(frame.convert("RGB"), dtype=np.uint8))
                require_room(2 * len(frames) * frames[0].nbytes, f"{file}, of {len(frames)} frames and more,")
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{file} does not exist") from None
    except Exception as error:  # Pillow's plugins raise errors of many classes on damaged bytes
        what = "it holds no picture" if isinstance(error, UnidentifiedImageError) else one_line(error)
        raise DataError(f"{file} is no readable animation, truncated or damaged: {what}") from None
    images = np.ascontiguousarray(np.stack(frames).transpose(0, 3, 1, 2))
    return images if image_size is None else resize(images, image_size)


def _animated(entries: Sequence[Path]) -> list[Path]:
    """All files, if they are `.webp`s with more than one frame each."""
    files = [entry for entry in entries if entry.is_file()]
    if not files or any(file.suffix.lower() != ".webp" for file in files):
        return []
    for file in files:
        try:
            with opened_picture(file, str(file)) as opened:
                if getattr(opened, "n_frames", 1) < 2:
                    return []
        except Exception:  # a damaged picture is told of where pictures are read
            return []
    return files


def _frames(folder: Path) -> list[Path]:
    return sorted((file for file in folder.iterdir() if _is_picture(file)), key=natural)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _PICTURES and not path.name.startswith(".") and path.is_file()


def _in_sequence(files: Sequence[Path]) -> bool:
    """Whether pictures are numbered without a gap, from 0 or 1 on."""
    found = [_NUMBER.search(file.stem) for file in files]
    numbers = [int(match[1]) for match in found if match]
    return (
        len(files) >= _FEWEST
        and len(numbers) == len(files)
        and numbers
        in (
            list(range(len(files))),
            list(range(1, len(files) + 1)),
        )
    )


def _lengths(offsets: NDArray[np.int64]) -> str:
    lengths = np.diff(offsets)
    low, high = int(lengths.min()), int(lengths.max())
    return f"{low} frames each" if low == high else f"{low} to {high} frames"
