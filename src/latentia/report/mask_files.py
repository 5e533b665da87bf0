"""Masks as pictures: the number of a pixel is that of its object, and each number has a colour."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentia.files import write_atomically
from latentia.report.theme import LIGHT


def write_masks(labels: NDArray[np.uint8], folder: Path, names: NDArray[Any] | None) -> None:
    """Write an indexed .png for each mask.

    Args:
        labels: `[n, H, W]`, 0 the background.
        folder: made if it is not there.
        names: of the images, `[n]`: a mask has the stem of its image; None numbers them.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    digits = len(str(max(0, len(labels) - 1)))
    stems = [f"{i:0{digits}d}" for i in range(len(labels))]
    if names is not None:
        own = [PurePosixPath(str(name).replace("\\", "/")).stem for name in names]
        stems = own if len(set(own)) == len(own) and all(own) else stems
    for stem, mask in zip(stems, labels, strict=True):
        write_atomically(folder / f"{stem}.png", _indexed(mask))


def _indexed(mask: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(mask, mode=None)
    picture = picture.convert("P") if picture.mode != "P" else picture
    picture.putdata(mask.ravel().tolist())
    colours = [0, 0, 0]
    for i in range(255):
        text = LIGHT.categories[i % len(LIGHT.categories)].lstrip("#")
        colours += [int(text[k : k + 2], 16) for k in (0, 2, 4)]
    picture.putpalette(colours)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
