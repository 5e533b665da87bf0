"""Files that are written whole or not at all."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from latentia.errors import RunFolderError

if TYPE_CHECKING:
    import pandas as pd


def write_atomically(path: Path, content: bytes | Callable[[IO[bytes]], object]) -> None:
    """Write a file so that, at any moment, `path` holds its old content or all of the new one.

    The content goes to a temporary file beside it, is flushed to the disk, and is renamed.

    Args:
        path: the file; its folder is made if need be.
        content: the bytes, or a function that writes them to an open binary file.

    Raises:
        RunFolderError: if it cannot be written; the old content is left, and no temporary file.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = None
        _sync_folder(path.parent)
    except (OSError, RuntimeError) as error:  # torch's writer turns some failed writes into RuntimeError
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).split("\n")[0]
        raise RunFolderError(
            f"{path} cannot be written ({reason}): free space, mend permissions or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def exchange(first: Path, second: Path) -> None:
    """Let two folders of one file system change places, at once where the system can (Linux); else `first` goes aside, as `.<name>.aside`.

    Raises:
        RunFolderError: if they cannot be moved.
    """
    if _swapped(first, second):
        return
    aside = first.with_name(f".{first.name}.aside")
    try:
        first.rename(aside)
        second.rename(first)
        aside.rename(second)
    except OSError as error:
        raise RunFolderError(
            f"{first} and {second} cannot change places ({error.strerror or error}): move them by hand"
        ) from error


def _swapped(first: Path, second: Path) -> bool:
    """Whether the system's own exchange was there, and did it."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    here, exchanging = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(first), here, os.fsencode(second), exchanging) == 0)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index; see `write_atomically`."""
    write_atomically(path, table.to_csv(index=False).encode())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
