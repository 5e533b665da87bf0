"""Where a command is to write: looked at before any work is done."""

from __future__ import annotations

import os
import stat

from latentia.errors import ConfigError, DataError
from latentia.files import sweep_beside
from latentia.guard import place, shown

FOLDERS = frozenset({"fit", "decompress", "export", "benchmark"})
"""Commands whose --out is a folder; that of the others is a file."""
EITHER = frozenset({"segment", "types"})
"""Commands that look at the place themselves: whether it is a file or a folder depends on what else is asked for."""


def check_place(out: str, folder: bool) -> None:
    """Look whether something can be written to a place; nothing is made there, and what a kill left of it is removed.

    Args:
        out: file or folder.
        folder: which of both it is to be.

    Raises:
        ConfigError: if it is the other of both, a pipe or device, a name that is too long, or lies where nothing can be written.
    """
    if not out.strip():
        raise ConfigError(f"--out {out!r}: give the name of a {'folder' if folder else 'file'}")
    try:
        path = place(out)
        mode = path.stat().st_mode if path.exists() else None
    except (DataError, OSError) as error:
        raise ConfigError(f"--out: {error}") from None
    if mode is not None and not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        found = "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a pipe or device"
        raise ConfigError(
            f"--out {shown(out)} is {found}, and a {'folder' if folder else 'file'} is to be written"
        )
    above = path if folder and mode is not None else path.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise ConfigError(
            f"--out {shown(out)} cannot be written: {shown(above)} is a file, in which nothing else can lie"
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(
            f"--out {shown(out)} cannot be written: {shown(above)} is read-only, or not yours; choose another place"
        )
    if not folder:
        sweep_beside(path.absolute())
