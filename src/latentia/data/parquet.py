"""Parquet files and Arrow tables: columns of numbers, or images as Hugging Face `datasets` stores them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from latentia.data.checks import encode_labels, reading
from latentia.data.dataset import Raw, Split
from latentia.data.images import decode_images
from latentia.data.sources import cache_folder
from latentia.data.tables import from_frame
from latentia.errors import DataError

_LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target", "y")
_CACHE_SECONDS = 4.0  # decoding that takes longer is kept: reading 150 MB back takes a tenth of a second
_CACHE_VERSION = 1


def read_parquet(path: Path, image_size: int | None = None, label_column: str | int | None = None) -> Raw:
    """Read a Parquet file: images if it has a column of them, else a table of numbers.

    An image column is a struct `{bytes, path}` or marked as Image in the schema's `huggingface` metadata, which
    may also name the classes. Pixels that took long to decode are kept in the user's cache.

    Raises:
        DataError: a truncated file, a damaged image named by row, no numbers; see `from_frame`.
    """
    with reading(path, "Parquet file"):
        table = pq.read_table(path)
    return from_table(table, str(path), image_size, label_column, _cache_file(path, image_size))


def from_table(
    table: pa.Table,
    where: str,
    image_size: int | None,
    label_column: str | int | None,
    cache: Path | None = None,
    class_names: tuple[str, ...] | None = None,
) -> Raw:
    """Turn an Arrow table into items and classes; `cache` is where decoded pixels are kept."""
    features = _features(table)
    column = next((name for name in table.column_names if _is_image(table, name, features)), None)
    if column is None:
        if image_size is not None:
            raise DataError(f"{where} has no column of images; image_size is for images")
        frame = table.to_pandas()
        named = frame.index.dtype.kind not in "iuf"
        return from_frame(frame.reset_index() if named else frame, where, label_column, row_names_first=named)
    label = table.column_names[label_column] if isinstance(label_column, int) else label_column
    if label is None:
        label = next((name for name in _LABEL_COLUMNS if name in table.column_names), None)
    elif label not in table.column_names:
        raise DataError(f"{where} has no column {label!r}; its columns: {', '.join(table.column_names)}")
    y = None
    if label is not None:
        names = class_names or _class_names(features, label)
        y, class_names = _labels(table[label], f"{where}, column {label!r}", names)
    x = _cached(table, column, where, image_size, cache)
    of = f" of {len(class_names)} classes" if class_names else ""
    return Raw(Split(x, y), class_names=class_names, source=f"{len(x)} images{of} from {where}")


def _features(table: pa.Table) -> dict[str, Any]:
    """Return what the `huggingface` metadata says of each column."""
    try:
        features = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(features: dict[str, Any], column: str) -> tuple[str, ...] | None:
    names = (features.get(column) or {}).get("names")
    return tuple(map(str, names)) if isinstance(names, list) else None


def _is_image(table: pa.Table, name: str, features: dict[str, Any]) -> bool:
    kind = table.schema.field(name).type
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    marked = isinstance(features.get(name), dict) and features[name].get("_type") == "Image"
    return marked and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _labels(
    column: pa.ChunkedArray, where: str, class_names: tuple[str, ...] | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    values = column.to_numpy()
    if values.dtype.kind in "iu" and len(values) and (values == -1).all():
        return None, None  # how public test sets say that their classes are withheld
    return encode_labels(values, where, class_names if values.dtype.kind in "iu" else None)


def _encoded(column: pa.ChunkedArray, where: str) -> list[memoryview]:
    """Return the bytes of each image without copying them."""
    found: list[memoryview] = []
    for chunk in column.chunks:
        values = chunk.field("bytes") if pa.types.is_struct(chunk.type) else chunk
        for value in values:
            if not value.is_valid:
                raise DataError(
                    f"{where}: row {len(found) + 1} holds no image bytes; write the file with the images embedded"
                )
            found.append(memoryview(value.as_buffer()))
    return found


def _cache_file(path: Path, image_size: int | None) -> Path:
    """Return where the pixels of this state of a file are kept."""
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{image_size}|{_CACHE_VERSION}"
    return cache_folder() / "decoded" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def _cached(
    table: pa.Table, column: str, where: str, image_size: int | None, cache: Path | None
) -> NDArray[np.uint8]:
    if cache is not None and cache.exists():
        with contextlib.suppress(OSError, ValueError, EOFError):  # a damaged cache is decoded anew
            kept = np.load(cache, mmap_mode="r", allow_pickle=False)
            if kept.dtype == np.uint8 and kept.ndim == 4 and len(kept) == table.num_rows:
                return kept
    start = time.perf_counter()
    x = decode_images(_encoded(table[column], where), lambda i: f"{where}, row {i + 1}", image_size)
    if cache is not None and time.perf_counter() - start > _CACHE_SECONDS:
        _keep(cache, x)
    return x


def _keep(cache: Path, x: NDArray[np.uint8]) -> None:
    """Write atomically; a cache that cannot be written (full disk, read-only home) is done without."""
    temporary = None
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache.parent, suffix=".part", delete=False) as file:
            temporary = Path(file.name)
            np.save(file, x, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(cache)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
