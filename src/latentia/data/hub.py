"""Data sets of the Hugging Face hub, through its own library `datasets` (extra `[hub]`)."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from typing import Any

from latentia.data.checks import one_line
from latentia.data.dataset import Raw
from latentia.data.parquet import from_table
from latentia.errors import DataError, MissingExtraError

_PARTS = {
    "train": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test",
}  # fmt: skip


def available() -> bool:
    """Whether the library `datasets` is installed."""
    return importlib.util.find_spec("datasets") is not None


def read_hub(name: str, image_size: int | None = None, label_column: str | int | None = None) -> Raw:
    """Fetch `owner/name` and read its parts `train`, `validation` and `test`; others are left aside.

    Raises:
        MissingExtraError: `datasets` is not installed.
        DataError: no such set, no network, no part called train, nothing that can be read.
    """
    if not available():
        raise MissingExtraError(
            f"hf://{name} needs the library `datasets`: pip install 'latentia[hub]';"
            " or download the set's Parquet file and give its path"
        )
    datasets: Any = importlib.import_module("datasets")
    try:
        found = datasets.load_dataset(name)
    except Exception as error:  # the library lets errors of its many transports through
        raise DataError(
            f"hf://{name} could not be fetched: {one_line(error)};"
            " check the name and the network, or give the path of a downloaded Parquet file"
        ) from None
    if "train" not in found:
        raise DataError(f"hf://{name} has the parts {', '.join(found)}; one called train is needed")
    parts: dict[str, Raw] = {}
    for split, rows in found.items():
        part = _PARTS.get(split)
        if part is not None and part not in parts:
            parts[part] = _part(rows, f"hf://{name}, {split}", image_size, label_column, datasets)
    train = parts["train"]
    if any(raw.class_names not in (None, train.class_names) for raw in parts.values()):
        raise DataError(
            f"hf://{name}: its parts do not hold the same classes, and the set does not name them"
        )
    splits = {part: raw.train for part, raw in parts.items()}
    source = "; ".join(raw.source for raw in parts.values())
    return replace(Raw.of_parts(splits, source, train.class_names), feature_names=train.feature_names)


def _part(
    rows: Any, where: str, image_size: int | None, label_column: str | int | None, datasets: Any
) -> Raw:
    for name, feature in rows.features.items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(name, datasets.Image(decode=False))
    return from_table(rows.with_format("arrow")[:], where, image_size, label_column)
