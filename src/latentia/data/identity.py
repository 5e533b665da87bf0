"""Which rows and files data are: checksums that tell whether they are those of another day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.items import Mixed, Ragged, dense, length
from latentia.guard import open_plain

_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_AT_ONCE = 1 << 22  # numbers hashed together


def checksum(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and sizes of the files in it."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts):
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
        return digest.hexdigest()
    with open_plain(path) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def row_identities(items: Any) -> NDArray[np.int64]:
    """A 64-bit hash of the values of each item, `[n]`: equal for equal values, whatever their type or what stands beside.

    Tables are hashed as float64, so that a column of whole numbers keeps its identity when another cell gets a fraction;
    8-bit images as bytes.

    Example:
        >>> a, b = row_identities(np.array([[1, 2], [3, 4]])), row_identities(np.array([[3.0, 4.0]]))
        >>> bool(a[1] == b[0]), bool(a[0] == b[0])
        (True, False)
    """
    if isinstance(items, Ragged):
        return np.array([_of_bytes(items.item(i)) for i in range(len(items))], dtype=np.int64)
    values = items.values if isinstance(items, Mixed) else items
    n = length(items)
    size = max(1, int(np.prod(values.shape[1:])))
    step = max(1, _AT_ONCE // size)
    parts = [_hashed(values[start : start + step]) for start in range(0, n, step)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def name_identities(names: Iterable[Any] | None) -> NDArray[np.int64] | None:
    """A 64-bit hash of each row's name, `[n]`; None where rows have no names, or two have the same."""
    if names is None:
        return None
    found = np.array([_of_bytes(str(name).encode()) for name in names], dtype=np.int64)
    return found if len(np.unique(found)) == len(found) else None


def digest_of(identities: NDArray[np.int64]) -> str:
    """One checksum of the identities of many rows, in their order."""
    return hashlib.sha256(np.ascontiguousarray(identities, dtype="<i8").tobytes()).hexdigest()


def _of_bytes(value: Any) -> int:
    content = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)


def _hashed(values: Any) -> NDArray[np.int64]:
    """Multiply, mix and add: each number with a factor of its own place, through the finaliser of splitmix64."""
    rows = dense(values)
    rows = rows.reshape(len(rows), -1)
    if rows.dtype in (np.uint8, np.bool_) and values.ndim > 2:
        pad = -rows.shape[1] % 8
        words = np.pad(rows, ((0, 0), (0, pad))).view("<u8")
    else:
        words = np.ascontiguousarray(rows.astype("<f8") + 0.0).view("<u8")  # -0 and 0 are one value
    places = (np.arange(1, words.shape[1] + 1, dtype=np.uint64) * _ODD)[None]
    with np.errstate(over="ignore"):
        x = words ^ places
        for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
            x = (x ^ (x >> np.uint64(shift))) * factor
        x ^= x >> np.uint64(31)
        total = x.sum(1, dtype=np.uint64) * _ODD
    return np.asarray((total ^ (total >> np.uint64(32))).view(np.int64))
