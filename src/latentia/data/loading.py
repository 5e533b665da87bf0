"""`load`: from a name or a path to a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from latentia.data.column import Column
from latentia.data.dataset import Dataset, Raw, assemble
from latentia.data.images import SUFFIXES, check_image_size, read_folder
from latentia.data.schema import NOTHING, Asked
from latentia.data.sources import SOURCES
from latentia.errors import DataError

_SUPPORTED = ".npy, .npz, .csv, .tsv (also .gz), .parquet, or a folder of images"


def load(
    name_or_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    image_size: int | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    label_column: str | int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    id: str | None = None,  # noqa: A002  the flag's name
) -> Dataset:
    """Load data by name or path and split it into train, validation and test parts that share no row.

    Where the source has its own test part, that is the test part and validation is drawn from the rest (at most
    5000 rows); else both are drawn. The same seed gives the same parts.

    Args:
        name_or_path: a name of `latentia.data.SOURCES` (`digits`, `mnist`, ...); `hf://owner/name` on the Hugging
            Face hub; a folder of images (perhaps with a subfolder for each class); a `.npy`, `.npz`, `.csv`,
            `.tsv` (also `.gz`) or `.parquet` file. A name goes before a file of the same name: `./mnist` is a path.
        seed: of the split.
        image_size: cut the middle square out of each image and resize it to so many pixels.
        validation_fraction: share of the rows that become the validation part.
        test_fraction: share of the rows that become the test part, if the source has none.
        label_column: column of a table that holds the classes, by name or place.
        data_dir: where named sets are looked for first, before `$LATENTIA_DATA` and the user's cache.
        columns: what columns of a table are to be taken as, by name (`latentia.data.schema.KINDS_ASKED`); others are decided by their cells.
        drop: columns of a table that are left out.
        id: column of a table that names its rows.

    Returns:
        Images as `[n, C, H, W]` (uint8 0 ... 255, 0/1 for binary sets; float32 if a `.npy` holds floats in
        [0, 1]), tables as `[n, d]` (int64 if all numbers are whole; CSR from a sparse `.npz`), or
        `latentia.data.items.Mixed` where their columns are of unlike kinds or have gaps.

    Raises:
        DataError: nothing of that name, a damaged file, numbers that are none, too few rows: says where.
        ConfigError: a fraction, seed or size outside its range.
        MissingExtraError: `hf://` without the extra `[hub]`.

    Example:
        >>> data = load("digits")
        >>> data.event_shape, len(data.train), len(data.validation), len(data.test)
        ((1, 8, 8), 1437, 180, 180)
    """
    name = os.fspath(name_or_path)
    return assemble(
        name,
        read(
            name,
            image_size=image_size,
            label_column=label_column,
            data_dir=data_dir,
            asked=Asked(columns or {}, tuple(drop), id),
        ),
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )


def read(
    name_or_path: str | os.PathLike[str],
    *,
    image_size: int | None = None,
    label_column: str | int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    columns: Sequence[Column] | None = None,
    asked: Asked = NOTHING,
) -> Raw:
    """Read data by name or path, in the source's order; nothing is split.

    Args:
        name_or_path: as in `load`.
        image_size: as in `load`.
        label_column: as in `load`.
        data_dir: as in `load`.
        columns: of a table: what its features were in a fit; they are found by name and read as then, others are left out, and a
            table that lacks one is refused.
        asked: what a person says of the columns of a table.

    Raises:
        DataError, ConfigError, MissingExtraError: as `load`.
    """
    check_image_size(image_size)
    return _read(os.fspath(name_or_path), image_size, label_column, data_dir, columns, asked)


def path_of(name: str) -> Path | None:
    """The file or folder that a name or path of `load` means; None for a named set or one of the hub."""
    return None if name in SOURCES or name.startswith("hf://") else Path(name).expanduser()


def _read(
    name: str,
    image_size: int | None,
    label_column: str | int | None,
    data_dir: str | os.PathLike[str] | None,
    columns: Sequence[Column] | None,
    asked: Asked,
) -> Raw:
    if name in SOURCES:
        from latentia.data.named import read_named

        return read_named(SOURCES[name], image_size, label_column, data_dir)
    if name.startswith("hf://"):
        from latentia.data.hub import read_hub

        return read_hub(name.removeprefix("hf://").strip("/"), image_size, label_column)
    path = Path(name).expanduser()
    if path.is_dir() and asked.is_any:
        raise DataError(f"{path} is a folder; what columns are to be taken as is for tables")
    if path.is_dir():
        if label_column is not None:
            raise DataError(
                f"{path} is a folder; label_column is for tables, here the subfolders are the classes"
            )
        return read_folder(path, image_size)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if not path.exists():
        raise DataError(_absent(name, kind))
    if asked.is_any and kind not in (".csv", ".tsv", ".parquet"):
        raise DataError(f"{path} has no named columns; what columns are to be taken as is for tables")
    return _read_file(path, kind, image_size, label_column, columns, asked)


def _read_file(
    path: Path,
    kind: str,
    image_size: int | None,
    label_column: str | int | None,
    columns: Sequence[Column] | None,
    asked: Asked,
) -> Raw:
    if kind in (".csv", ".tsv"):
        from latentia.data.tables import read_text_table

        if image_size is not None:
            raise DataError(f"{path} is a table; image_size is for images")
        return read_text_table(path, label_column, columns, asked)
    if kind == ".parquet":
        from latentia.data.parquet import read_parquet

        return read_parquet(path, image_size, label_column, columns, asked)
    if label_column is not None and kind in (".npy", ".npz"):
        raise DataError(
            f"{path} has no named columns; label_column is for tables, an .npz holds its labels as y"
        )
    if kind in (".npy", ".npz"):
        from latentia.data.arrays import read_npy, read_npz

        return (read_npy if kind == ".npy" else read_npz)(path, image_size)
    if kind in SUFFIXES:
        raise DataError(f"{path} is a single image; give the folder that holds the images ({path.parent})")
    raise DataError(
        f"{path}: files of the kind {kind or '(no suffix)'!r} cannot be read; expected {_SUPPORTED}"
    )


def _absent(name: str, kind: str) -> str:
    """The message for what is neither a name nor a path."""
    if kind or "/" in name or os.sep in name or name.startswith((".", "~")):
        parent = Path(name).expanduser().absolute().parent
        folder = "" if parent.is_dir() else f" (nor does its folder {parent})"
        return f"the file or folder {name} does not exist{folder}; expected {_SUPPORTED}"
    return f"{SOURCES.unknown(name)}; or give the path of {_SUPPORTED}"
