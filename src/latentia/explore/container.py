"""The file that holds compressed images: magic number, version, fingerprint of the model, numbers, checksum.

| bytes | what |
| --- | --- |
| 4 | `LTNC` |
| 1 | version of this layout |
| 16 | fingerprint of the model |
| 8 | digest of the pixels that come out |
| 1, signed | binary digits of a code after the point |
| 1 | flags: 1 corrected, 2 with tables |
| varint | number of images |
| varint, bytes | names, as zlib-compressed lines; length 0 if there are none |
| 3 each | (with tables) for each dimension mean (2, little-endian) and scale (1) |
| 3 varints | (corrected) how many pixels are one above, one below, and further off |
| varint, 4 each | words of the range coder, little-endian |
| 8 | SHA-256 of all that precedes, its first bytes |

A varint has 7 bits in each byte, low ones first, the eighth saying whether more follow.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError

MAGIC, VERSION = b"LTNC", 1
_CHECKSUM = 8
_CORRECTED, _TABLES = 1, 2
_LONGEST_NAME = 1024  # bytes: no system takes longer names of files
_MOST_PER_WORD = 32 << 20  # images, where a code costs next to nothing


@dataclass(frozen=True)
class Container:
    """What is in a file; see the module's table.

    Attributes:
        fingerprint: 16 bytes.
        digest: 8 bytes.
        precision: binary digits of a code after the point.
        n: number of images.
        names: one for each image, or none.
        tables: mean and scale of each dimension, `[D][2]`, or None for standard-normal ones.
        corrections: counts, or None if pixels are not corrected.
        words: of the range coder.
    """

    fingerprint: bytes
    digest: bytes
    precision: int
    n: int
    names: tuple[str, ...]
    tables: tuple[tuple[int, int], ...] | None
    corrections: tuple[int, int, int] | None
    words: NDArray[np.uint32]

    def pack(self) -> bytes:
        """The bytes of the file."""
        flags = _CORRECTED * (self.corrections is not None) | _TABLES * (self.tables is not None)
        names = zlib.compress("\n".join(self.names).encode(), 9) if self.names else b""
        body = MAGIC + struct.pack("<B16s8sbB", VERSION, self.fingerprint, self.digest, self.precision, flags)
        body += _varint(self.n) + _varint(len(names)) + names
        body += b"".join(struct.pack("<hb", *table) for table in self.tables or ())
        body += b"".join(map(_varint, self.corrections or ()))
        body += _varint(len(self.words)) + self.words.astype("<u4").tobytes()
        return body + checksum(body)


def checksum(content: bytes) -> bytes:
    """The first 8 bytes of the SHA-256."""
    return hashlib.sha256(content).digest()[:_CHECKSUM]


def unpack(
    content: bytes,
    fingerprint: bytes,
    latent_dim: int,
    most: Callable[[Container], int] = lambda held: _MOST_PER_WORD * (len(held.words) + 1),
) -> Container:
    """Read a file that was made with the model of this fingerprint; nothing is unpacked before its size is known.

    Args:
        content: bytes of the file.
        fingerprint: of the model.
        latent_dim: length of a code.
        most: how many images a file (still without names) can hold.

    Raises:
        DataError: if it is no such file, of a newer version, made with another model, truncated or altered.
    """
    if content[: len(MAGIC)] != MAGIC[: len(content)] or not content:
        raise DataError("this is no file of compressed images: it does not begin with LTNC")
    if len(content) > len(MAGIC) and content[len(MAGIC)] != VERSION:
        raise DataError(
            f"the file has version {content[len(MAGIC)]}, this latentia reads {VERSION}: upgrade latentia, "
            "or get the file anew if it may be damaged"
        )
    body = content[:-_CHECKSUM]
    if checksum(body) != content[-_CHECKSUM:]:
        raise DataError(
            "the file is truncated or altered (its checksum does not fit): get it anew, or compress again"
        )
    try:
        return _parse(body, fingerprint, latent_dim, most)
    except (struct.error, IndexError, ValueError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the file is malformed ({error}): get it anew, or compress again") from None


def _parse(body: bytes, fingerprint: bytes, latent_dim: int, most: Callable[[Container], int]) -> Container:
    start = len(MAGIC)
    _, made_with, digest, precision, flags = struct.unpack_from("<B16s8sbB", body, start)
    if made_with != fingerprint:
        raise DataError(
            f"the file was made with another model (fingerprint {made_with.hex()}, this one has {fingerprint.hex()}): "
            "give the run that compressed it"
        )
    at = start + struct.calcsize("<B16s8sbB")
    n, at = _read_varint(body, at)
    length, at = _read_varint(body, at)
    packed = body[at : at + length]
    at += length
    if len(packed) != length or flags & ~(_CORRECTED | _TABLES):
        raise ValueError("it says that there is more than there is")
    tables = None
    if flags & _TABLES:
        tables = tuple(struct.unpack_from("<hb", body, at + 3 * i) for i in range(latent_dim))
        at += 3 * latent_dim
    corrections = None
    if flags & _CORRECTED:
        above, at = _read_varint(body, at)
        below, at = _read_varint(body, at)
        further, at = _read_varint(body, at)
        corrections = (above, below, further)
    n_words, at = _read_varint(body, at)
    if len(body) - at != 4 * n_words:
        raise DataError(f"the file is malformed ({len(body) - at} bytes for {n_words} words): get it anew")
    words = np.frombuffer(body, dtype="<u4", offset=at).astype(np.uint32)
    held = Container(made_with, digest, precision, n, (), tables, corrections, words)
    if n > most(held):
        raise ValueError(f"{n} images in {n_words} words")
    return replace(held, names=_names(packed, n)) if length else held


def _names(packed: bytes, n: int) -> tuple[str, ...]:
    """The names of n images; no more is unpacked than they can have."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed, _LONGEST_NAME * n + 1)
    names = tuple(text.decode().split("\n"))
    if not unpacker.eof or unpacker.unused_data or len(names) != n:
        raise ValueError(f"other names than those of {n} images")
    return names


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
        if shift > 56:
            raise ValueError("a number is too long")
