"""`load`: from a name or a path to a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from latentia.data.checks import reading
from latentia.data.column import Column
from latentia.data.dataset import Dataset, Raw, assemble
from latentia.data.head import SUPPORTED, absent, check_head, kind_of
from latentia.data.images import SUFFIXES, check_image_size, read_folder
from latentia.data.roles import checked, read_roles, shape_of_roles
from latentia.data.schema import NOTHING, Asked
from latentia.data.shapes import Shape
from latentia.data.sources import READER_SHAPES, SOURCES
from latentia.data.text import TEXT_SUFFIXES, read_jsonl, read_lines, read_parts, text_parts
from latentia.errors import DataError
from latentia.guard import place, shown

_COUNTS, _TABLES = (".biom", ".shared", ".h5ad"), (".csv", ".tsv", ".txt")


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
    channels: str = "auto",
    roles: Mapping[str, str] | None = None,
) -> Dataset:
    """Load data by name or path and split it into train, validation and test parts that share no row.

    Where the source has its own test part, that is the test part and validation is drawn from the rest (at most
    5000 rows); else both are drawn. The same seed gives the same parts.

    Args:
        name_or_path: a name of `latentia.data.SOURCES` (`digits`, `mnist`, ...); `hf://owner/name` on the Hugging
            Face hub; a folder of images (perhaps with a subfolder for each class), of image sequences (see `latentia.data.videos`)
            or of `.gif` files; a `.npy`, `.npz`, `.csv`, `.tsv` (also `.gz`), `.parquet` or `.gif` file; a `.txt` (also `.gz`) file
            with an item a line, a `.jsonl` file, or a folder with `train.txt` (and `valid.txt`, `test.txt`); a table of counts:
            `.biom`, `.shared`, `.h5ad`, or text whose first header says that its rows are taxa. A name goes before a file of the same
            name: `./mnist` is a path.
        seed: of the split.
        image_size: cut the middle square out of each image and resize it to so many pixels.
        validation_fraction: share of the rows that become the validation part.
        test_fraction: share of the rows that become the test part, if the source has none.
        label_column: column of a table that holds the classes, by name or place.
        data_dir: where named sets are looked for first, before `$LATENTIA_DATA` and the user's cache.
        columns: what columns of a table are to be taken as, by name (`latentia.data.schema.KINDS_ASKED`); others are decided by their cells.
        drop: columns of a table that are left out.
        id: column of a table that names its rows.
        channels: axis of the channels of images in a `.npy` or `.npz`: "first" `[n, C, H, W]`, "last" `[n, H, W, C]`, or "auto":
            the only one that it can be.
        roles: what columns of a table are, by name: `text`; or `id` with `event` and `order` (or `time`) for a row an event; or `id` and
            `time` for a row a time step.

    Returns:
        Text and events as `latentia.data.items.Strings`, series as `Ragged`, videos as `Ragged` frames; images as `[n, C, H, W]`
        (uint8 0 ... 255, 0/1 for binary sets; uint16 for whole numbers above 255; float32 if a `.npy` holds other numbers), tables as
        `[n, d]` (int64 if all numbers are whole; CSR from a sparse `.npz`), or `latentia.data.items.Mixed` where their columns
        are of unlike kinds or have gaps.

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
            channels=channels,
            roles=roles,
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
    channels: str = "auto",
    roles: Mapping[str, str] | None = None,
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
        channels: as in `load`.
        roles: as in `load`.

    Raises:
        DataError, ConfigError, MissingExtraError: as `load`.
    """
    check_image_size(image_size)
    named = checked(roles)
    name = os.fspath(name_or_path)
    check_head(name)
    with reading(shown(name), "source of data"):
        if named and not (
            set(named) == {"text"} and kind_of(Path(name)) == ".txt"
        ):  # a text file is its own column
            path, kind = _file_of(name)
            if image_size is not None:
                raise DataError(f"{path} is a table; image_size is for images")
            return read_roles(
                path,
                kind,
                named,
                label_column,
                None if columns is None else tuple(column.name for column in columns),
            )
        return _read(name, image_size, label_column, data_dir, columns, channels, asked)


def path_of(name: str) -> Path | None:
    """The file or folder that a name or path of `load` means; None for a named set or one of the hub."""
    return None if name in SOURCES or name.startswith("hf://") else place(name)


def shape_before(name: str, roles: Mapping[str, str] | None = None) -> Shape | None:
    """What items of data will be, as far as it is known before they are read; None: not known.

    Example:
        >>> shape_before("reviews.txt"), shape_before("table.csv")
        (<Shape.TOKENS: 'tokens'>, None)
    """
    named = shape_of_roles(checked(roles))
    if named is not None:
        return named
    if name in SOURCES:
        return READER_SHAPES.get(SOURCES[name].reader)
    path = place(name)
    if path.is_dir():
        from latentia.data.videos import holds_videos

        return Shape.TOKENS if text_parts(path) else Shape.FRAMES if holds_videos(path) else None
    if kind_of(path) == ".gif":
        return Shape.FRAMES
    if kind_of(path) in _TABLES and path.is_file() and _has_taxa_in_rows(path):
        return None
    return Shape.TOKENS if kind_of(path) in TEXT_SUFFIXES else None


def _file_of(name: str) -> tuple[Path, str]:
    """A file that is there, and its kind."""
    path = place(name)
    kind = kind_of(path)
    if name in SOURCES or name.startswith("hf://") or path.is_dir():
        raise DataError(f"{name}: roles of columns are for files with columns (.csv, .tsv, .parquet, .jsonl)")
    if not path.exists():
        raise DataError(absent(name, kind))
    return path, kind


def _read(
    name: str,
    image_size: int | None,
    label_column: str | int | None,
    data_dir: str | os.PathLike[str] | None,
    columns: Sequence[Column] | None,
    channels: str,
    asked: Asked,
) -> Raw:
    if name in SOURCES:
        from latentia.data.named import read_named

        return read_named(SOURCES[name], image_size, label_column, data_dir)
    if name.startswith("hf://"):
        from latentia.data.hub import read_hub

        return read_hub(name.removeprefix("hf://").strip("/"), image_size, label_column)
    path = place(name)
    if path.is_dir() and asked.is_any:
        raise DataError(f"{path} is a folder; what columns are to be taken as is for tables")
    if path.is_dir() and text_parts(path):
        return read_parts(text_parts(path), path)
    if path.is_dir():
        if label_column is not None:
            raise DataError(
                f"{path} is a folder; label_column is for tables, here the subfolders are the classes"
            )
        from latentia.data.videos import read_videos

        return read_videos(path, image_size) or read_folder(path, image_size)
    path, kind = _file_of(name)
    if asked.is_any and kind not in (".csv", ".tsv", ".parquet"):
        raise DataError(f"{path} has no named columns; what columns are to be taken as is for tables")
    return _read_file(path, kind, image_size, label_column, columns, channels, asked)


def _read_file(
    path: Path,
    kind: str,
    image_size: int | None,
    label_column: str | int | None,
    columns: Sequence[Column] | None,
    channels: str,
    asked: Asked,
) -> Raw:
    if kind in _COUNTS or (kind in _TABLES and _has_taxa_in_rows(path)):
        names = None if columns is None else [column.name for column in columns]
        return _read_counts(path, image_size, label_column, names)
    if kind in TEXT_SUFFIXES:
        if image_size is not None:
            raise DataError(f"{path} is text; image_size is for images")
        if kind == ".jsonl":
            return read_jsonl(path, None, None if label_column is None else str(label_column))
        if label_column is not None:
            raise DataError(f"{path} has no columns; label_column is for tables")
        return read_lines(path)
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

        return (read_npy if kind == ".npy" else read_npz)(path, image_size, channels)
    if kind == ".gif":
        from latentia.data.videos import read_animations

        return read_animations([path], path, image_size)
    if kind in SUFFIXES:
        raise DataError(f"{path} is a single image; give the folder that holds the images ({path.parent})")
    raise DataError(
        f"{path}: files of the kind {kind or '(no suffix)'!r} cannot be read; expected {SUPPORTED}"
    )


def _has_taxa_in_rows(path: Path) -> bool:
    from latentia.data.counts.raw import has_taxa_in_rows

    return has_taxa_in_rows(path)


def _read_counts(
    path: Path, image_size: int | None, label_column: str | int | None, columns: Sequence[str] | None
) -> Raw:
    from latentia.data.counts.raw import read_raw

    if image_size is not None:
        raise DataError(f"{path} is a table; image_size is for images")
    if label_column is not None:
        raise DataError(
            f"{path} is a table of counts alone; label_column is for tables with a column of classes"
        )
    return read_raw(path, columns)
