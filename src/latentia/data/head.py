"""The first look at a source of data: whether it is there, a plain file, of a kind that is read, and in an encoding that is. Loads no library."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from latentia.data.sources import SOURCES
from latentia.errors import DataError
from latentia.guard import NotPlainError, open_plain, place, shown

SUPPORTED = (
    ".npy, .npz, .csv, .tsv, .txt, .jsonl (also .gz), .parquet, .gif, .biom, .shared, .h5ad, a folder of images or of their sequences,"
    " or one of train.txt and others"
)
_TEXTS = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".shared"})
_BYTES = 1 << 16
_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_OTHERS = (
    (b"PK\x03\x04", "a zip archive (an .xlsx perhaps: save it as CSV)"),
    (b"\xd0\xcf\x11\xe0", "an Excel file: save it as CSV"),
    (b"PAR1", "a Parquet file: call it .parquet"),
    (b"\x93NUMPY", "a NumPy file: call it .npy"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF"),
    (b"\x80\x04\x95", "a pickle, which is never read"),
)


def kind_of(path: Path) -> str:
    """The suffix that tells how a file is read, without `.gz`.

    Example:
        >>> kind_of(Path("a.b.CSV.gz")), kind_of(Path("a"))
        ('.csv', '')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])


def check_head(name: str) -> None:
    """Look at a source before anything is loaded that would read it.

    Raises:
        DataError: if there is nothing of that name, it is a pipe or device, or text in another encoding than UTF-8.
    """
    if name in SOURCES or name.startswith("hf://"):
        return
    path = place(name)
    if path.is_dir():
        if path.resolve() == path.resolve().parent:
            raise DataError(f"{shown(path)} is the root of all files; give the folder that holds the data")
        return
    if not path.exists():
        raise DataError(absent(name, kind_of(path)))
    try:
        with open_plain(path) as file:
            head = file.read(_BYTES)
    except NotPlainError as error:
        raise DataError(f"{shown(path)} cannot be read: {error.strerror}") from None
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror}; change its mode or copy it"
        ) from None
    if kind_of(path) in _TEXTS:
        _check_text(head, path)


def _check_text(head: bytes, path: Path) -> None:
    """Name what is no UTF-8 text, with the remedy."""
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, _BYTES)
        except zlib.error:
            return  # its reader says what is damaged
    other = next((what for mark, what in _OTHERS if head.startswith(mark)), None)
    if other is not None:
        raise DataError(f"{shown(path)} is no text but {other}")
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None and head[1:200:2].count(0) > len(head[1:200:2]) // 2:
        encoding = "UTF-16LE"
    if encoding is not None:
        raise DataError(f"{shown(path)} is {encoding}; save it as UTF-8 ({_convert(encoding, path)})")
    try:
        head[: -4 if len(head) >= _BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        byte, line = head[error.start], head[: error.start].count(b"\n") + 1
        raise DataError(
            f"{shown(path)} is no UTF-8: line {line} has the byte 0x{byte:02x}, as Latin-1 or Windows text does; save it as UTF-8 "
            f"({_convert('LATIN1', path)})"
        ) from None


def _convert(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 {shown(path)} > utf8{kind_of(path)}"


def absent(name: str, kind: str) -> str:
    """The message for what is neither a name nor a path."""
    if kind or "/" in name or os.sep in name or name.startswith((".", "~")):
        parent = place(name).absolute().parent
        folder = "" if parent.is_dir() else f" (nor does its folder {shown(parent)})"
        return f"the file or folder {shown(name)} does not exist{folder}; expected {SUPPORTED}"
    return f"{SOURCES.unknown(shown(name))}; or give the path of {SUPPORTED}"
