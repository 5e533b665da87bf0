"""Images as the codes of a model: quantised, entropy-coded, and restored to the very pixels of `reconstruct`.

A file holds codes rounded to `precision` binary digits after the point. Decoded in double precision they give nearly the
pixels of `estimator.reconstruct`; where rounding to whole grey levels comes out otherwise, the compressor, which has both,
writes the difference down as well. So what is restored equals `reconstruct(X)` in every pixel, whatever the precision; it only
shifts bits between codes and corrections, and is chosen so that their sum is smallest. With `exact=False` the
corrections are left out: fewer bits, and the pixels of the rounded codes.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError
from latentia.explore.container import Container, checksum, unpack
from latentia.explore.entropy import GaussianTable, Reader, Writer
from latentia.explore.protocol import LatentEstimator
from latentia.guard import require_room

PRECISIONS = range(-2, 17)
_TRIED = range(1, 13)  # among which the precision is chosen
_TRIED_ROWS = 64
_ROWS = 250
_A_CORRECTION = 40  # bytes for each pixel, while corrections are read
_MOST_A_WORD = 16_000  # images, where a code costs next to nothing: each takes time to be decoded
_MOST_LOW_BITS = 23  # that the coder takes at once
_LOSS = 1.01  # without corrections, rounding may add a hundredth to the squared error


@dataclass(frozen=True)
class Restored:
    """What was in a file: images `[n, C, H, W]` in uint8, and their names, if they had any."""

    items: NDArray[np.uint8]
    names: tuple[str, ...]


def compress(
    estimator: LatentEstimator,
    X: Any,
    *,
    exact: bool = True,
    precision: int | None = None,
    names: Sequence[str] = (),
) -> bytes:
    """Compress images to a file's bytes, from which `decompress` restores what `estimator.reconstruct(X)` gives.

    Args:
        estimator: a VAE fitted to uint8 images.
        X: such images, `[n, C, H, W]` or `[n, H, W]`.
        exact: restore the pixels of `reconstruct(X)`; False restores those of the rounded codes, see `rounded`.
        precision: binary digits of a code after the point, -2 to 16. None: the one with the smallest file; with
            `exact=False` the least that adds no more than a hundredth to the squared error.
        names: one for each image, kept in the file.

    Raises:
        ConfigError: if the estimator is not for uint8 images, or the precision outside its range.
        DataError: for images that the estimator cannot take, or another number of names.
        MissingExtraError: without constriction (extra `[compress]`).
    """
    codec = _Codec(estimator)
    codes = np.asarray(estimator.transform(X), dtype=np.float64)
    if len(names) not in (0, len(codes)):
        raise DataError(f"{len(names)} names for {len(codes)} images: give one for each, or none")
    if any("\n" in name for name in names):
        raise DataError("a name has a line break in it, which names of images cannot have")
    if precision is None:
        some = np.linspace(0, len(codes) - 1, min(len(codes), _TRIED_ROWS)).astype(int)
        precision = codec.best_precision(np.asarray(X)[some], codes[some], exact)
    _check_precision(precision)
    target = estimator.reconstruct(X) if exact else None
    return codec.pack(_quantised(codes, precision), precision, target, tuple(map(str, names)))


def decompress(estimator: LatentEstimator, content: bytes) -> Restored:
    """Restore the images of `compress`.

    Args:
        estimator: the one that compressed them.
        content: bytes of the file.

    Raises:
        DataError: if they are truncated, altered, of a newer version, or made with another model; or if this machine's
            arithmetic decodes codes to other pixels than the machine that compressed them.
        ConfigError: if the estimator is not for uint8 images.
        MissingExtraError: without constriction (extra `[compress]`).
    """
    return _Codec(estimator).restore(content)


def rounded(estimator: LatentEstimator, X: Any, precision: int) -> NDArray[np.uint8]:
    """What `compress(..., exact=False, precision=precision)` restores: decodings of codes rounded to that precision."""
    _check_precision(precision)
    codes = np.asarray(estimator.transform(X), dtype=np.float64)
    return _Codec(estimator).decode(_quantised(codes, precision), precision)


def fingerprint(estimator: LatentEstimator) -> bytes:
    """16 bytes that tell models apart: a hash of all weights and constants."""
    digest = hashlib.sha256()
    for part in (estimator.module_, estimator.form_):
        for name, tensor in sorted(part.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)};".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    digest.update(f"{list(estimator.event_shape_)} {estimator.form_.kind}".encode())
    return digest.digest()[:16]


def _check_precision(precision: int) -> None:
    if precision not in PRECISIONS:
        raise ConfigError(
            f"precision={precision!r}: expected a whole number from {PRECISIONS[0]} to {PRECISIONS[-1]}, "
            "the binary digits of a code after the point"
        )


def _quantised(codes: NDArray[np.float64], precision: int) -> NDArray[np.int64]:
    return np.rint(codes * 2.0**precision).astype(np.int64)


class _Codec:
    """An estimator's decoder in double precision on the CPU, where rounding hardly ever depends on machine or batch."""

    def __init__(self, estimator: LatentEstimator) -> None:
        kind = getattr(getattr(estimator, "form_", None), "kind", None)
        if kind != "pixels":
            raise ConfigError(
                f"compression is for models of uint8 images; this one was fitted to {kind or 'other'} data"
            )
        self.fingerprint = fingerprint(estimator)
        self.form = copy.deepcopy(estimator.form_).cpu().eval()
        self.module = copy.deepcopy(estimator.module_).cpu().double().eval()
        self.event, self.latent_dim = tuple(estimator.event_shape_), estimator.latent_dim_
        self.reconstruct = estimator.reconstruct

    def decode(self, numbers: NDArray[np.int64], precision: int) -> NDArray[np.uint8]:
        """Pixels of quantised codes `[n, D]`."""
        codes = torch.from_numpy(numbers * 2.0**-precision)
        with torch.no_grad():
            parts = [self.form.inverse(self.module.decode(z).mean) for z in codes.split(_ROWS)]
        return np.concatenate(parts) if parts else np.empty((0, *self.event), np.uint8)

    def best_precision(self, X: NDArray[Any], codes: NDArray[np.float64], exact: bool) -> int:
        """The precision that suits some images."""
        target = self.reconstruct(X)
        if exact:
            sizes = {p: len(self.pack(_quantised(codes, p), p, target, ())) for p in _TRIED}
            return min(sizes, key=lambda p: (sizes[p], p))
        allowed = _LOSS * _squared_error(X, target)
        for p in PRECISIONS:
            if _squared_error(X, self.decode(_quantised(codes, p), p)) <= allowed:
                return p
        return PRECISIONS[-1]

    def pack(
        self,
        numbers: NDArray[np.int64],
        precision: int,
        target: NDArray[np.uint8] | None,
        names: tuple[str, ...],
    ) -> bytes:
        """The file of quantised codes `[n, D]`, with corrections to `target` if that is given."""
        decoded = self.decode(numbers, precision)
        fitted = [GaussianTable.fitted(column * 2.0**-precision, precision) for column in numbers.T]
        standard = [GaussianTable(precision=precision)] * self.latent_dim
        files = []
        for tables in (standard, fitted):
            writer = Writer()
            for column, table in zip(numbers.T, tables, strict=True):
                writer.gaussian(column, table)
            counts = None if target is None else _write_corrections(writer, decoded, target)
            files.append(
                Container(
                    fingerprint=self.fingerprint,
                    digest=checksum((decoded if target is None else target).tobytes()),
                    precision=precision,
                    n=len(numbers),
                    names=names,
                    tables=None if tables is standard else tuple((t.mean, t.scale) for t in tables),
                    corrections=counts,
                    words=writer.words(),
                ).pack()
            )
        return min(files, key=len)

    def _tables(self, held: Container) -> list[GaussianTable]:
        kept = held.tables or ((0, 0),) * self.latent_dim
        return [GaussianTable(*table, held.precision) for table in kept]

    def _most(self, held: Container) -> int:
        """How many images the words of a file can hold."""
        if held.precision not in PRECISIONS:
            raise DataError(f"the file is malformed (a precision of {held.precision}): get it anew")
        tables = self._tables(held)
        if any(table.low_bits > _MOST_LOW_BITS for table in tables):
            raise DataError("the file is malformed (codes that no word could hold): get it anew")
        by_bits = int(32 * (len(held.words) + 2) / sum(table.least_bits for table in tables))
        return min(by_bits, _MOST_A_WORD * (len(held.words) + 16))

    def restore(self, content: bytes) -> Restored:
        """The images of a file."""
        held = unpack(content, self.fingerprint, self.latent_dim, self._most)
        pixels = held.n * math.prod(self.event)
        if sum(held.corrections or ()) > pixels:
            raise DataError(
                f"the file is malformed ({sum(held.corrections or ())} corrections for {pixels} pixels)"
            )
        require_room(
            pixels * (2 if held.corrections is None else _A_CORRECTION), f"a file of {held.n} images"
        )
        reader = Reader(held.words)
        columns = [reader.gaussian(held.n, table) for table in self._tables(held)]
        items = self.decode(np.stack(columns, 1), held.precision)
        if held.corrections is not None:
            items = _read_corrections(reader, items, held.corrections)
        if checksum(items.tobytes()) != held.digest:
            raise DataError(
                "the codes decode to other pixels here than where they were compressed: the file is intact, but this "
                "machine's arithmetic differs; decompress with the torch version that compressed it"
            )
        return Restored(items, held.names)


