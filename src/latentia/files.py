"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from latentia.errors import RunFolderError

if TYPE_CHECKING:
    import pandas as pd


PART = ".part"
"""How temporary files end; one that is there when nothing is being written was left by a kill."""


def sweep(folder: Path) -> None:
    """Remove what writes that were killed left in a folder and those directly in it; those that go on are left alone."""
    for pattern in (f".*{PART}", f"*/.*{PART}"):
        for left in folder.glob(pattern):
            writer = left.name.removesuffix(PART).rpartition("-")[2]
            if left.is_file() and not (writer.isdecimal() and _is_alive(int(writer))):
                with contextlib.suppress(OSError):
                    left.unlink()


def sweep_beside(path: Path) -> None:
    """Remove what writes of one file that were killed left beside it."""
    ours = re.compile(rf"{re.escape(_prefix(path))}\w{{8}}-(\d+){re.escape(PART)}")
    with contextlib.suppress(OSError):
        for left in os.scandir(path.parent):
            found = ours.fullmatch(left.name)
            if found is not None and not _is_alive(int(found[1])):
                Path(left.path).unlink()


def _prefix(path: Path) -> str:
    """How temporary files of a file begin."""
    return f".{path.name[:40]}."


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return False  # it writes one file at a time, and is here
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another person's
    return True


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
        descriptor, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=_prefix(path), suffix=f"-{os.getpid()}{PART}"
        )
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


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files of a folder, or none: all are complete beside it before the first takes its place.

    Raises:
        RunFolderError: if one cannot be written.
    """
    made = not folder.exists()
    beside = folder.parent / f".{folder.name[:40]}.{os.getpid()}{PART}"
    try:
        for name in contents:
            if (folder / name).is_dir():
                raise RunFolderError(
                    f"{folder / name} is a folder where a file is to be written; move it away"
                )
        for name, content in contents.items():
            write_atomically(beside / name, content)
        if made:
            beside.mkdir(parents=True, exist_ok=True)
            beside.replace(folder)
            return
        for name in contents:
            (beside / name).replace(folder / name)
    except OSError as error:
        if isinstance(error, RunFolderError):
            raise
        raise RunFolderError(
            f"{folder} cannot be written ({error.strerror}); choose another folder"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(name: Any) -> Any:
    """A name as a spreadsheet shows it: with an apostrophe before it where it would else be taken as a formula.

    Example:
        >>> as_text("=1+1"), as_text("-0.5"), as_text("gut, colon"), as_text(-2)
        ("'=1+1", '-0.5', 'gut, colon', -2)
    """
    if not isinstance(name, str) or not name.startswith(_FORMULA):
        return name
    try:
        float(name)
    except ValueError:
        return f"'{name}"
    return name


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
    """Write a table without its index, names of columns and cells of text as text (`as_text`); see `write_atomically`."""
    texts = {
        j: [as_text(cell) for cell in table.iloc[:, j]]
        for j, kind in enumerate(table.dtypes)
        if kind.kind not in "biufcmM"
    }
    shown = table.copy(deep=False)
    for j, column in texts.items():
        shown.isetitem(j, column)
    shown.columns = [as_text(name) for name in table.columns]
    write_atomically(path, shown.to_csv(index=False).encode("utf-8", "backslashreplace"))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
