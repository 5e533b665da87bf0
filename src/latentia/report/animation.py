"""Videos as an animated picture: side by side, what was seen, then, framed, what is foretold."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentia.files import write_atomically
from latentia.report.images import pixels
from latentia.report.theme import LIGHT

_LARGE = 96  # pixels of the side to which a small frame is enlarged
_MILLISECONDS = 100
_BORDER = 2


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
        for edge in (
            np.s_[:, :, :_BORDER],
            np.s_[:, :, -_BORDER:],
            np.s_[:, :, :, :_BORDER],
            np.s_[:, :, :, -_BORDER:],
        ):
            whole[edge] = tuple(int(LIGHT.model.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4))
        shortest = int(seen.lengths.min())
        before = np.stack([seen.item(i)[len(seen.item(i)) - shortest :] for i in range(len(seen))])
        whole = np.concatenate([_rgb(before, form), whole], 1)
    columns = int(np.ceil(np.sqrt(len(whole))))
    pictures = [Image.fromarray(_sheet(whole[:, t], columns)) for t in range(whole.shape[1])]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=_MILLISECONDS, loop=0
    )
    write_atomically(path, buffer.getvalue())


def _rgb(videos: NDArray[Any], form: Any) -> NDArray[np.uint8]:
    """Videos `[n, T, C, H, W]` as enlarged RGB frames `[n, T, H', W', 3]`."""
    shares = np.clip((videos.astype(np.float32) - float(form.mean)) / float(form.scale), 0, 1)
    frames = pixels(shares.reshape(-1, *shares.shape[2:]))
    factor = max(1, _LARGE // max(frames.shape[1:3]))
    large = frames.repeat(factor, 1).repeat(factor, 2)
    return large.reshape(*videos.shape[:2], *large.shape[1:])


def _sheet(frames: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Frames `[n, H, W, 3]` in rows of so many, with a gap between."""
    padded = np.pad(frames, ((0, -len(frames) % columns), (0, 2), (0, 2), (0, 0)), constant_values=255)
    rows = padded.reshape(-1, columns, *padded.shape[1:])
    return np.ascontiguousarray(np.concatenate([np.concatenate(list(row), 1) for row in rows], 0))
