"""NumPy files: `.npy` and `.npz` (also SciPy's sparse matrices), and IDX files; what shape means what."""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.checks import encode_labels, reading, require_finite
from latentia.data.dataset import Raw, Split
from latentia.data.images import resize
from latentia.data.pictures import as_pictures, marked
from latentia.data.sparse_files import is_sparse, sparse_matrix
from latentia.data.truth import truth_of
from latentia.data.videos import as_frames
from latentia.errors import DataError
from latentia.guard import shown

_X_NAMES = ("x", "X", "data", "images", "features", "arr_0")
_Y_NAMES = ("y", "Y", "labels", "label", "target", "targets")
_PART_NAMES = {"train": ("train",), "validation": ("valid", "validation", "val"), "test": ("test",)}


def read_npy(path: Path, image_size: int | None = None, channels: str = "auto") -> Raw:
    """Read one array without labels; the file is memory-mapped, so only the rows of each part are copied."""
    with reading(path, "NumPy file"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise DataError(f"{path} is an .npz archive under another name; call it .npz")
    return Raw(
        Split(_as_items(array, str(path), image_size, channels)), source=f"an array {_of(array)} from {path}"
    )


def read_npz(path: Path, image_size: int | None = None, channels: str = "auto") -> Raw:
    """Read an archive of arrays.

    Either `x` (or `X`, `data`, `images`, `features`, or the only array) with perhaps `y` (or `labels`, `target`) and what is known of
    the objects in it (`masks`, `counts`, `states`, see `latentia.data.truth`); or the parts `train`, `valid` (`validation`, `val`) and `test`, also as `x_train` with `y_train` and so on;
    or a matrix written by `scipy.sparse.save_npz`.

    Raises:
        DataError: no such array, labels of another length, a truncated file.
    """
    with reading(path, "NumPy archive"):
        # zipfile checks every member's sum; np.load alone would not look at arrays that it is not asked for
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise DataError(f"{path} is truncated or damaged at its array {damaged}")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise DataError(f"{path}: its member {shown(name)!r} is no array of NumPy")
        if is_sparse(arrays):
            matrix = sparse_matrix(arrays, str(path))
            require_finite(matrix.data[:, None], f"{path}, stored values")
            return Raw(Split(matrix), source=f"a sparse matrix {matrix.shape} from {path}")
    return from_arrays(arrays, path, image_size, channels)


def from_arrays(
    arrays: Mapping[str, NDArray[Any]], path: Path, image_size: int | None, channels: str = "auto"
) -> Raw:
    """Find items, labels and parts among named arrays."""
    found = {part: _pick(arrays, prefixes) for part, prefixes in _PART_NAMES.items()}
    if found["train"] is None:
        name = next((key for key in _X_NAMES if key in arrays), None)
        if name is None and len(arrays) == 1:
            name = next(iter(arrays))
        if name is None:
            raise DataError(
                f"{path} holds the arrays {', '.join(arrays) or '(none)'}; expected x (and y), or train, valid and test"
            )
        label = next((key for key in _Y_NAMES if key in arrays), None)
        found = {"train": (arrays[name], None if label is None else arrays[label])}
    class_names = None
    pieces = {part: pair for part, pair in found.items() if pair is not None}
    labels = {part: np.atleast_1d(y) for part, (_, y) in pieces.items() if y is not None}
    codes: dict[str, NDArray[np.int64]] = {}
    for part, y in labels.items():
        if len(y) != len(pieces[part][0]):
            raise DataError(
                f"{path}: {len(pieces[part][0])} rows but {len(y)} labels in {part}; there must be one for each row"
            )
    if labels:
        joined, class_names = encode_labels(
            np.concatenate([y.reshape(len(y), -1) for y in labels.values()]), str(path)
        )
        codes = dict(
            zip(labels, np.split(joined, np.cumsum([len(y) for y in labels.values()])[:-1]), strict=True)
        )
    splits = {}
    for part, (x, _) in pieces.items():
        where = f"{path}, {part}" if len(pieces) > 1 else str(path)
        items = _as_items(x, where, image_size, channels)
        own = part if "train" in arrays or f"x_{part}" in arrays else ""
        splits[part] = Split(
            items, codes.get(part), truth=truth_of(arrays, x, where, image_size, own, channels)
        )
    shapes = ", ".join(f"{part} {_of(x)}" for part, (x, _) in pieces.items())
    return Raw.of_parts(splits, f"arrays ({shapes}) from {path}", class_names)


def _pick(
    arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...]
) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
    """Return the items and labels of the part that is called one of `names`."""
    for name in names:
        for key in (name, f"x_{name}", f"X_{name}", f"{name}_x", f"{name}_images"):
            if key in arrays:
                ys = (f"y_{name}", f"{name}_y", f"{name}_labels", f"labels_{name}")
                return arrays[key], next((arrays[y] for y in ys if y in arrays), None)
    return None


def _of(array: NDArray[Any]) -> str:
    return f"{array.shape} of {array.dtype}"


def _as_items(array: NDArray[Any], where: str, image_size: int | None, channels: str = "auto") -> Any:
    """Check an array and give it the form of items: `[n, d]` as it is, images as `[n, C, H, W]`, videos as `Ragged` frames.

    Images are `[n, H, W]`, `[n, C, H, W]` or `[n, H, W, C]`; their types are those of `latentia.data.pictures`.

    Raises:
        DataError: another number of axes, channels on an axis that cannot be told, no numbers, NaN.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(f"{where}: values of type {array.dtype}; numbers are expected")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    if array.ndim not in (2, 3, 4, 5) or 0 in array.shape[1:]:
        raise DataError(
            f"{where}: an array of shape {array.shape}; expected [n, d] for a table,"
            " [n, H, W], [n, C, H, W] or [n, H, W, C] for images, [n, T, C, H, W] for videos"
        )
    require_finite(array, where)
    if array.ndim == 5:
        return as_frames(array, lambda frames: as_images(frames, where, image_size, channels))
    if array.ndim == 2:
        if image_size is not None:
            raise DataError(f"{where} is a table of shape {array.shape}; image_size is for images")
        return array
    return as_images(array, where, image_size, channels)


def as_images(
    array: NDArray[Any], where: str, image_size: int | None, channels: str = "auto"
) -> NDArray[Any]:
    """Bring images to `[n, C, H, W]` of uint8, uint16 or float32; `array` holds native numbers on 3 or 4 axes.

    Raises:
        DataError: where the channels are cannot be told (`latentia.data.pictures`).
    """
    images = as_pictures(array, where, channels).array
    if images.dtype.kind == "f":
        images = images.astype(np.float32, copy=False)
    return marked(images if image_size is None else resize(images, image_size))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of bytes: two zeros, type 8, number of axes, big-endian sizes, data (LeCun's format)."""
    with reading(path, "gzipped IDX file"):
        content = gzip.decompress(path.read_bytes())
        zeros, kind, axes = struct.unpack_from(">HBB", content)
        if zeros != 0 or kind != 8 or axes < 1:
            raise DataError(f"{path} is no IDX file of unsigned bytes: it begins with {content[:4].hex()}")
        shape = struct.unpack_from(f">{axes}I", content, 4)
        expected = 4 + 4 * axes + math.prod(shape)
        if len(content) != expected:
            raise DataError(
                f"{path} holds {len(content)} bytes unpacked where its header says {expected}: truncated?"
            )
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
