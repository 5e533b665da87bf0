"""Pictures, opened: plain files of known formats, no larger than memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from latentia.errors import DataError
from latentia.guard import NotPlainError, open_plain, require_room

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""Named, so that no other of Pillow's decoders ever sees a file."""
_A_PIXEL = 12  # bytes while one is decoded, turned upright and laid on white


@contextmanager
def opened_picture(
    source: Path | bytes | memoryview, name: str, formats: Sequence[str] = FORMATS
) -> Iterator[Any]:
    """A picture, not yet decoded.

    Args:
        source: the file, or its content.
        name: for messages.
        formats: that it may have.

    Raises:
        DataError: if it is a pipe, device or folder, or needs more memory than is free.
        Exception: what Pillow says of damaged bytes.
    """
    try:
        file = open_plain(source) if isinstance(source, Path) else io.BytesIO(source)
    except NotPlainError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}; give an image") from None
    with file, Image.open(file, formats=list(formats)) as opened:
        pixels = opened.width * opened.height
        require_room(_A_PIXEL * pixels, f"{name}, {opened.width} x {opened.height} pixels,")
        yield opened
