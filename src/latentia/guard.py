"""Files that other people made: opened if they are plain files, and measured before they unpack into memory."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path
from typing import IO

from latentia.errors import DataError

MOST_RATIO = 100
"""A packed file may grow by such a factor; what real tables and pictures pack to lies far below."""
_ALWAYS = 256 << 20  # bytes that may come of any packed file
_MAPPED = 1.2  # memory for each byte of an array that is mapped: its parts are copied
_PARSED = 3  # memory for each byte of what is parsed, or unpacked and then split
_CHUNK = 1 << 20
_SHOWN = 200
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotPlainError(OSError):
    """A pipe, device, socket or folder where a file is needed: its bytes might never end."""


def shown(text: object) -> str:
    r"""A name for a message: as it is if it is short and printable, else cut and escaped.

    Example:
        >>> shown("data.csv"), shown("a\x1b[2Jb"), len(shown("x" * 300))
        ('data.csv', 'a\\x1b[2Jb', 203)
    """
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def place(text: str | os.PathLike[str]) -> Path:
    """The path that a person means, `~` put in full, whether there is something or not.

    Raises:
        DataError: for what no system takes as a path.
    """
    try:
        path = Path(text).expanduser()
        path.lstat()
    except RuntimeError:
        raise DataError(f"{shown(text)}: there is no user of the name after ~; give the whole path") from None
    except ValueError:
        raise DataError(
            f"{shown(text)!r} is no path: it holds a character that no name of a file has"
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        raise DataError(f"{shown(text)} is no path that can be looked at: {error.strerror}") from None
    return path


def open_plain(path: Path) -> BufferedReader:
    """Open a file to be read; never waits.

    Raises:
        NotPlainError: if it is no plain file.
        OSError: if it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            what = next((name for test, name in _KINDS if test(mode)), "no plain file")
            raise NotPlainError(21, f"it is {what}, not a file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path) -> bytes:
    """All bytes of a plain file.

    Raises:
        OSError: if it is none, or cannot be read.
        DataError: if it is larger than the memory that is free.
    """
    with open_plain(path) as file:
        require_room(os.fstat(file.fileno()).st_size, str(path))
        return file.read()


def check_source(path: Path) -> None:
    """Refuse what cannot be read in bounded time and memory: pipes and devices, what unpacks out of proportion, what is too large.

    A file that begins as gzip or zip is measured as it unpacks, whatever its name; none of it is kept.

    Raises:
        DataError: says what was found, and the remedy.
        OSError: if it cannot be opened.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(4)
        file.seek(0)
        if head[:2] == b"\x1f\x8b":
            most = _most_of(size)
            unpacked = _gunzipped(file, most) if size * 1032 > most else 0
        elif head == b"PK\x03\x04":
            unpacked = _unzipped(file)
        else:
            mapped = head == b"\x93NUM"
            require_room(int(size * (_MAPPED if mapped else 1)), str(path))
            return
    if unpacked > max(_ALWAYS, MOST_RATIO * size):
        raise DataError(
            f"{path} holds {in_words(size)} that unpack to {in_words(unpacked)} or more, as no honest data do: if you trust it, "
            "unpack it yourself and give what comes out"
        )
    require_room(_PARSED * unpacked, str(path))


def _most_of(size: int) -> int:
    """Bytes after which it is known that a gzip file of so many bytes is refused."""
    return min(max(_ALWAYS, MOST_RATIO * size), room() // _PARSED)


def _gunzipped(file: IO[bytes], most: int) -> int:
    """Bytes that a gzip file unpacks to, counted no further than just beyond `most`."""
    total, unpacker = 0, zlib.decompressobj(31)
    waiting = file.read(_CHUNK)
    try:
        while waiting and total <= most:
            total += len(unpacker.decompress(waiting, _CHUNK))
            waiting = unpacker.unconsumed_tail
            if unpacker.eof:  # a gzip file may be several, one behind another
                waiting, unpacker = unpacker.unused_data.lstrip(b"\0"), zlib.decompressobj(31)
            waiting = waiting or file.read(_CHUNK)
    except zlib.error:
        return total  # its reader says what is damaged
    return total


def _unzipped(file: IO[bytes]) -> int:
    """Bytes that the members of a zip file say they unpack to; its readers go no further."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return 0  # its reader says what is damaged


def require_room(needed: int, what: str) -> None:
    """Refuse what does not fit into memory, before any of it is taken.

    Args:
        needed: bytes.
        what: needs them, for the message.

    Raises:
        DataError: if fewer are free.
    """
    free = room()
    if needed > free:
        raise DataError(
            f"{what} needs about {in_words(needed)} of memory, and {in_words(free)} are free: take fewer rows, columns or pixels, "
            "or a machine with more memory"
        )


def room() -> int:
    """Bytes of memory that this process may still take: by the machine, by limits on the process, by its container."""
    free = [_machine(), _container()]
    try:
        import resource
    except ImportError:
        return min(free)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        free.append(max(0, limit - _held()))
    return min(free)


def _machine() -> int:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 1 << 62


def _container() -> int:
    """What a control group leaves: its limit without what is taken, files that can be dropped aside."""
    most, taken = _lines("/sys/fs/cgroup/memory.max"), _lines("/sys/fs/cgroup/memory.current")
    if not most or not taken or not most[0].isdigit():
        return 1 << 62
    files = next(
        (line for line in _lines("/sys/fs/cgroup/memory.stat") if line.startswith("inactive_file ")), "0 0"
    )
    return max(0, int(most[0]) - int(taken[0]) + int(files.split()[1]))


def _held() -> int:
    """Bytes of address space that this process has."""
    lines = _lines("/proc/self/statm")
    return int(lines[0].split()[0]) * os.sysconf("SC_PAGE_SIZE") if lines else 0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except (OSError, ValueError):
        return []


def in_words(n: int) -> str:
    """A number of bytes.

    Example:
        >>> in_words(300), in_words(3 << 20), in_words(5 << 30)
        ('300 bytes', '3 MB', '5 GB')
    """
    for size, unit in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB")):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n} bytes"
