"""Tables: `.csv`, `.tsv` (also gzipped), and data frames; which columns are features, names, classes."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from latentia.data.cells import number_style
from latentia.data.checks import reading
from latentia.data.column import Column
from latentia.data.dataset import Raw, Split
from latentia.data.features import features_of
from latentia.data.labels import LABEL_NAMES, SAMPLE_HEADERS, classes_of, label_place
from latentia.data.later_tables import later_table
from latentia.data.schema import NOTHING, Asked
from latentia.errors import DataError

_ROW_NAME_HEADERS = frozenset(
    {"", "sample", "sampleid", "sample_id", "id", "name", "index", "row", "#otu id"}
)
_PREVIEW = 50
_MOST_COLUMNS = 100_000


def read_text_table(
    path: Path,
    label_column: str | int | None = None,
    columns: Sequence[Column] | None = None,
    asked: Asked = NOTHING,
) -> Raw:
    """Read a table with separated columns: rows are items, columns are features.

    A header is recognised by text above numbers. The column `label_column` (name, or place from 0) holds the classes; so does a
    column of text called label, class, target, y, species or group. What the others are, see `from_frame`.

    Raises:
        DataError: cells that no column can hold, named by row and column; no rows; a damaged file.
    """
    with reading(path, "table"):
        separator, preview = _preview(path)
        if not preview:
            raise DataError(f"{path} is empty; expected a table with one row for each item")
        options: dict[str, Any] = {"header": 0 if _has_header(preview) else None}
        header = preview[0] if options["header"] == 0 else None
        unnamed_first = header is not None and header[0].strip() == ""
        if header is not None and len(preview) > 1 and len(preview[1]) == len(header) + 1:
            # R's write.table: the column of row names has no name of its own
            options |= {"names": ["row names", *header]}
            unnamed_first = True
        elif header is not None and len(preview) > 1 and len(preview[1]) > len(header):
            raise DataError(
                f"{path}: row 1 has {len(preview[1])} cells but the header names {len(header)} columns"
            )
        frame = pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            compression="gzip" if path.suffix.lower() == ".gz" else None,
            low_memory=False,
            skipinitialspace=True,
            index_col=False,
            **options,
        )
        frame = _with_codes(frame, path, separator, options)
    named = header is not None
    return from_frame(
        frame,
        str(path),
        label_column,
        named=named,
        row_names_first=unnamed_first,
        columns=columns,
        asked=asked,
    )


def _with_codes(frame: pd.DataFrame, path: Path, separator: str, options: dict[str, Any]) -> pd.DataFrame:
    """Columns of whole numbers, some of which are written with a zero before them, as the text that they are: codes."""
    whole = [j for j, kind in enumerate(frame.dtypes) if pd.api.types.is_integer_dtype(kind)]
    if not whole:
        return frame
    zero = re.compile(rf"""(?:^|{re.escape(separator)})\s*["']?[+-]?0[0-9]""")
    with _opened(path) as file:
        if not any(zero.search(line) for line in file):
            return frame
    text = pd.read_csv(path, sep=separator, encoding="utf-8-sig", dtype=str, skipinitialspace=True, index_col=False,
                       compression="gzip" if path.suffix.lower() == ".gz" else None, **options)  # fmt: skip
    for j in whole:
        if bool(text.iloc[:, j].str.match(r"^[+-]?0[0-9]").any()):
            frame = frame.astype({frame.columns[j]: object})
            frame.isetitem(j, text.iloc[:, j])
    return frame


def _preview(path: Path) -> tuple[str, list[list[str]]]:
    """Return the separator and the cells of the first rows."""
    with _opened(path) as file:
        first = file.readline()
        while first and not first.strip():
            first = file.readline()
        tab_named = any(suffix.lower() == ".tsv" for suffix in path.suffixes)
        separator = "\t" if tab_named else max(",;\t", key=first.count)
        if first.count(separator) >= _MOST_COLUMNS:
            raise DataError(
                f"{path} has more than {_MOST_COLUMNS} columns, for which text takes too long; write it as .npy"
            )
        rows = csv.reader(_chain(first, file), delimiter=separator, skipinitialspace=True)
        return separator, [row for row in islice(rows, _PREVIEW) if row]


