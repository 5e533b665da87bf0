"""Readers of the named data sets, one for each kind of layout."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from latentia.data.arrays import as_images, read_npz
from latentia.data.dataset import Raw, Split
from latentia.data.digits import read_bundled, read_idx_files
from latentia.data.items import Strings
from latentia.data.pairs import read_pair_files
from latentia.data.sources import READER_SHAPES, DataSource, find, how_to_get, search_folders
from latentia.data.text import read_parts, text_parts
from latentia.errors import DataError


def read_named(
    source: DataSource,
    image_size: int | None,
    label_column: str | int | None,
    data_dir: str | os.PathLike[str] | None,
) -> Raw:
    """Read a named set from the first folder that has its files, else from the Hugging Face hub.

    Raises:
        DataError: found nowhere; says which files are missing and where to put them.
    """
    if label_column is not None and source.reader != "parquet":
        raise DataError(f"the data set {source.name!r} has no named columns; leave label_column out")
    size = image_size or source.image_size
    if source.reader in ("drawn", "drawn-videos"):
        return _draw(source, size or source.shape[-1])
    if source.reader in READER_SHAPES and image_size is not None:
        raise DataError(f"the data set {source.name!r} holds sequences; image_size is for images")
    if source.reader == "drawn-sequences":
        return _draw_sequences(source)
    if not source.files:
        return read_bundled(source, size)
    folder = find(source, data_dir)
    if folder is not None:
        if source.reader == "parquet":
            return _read_parquet_files(source, folder, size, label_column)
        return _READERS[source.reader](source, folder, size)
    if source.hub is None or not _hub_installed():
        raise DataError(_missing(source, data_dir))
    from latentia.data.hub import read_hub

    try:
        return read_hub(source.hub, size, label_column)
    except DataError as error:
        raise DataError(f"{_missing(source, data_dir)}; {error}") from None


def _hub_installed() -> bool:
    from latentia.data.hub import available

    return available()


def _missing(source: DataSource, data_dir: str | os.PathLike[str] | None) -> str:
    """Say which files of a set are missing; a folder that has some of them is named first."""
    folders = [folder / source.place for folder in search_folders(data_dir)]
    started = [folder for folder in folders if len(source.missing(folder)) < len(source.files)]
    if started:
        missing = ", ".join(source.missing(started[0]))
        have = ", ".join(file for file in source.files if file not in source.missing(started[0]))
        return (
            f"the data set {source.name!r} is incomplete: {missing} is missing from {started[0]} (there is {have});"
            f" {how_to_get(source, data_dir)}"
        )
    looked = ", ".join(map(str, folders))
    return f"the data set {source.name!r} was not found (looked in {looked}); {how_to_get(source, data_dir)}"


def _draw(source: DataSource, size: int) -> Raw:
    from latentia.data.drawn import draw

    return draw(source.name, source.n, size)


def _draw_sequences(source: DataSource) -> Raw:
    from latentia.data.synthetic_sequences import lstm_sequences

    tokens, codes = lstm_sequences(source.n)
    items = Strings.of_labels([str(token) for token in row] for row in tokens.tolist())
    corner = (codes > 0).astype(np.int64) @ np.array([2, 1])  # the component that a code most likely is of
    split = Split(items, corner, truth={"code": codes})
    return Raw(
        split, class_names=source.class_names, source=f"{len(split)} sequences drawn from a random LSTM"
    )


def _read_text_files(source: DataSource, folder: Path, size: int | None) -> Raw:  # noqa: ARG001  (a reader's face)
    return read_parts(text_parts(folder), folder)


def _read_pairs(source: DataSource, folder: Path, size: int | None) -> Raw:  # noqa: ARG001  (a reader's face)
    files = dict(zip(("train", "test"), (folder / file for file in source.files), strict=True))
    return read_pair_files(files, source.reader == "anonymous-pairs")


def _read_bits(source: DataSource, folder: Path, size: int | None) -> Raw:
    path = folder / source.files[0]
    raw = read_npz(path)
    parts: dict[str, Split] = {}
    for part, split in (("train", raw.train), ("validation", raw.validation), ("test", raw.test)):
        if split is None or split.x.shape[1:] != (math.prod(source.shape),):
            raise DataError(
                f"{path}: arrays train, valid and test of shape [n, {math.prod(source.shape)}] are expected"
            )
        images = np.asarray(split.x).reshape(-1, *source.shape)
        parts[part] = Split(as_images(images, str(path), size))
    return Raw.of_parts(parts, raw.source)


def _read_parquet_files(
    source: DataSource, folder: Path, size: int | None, label_column: str | int | None
) -> Raw:
    from latentia.data.parquet import read_parquet

    found = {Path(file).stem: read_parquet(folder / file, size, label_column) for file in source.files}
    parts = {part: raw.train for part, raw in found.items()}
    counts = " and ".join(f"{len(split)} {part}" for part, split in parts.items())
    return Raw.of_parts(parts, f"{counts} images from {folder}", found["train"].class_names)


_READERS = {
    "idx": read_idx_files,
    "npz": _read_bits,
    "lines": _read_text_files,
    "pairs": _read_pairs,
    "anonymous-pairs": _read_pairs,
}
