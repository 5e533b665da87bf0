"""Videos as an animated picture: side by side, what was seen, then, framed, what is foretold."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentia.files import write_atomically
from latentia.report.images import pixels
from latentia.report.theme import LIGHT

MOST_BYTES = 400_000
"""Of an animation that stands in a page."""
_LARGE = 96  # pixels of the side to which a small frame is enlarged
_MILLISECONDS = 100
_BORDER = 2
_FEWEST = 8  # frames below which none are left out if pixels can be
_WIDE = 400  # pixels across below which none are left out if frames can be
_GREY = 128
_MODEL = tuple(int(LIGHT.model.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4))


def write_animation(path: Path, seen: Any, foretold: NDArray[Any], form: Any) -> None:
    """Write a `.gif`.

    Args:
        path: the file.
        seen: videos as `Ragged` frames; None: there were none.
        foretold: `[n, steps, C, H, W]`, in the same units.
        form: has the `mean` and `scale` that bring these units to [0, 1].

    Raises:
        RunFolderError: if it cannot be written.
    """
    whole = _rgb(foretold, form)
    if seen is not None:
        _framed(whole)
        shortest = int(seen.lengths.min())
        before = np.stack([seen.item(i)[len(seen.item(i)) - shortest :] for i in range(len(seen))])
        whole = np.concatenate([_rgb(before, form), whole], 1)
    columns = int(np.ceil(np.sqrt(len(whole))))
    write_atomically(path, _gif([_sheet(whole[:, t], columns) for t in range(whole.shape[1])]))


def embedded(frames: NDArray[np.uint8], most: int = MOST_BYTES) -> bytes:
    """An animation for a page, of frames `[T, H, W, 3]`, as a GIF of at most so many bytes.

    Where it is larger, every second pixel of wide pictures and every second frame of the others are left out, as often as it takes.
    """
    pace = _MILLISECONDS
    while len(found := _gif(frames, pace)) > most:
        if frames.shape[2] > _WIDE or len(frames) <= _FEWEST:
            frames = frames[:, ::2, ::2]
        else:
            frames, pace = frames[::2], 2 * pace
    return found


def above_below(above: NDArray[np.uint8], below: NDArray[np.uint8], begins: int) -> NDArray[np.uint8]:
    """Videos beside each other in two rows, enlarged, `[T, H', W', 3]`, of two times `[n, T, H, W, 3]`; the lower ones are framed from a frame on."""
    sides = [(0, 0), (0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)]
    rows = []
    for videos, first in ((above, above.shape[1]), (below, begins)):
        factor = _enlargement(videos.shape[2:4])
        large = np.pad(videos.repeat(factor, 2).repeat(factor, 3), sides, constant_values=_GREY)
        _framed(large[:, first:])
        rows.append(np.concatenate(list(large), 2))
    return np.concatenate(rows, 1)


def _framed(videos: NDArray[np.uint8]) -> None:
    """Colour the edges of frames `[n, T, H, W, 3]`."""
    inside = np.s_[_BORDER:-_BORDER]
    edge = np.ones(videos.shape[2:4], dtype=bool)
    edge[inside, inside] = False
    videos[:, :, edge] = _MODEL


def _enlargement(size: Sequence[int]) -> int:
    return max(1, _LARGE // max(size))


def _gif(frames: Iterable[NDArray[np.uint8]], pace: int = _MILLISECONDS) -> bytes:
    """Frames `[H, W, 3]`, one after another, over and over."""
    first, *rest = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    buffer = io.BytesIO()
    first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=pace, loop=0)
    return buffer.getvalue()


def _rgb(videos: NDArray[Any], form: Any) -> NDArray[np.uint8]:
    """Videos `[n, T, C, H, W]` as enlarged RGB frames `[n, T, H', W', 3]`."""
    shares = np.clip((videos.astype(np.float32) - float(form.mean)) / float(form.scale), 0, 1)
    frames = pixels(shares.reshape(-1, *shares.shape[2:]))
    factor = _enlargement(frames.shape[1:3])
    large = frames.repeat(factor, 1).repeat(factor, 2)
    return large.reshape(*videos.shape[:2], *large.shape[1:])


def _sheet(frames: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Frames `[n, H, W, 3]` in rows of so many, with a gap between."""
    padded = np.pad(frames, ((0, -len(frames) % columns), (0, 2), (0, 2), (0, 0)), constant_values=255)
    rows = padded.reshape(-1, columns, *padded.shape[1:])
    return np.ascontiguousarray(np.concatenate([np.concatenate(list(row), 1) for row in rows], 0))