def _opened(path: Path) -> TextIOWrapper:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _chain(first: str, file: TextIOWrapper) -> Iterator[str]:
    if first:
        yield first
    yield from file


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        plain = cell.strip().lower() in ("", "na", "n/a", "null", "none", "true", "false")
        return plain or number_style([cell.strip()]) is not None
    return True


def _has_header(preview: list[list[str]]) -> bool:
    """Whether the first row names the columns: most columns of numbers begin with a text.

    Numbers may be names too (identifiers of taxa). Then the first cell, above a column of row names, has to tell,
    by being empty or a usual name for such a column.
    """
    first, body = preview[0], preview[1:]
    if not body:
        return not all(map(_is_number, first))
    if len(body[0]) == len(first) + 1:
        return True
    numeric = [j for j in range(len(first)) if all(_is_number(row[j]) for row in body if j < len(row))]
    texts = sum(not _is_number(first[j]) for j in numeric)
    if 2 * texts > len(numeric):
        return True
    if not numeric:
        return True
    return 0 not in numeric and first[0].strip().lower() in _ROW_NAME_HEADERS


def from_frame(
    frame: pd.DataFrame,
    where: str,
    label_column: str | int | None = None,
    *,
    named: bool = True,
    row_names_first: bool = False,
    columns: Sequence[Column] | None = None,
    asked: Asked = NOTHING,
) -> Raw:
    """Turn a data frame into features, classes and row names.

    Where all features are numbers without a gap they are an array `[n, d]`: whole numbers if they are counts of one kind of thing
    (`latentia.data.compositions`), else as they are. Any other table is `latentia.data.items.Mixed`; what each of its columns is, is
    decided by all of its cells (`latentia.data.deciding`).

    Args:
        frame: the table.
        where: file it came from, for messages.
        label_column: name or place of the column of classes.
        named: whether the columns have names; else messages count them from 1.
        row_names_first: the first column has no name, so it holds row names if its values are distinct.
        columns: of a model that was fitted before: the features by name, in this order, read as then; None: this is the first table.
        asked: what a person says of the columns.
    """
    titles = [_title(name, j) if named else str(j + 1) for j, name in enumerate(frame.columns)]
    _require_different(titles, where)
    if columns is not None:
        return later_table(frame, titles, where, label_column, columns, named)
    label = label_place(frame, titles, where, label_column, named)
    if len(frame) == 0:
        raise DataError(f"{where} holds no rows, only the names of {len(titles)} columns")
    features = [j for j in range(len(titles)) if j != label]
    if not features:
        raise DataError(f"{where} has no column beside the classes in {titles[label or 0]!r}")
    names_first = row_names_first or (named and titles[0].strip().lower() in SAMPLE_HEADERS)
    found = features_of(
        frame.iloc[:, features], [titles[j] for j in features], where, asked, names_first and label != 0
    )
    y, class_names = classes_of(frame, titles, where, label)
    source = f"a table of {len(frame)} rows and {len(found.titles)} columns of {found.what} from {where}{found.beside}"
    if label is not None:
        source += f"; classes from column {titles[label]!r}"
    else:
        source += "".join(
            f" (column {name!r} is a feature; label_column={name!r} makes it the classes)"
            for name in found.titles
            if name.lower() in LABEL_NAMES and named
        )
    return Raw(Split(found.x, y, found.names), feature_names=found.titles if named else None, class_names=class_names,
               source=source, notes=found.lines)  # fmt: skip


def _title(name: Any, place: int) -> str:
    """The name of a column; one without a name is called by its place."""
    text = str(name)
    return f"column {place + 1}" if not text.strip() or text.startswith("Unnamed: ") else text


def _require_different(titles: list[str], where: str) -> None:
    twice = (
        [title for title in dict.fromkeys(titles) if titles.count(title) > 1]
        if len(set(titles)) < len(titles)
        else []
    )
    if twice:
        raise DataError(
            f"{where}: the name {twice[0]!r} stands over {titles.count(twice[0])} columns; rename one of them"
        )
