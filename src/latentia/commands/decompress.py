"""`latentia decompress`."""

from __future__ import annotations

import io
from pathlib import Path

from latentia.errors import ConfigError


def decompress(file: str | None = None, run: str | None = None, out: str = "restored") -> None:
    """Restore the images of `latentia compress`, as PNG files.

    Args:
        file: what `latentia compress` wrote.
        run: the run folder that compressed it.
        out: folder for the images; files in it of the same name are replaced.
    """
    from PIL import Image

    from latentia.commands.opened import open_run
    from latentia.errors import DataError
    from latentia.files import write_atomically
    from latentia.kinds.abilities import Compresses

    if file is None or run is None:
        raise ConfigError("give file and run: latentia decompress FILE --run RUN --out DIR")
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): give a file of latentia compress"
        ) from None
    opened = open_run(run, "decompress", Compresses)
    try:
        restored = opened.restored(content)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    names = restored.names or tuple(f"{i:06d}" for i in range(len(restored.items)))
    for name in names:
        if Path(name).name != name or name in ("", ".", ".."):
            raise DataError(f"{file}: {name!r} is no name of a file; nothing was written")
    folder = Path(out)
    for name, item in zip(names, restored.items, strict=True):
        image = Image.fromarray(item[0] if len(item) == 1 else item.transpose(1, 2, 0))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        write_atomically(folder / f"{name}.png", buffer.getvalue())
    print(f"{folder}: {len(names)} images")
