"""`latentia decompress`."""

from __future__ import annotations

import io
from pathlib import Path

from latentia.errors import ConfigError, DataError
from latentia.guard import read_plain, shown


def decompress(file: str | None = None, run: str | None = None, out: str = "restored") -> None:
    """Restore the images of `latentia compress`, as PNG files.

    Args:
        file: what `latentia compress` wrote.
        run: the run folder that compressed it.
        out: folder for the images; files in it of the same name are replaced.
    """
    from PIL import Image

    from latentia.commands.names import file_names
    from latentia.commands.opened import open_run
    from latentia.files import write_all
    from latentia.kinds.abilities import Compresses

    if file is None or run is None:
        raise ConfigError("give file and run: latentia decompress FILE --run RUN --out DIR")
    try:
        content = read_plain(Path(file))
    except OSError as error:
        raise DataError(
            f"{shown(file)} cannot be read ({error.strerror}): give a file of latentia compress"
        ) from None
    opened = open_run(run, "decompress", Compresses)
    try:
        restored = opened.restored(content)
        names = file_names(restored.names, len(restored.items))
    except DataError as error:
        raise DataError(f"{shown(file)}: {error}") from None
    pictures = {}
    for name, item in zip(names, restored.items, strict=True):
        image = Image.fromarray(item[0] if len(item) == 1 else item.transpose(1, 2, 0))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        pictures[f"{name}.png"] = buffer.getvalue()
    folder = Path(out)
    write_all(folder, pictures)
    print(f"{folder}: {len(names)} images")