def _write_corrections(
    writer: Writer, decoded: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Write target - decoded: 0 (nearly always), 1, -1, or any other."""
    difference = target.astype(np.int64).ravel() - decoded.astype(np.int64).ravel()
    symbols = np.select([difference == 0, difference == 1, difference == -1], [0, 1, 2], 3)
    counts = np.bincount(symbols, minlength=4)
    if counts[1:].any():
        writer.masses(symbols, counts.astype(np.float64))
        writer.uniform(difference[symbols == 3] + 255, 511)
    return int(counts[1]), int(counts[2]), int(counts[3])


def _read_corrections(
    reader: Reader, decoded: NDArray[np.uint8], counts: tuple[int, int, int]
) -> NDArray[np.uint8]:
    if not any(counts):
        return decoded
    symbols = reader.masses(decoded.size, np.array([decoded.size - sum(counts), *counts], dtype=np.float64))
    difference = np.array([0, 1, -1, 0])[symbols]
    difference[symbols == 3] = reader.uniform(int((symbols == 3).sum()), 511) - 255
    return (decoded.ravel() + difference).clip(0, 255).astype(np.uint8).reshape(decoded.shape)


def _squared_error(X: NDArray[Any], rebuilt: NDArray[np.uint8]) -> float:
    return float(((X.reshape(rebuilt.shape).astype(np.float64) - rebuilt) ** 2).sum())
