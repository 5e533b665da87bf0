"""Tables of numbers: `.csv`, `.tsv` (also gzipped), and data frames; which columns are features, names, classes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.checks import encode_labels, reading, require_finite
from latentia.data.dataset import Raw, Split
from latentia.errors import DataError

LABEL_NAMES = ("label", "class", "target", "y", "species", "group")
_ROW_NAME_HEADERS = frozenset(
    {"", "sample", "sampleid", "sample_id", "id", "name", "index", "row", "#otu id"}
)
_SAMPLE_HEADERS = frozenset({"sample", "sampleid", "sample id", "sample_id", "sample-id", "#sampleid"})
_PREVIEW = 50
_MOST_COLUMNS = 100_000


def read_text_table(
    path: Path, label_column: str | int | None = None, columns: Sequence[str] | None = None
) -> Raw:
    """Read a table with separated columns: rows are items, columns are features.

    A header is recognised by text above numbers. A first column of distinct texts holds row names. The column
    `label_column` (name, or place from 0) holds the classes; so does a column of text called label, class, target,
    y, species or group.

    Raises:
        DataError: text, NaN or infinity in a feature, named by row and column; no rows; a damaged file.
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
    named = header is not None
    return from_frame(
        frame, str(path), label_column, named=named, row_names_first=unnamed_first, columns=columns
    )


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
        return cell.strip().lower() in ("", "na", "n/a", "null", "none", "true", "false")
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
    columns: Sequence[str] | None = None,
) -> Raw:
    """Turn a data frame into features, classes and row names, as `read_text_table` says.

    Args:
        frame: the table.
        where: file it came from, for messages.
        label_column: name or place of the column of classes.
        named: whether the columns have names; else messages count them from 1.
        row_names_first: the first column has no name, so it holds row names if its values are distinct.
        columns: names of the columns that are features, in this order; None: all that are neither classes nor row names.
    """
    titles = [str(name) if named else str(j + 1) for j, name in enumerate(frame.columns)]
    if columns is not None and named:
        label_column = None if label_column not in titles else label_column
        frame, titles, left_out = _with_columns(frame, titles, where, columns, label_column)
    label = _label_place(frame, titles, where, label_column, named)
    if len(frame) == 0:
        raise DataError(f"{where} holds no rows, only the names of {len(titles)} columns")
    row_names = None
    if (
        label != 0
        and len(titles) > 1
        and _are_row_names(frame.iloc[:, 0], row_names_first or _named_so(titles, named))
    ):
        row_names = frame.iloc[:, 0].astype(str).to_numpy(dtype=str)
    features = [j for j in range(len(titles)) if j != label and not (j == 0 and row_names is not None)]
    if not features:
        raise DataError(f"{where} has no column of numbers beside its row names and labels")
    for j in features:
        _require_numbers(frame.iloc[:, j], titles[j], where)
    chosen = frame.iloc[:, features]
    whole = all(pd.api.types.is_integer_dtype(t) or pd.api.types.is_bool_dtype(t) for t in chosen.dtypes)
    whole = whole and not chosen.select_dtypes("uint64").gt(np.iinfo(np.int64).max).to_numpy().any()
    if whole and not chosen.isna().to_numpy().any():
        x: NDArray[Any] = chosen.to_numpy(dtype=np.int64)
    else:
        x = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    names = tuple(titles[j] for j in features)
    require_finite(x, where, names)
    y, class_names = None, None
    if label is not None:
        y, class_names = encode_labels(
            _label_values(frame.iloc[:, label]), f"{where}, column {titles[label]!r}"
        )
    kind = "whole numbers" if x.dtype.kind == "i" else "numbers"
    source = f"a table of {len(frame)} rows and {len(features)} columns of {kind} from {where}"
    if columns is not None and named and left_out:
        source += f"; left out, for the model was not fitted to them: {', '.join(map(repr, left_out))}"
    if label is not None:
        source += f", classes from column {titles[label]!r}"
    else:
        source += "".join(
            f" (column {name!r} is a feature; label_column={name!r} makes it the classes)"
            for name in names
            if name.lower() in LABEL_NAMES and named
        )
    return Raw(
        Split(np.ascontiguousarray(x), y, row_names),
        feature_names=names if named else None,
        class_names=class_names,
        source=source,
    )


def _with_columns(
    frame: pd.DataFrame,
    titles: list[str],
    where: str,
    columns: Sequence[str],
    label_column: str | int | None,
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The features in the order wanted, behind a first column of row names, with the classes at the end; and what is left out."""
    missing = [name for name in columns if name not in titles]
    if missing:
        have = ", ".join(titles[:12]) + (", ..." if len(titles) > 12 else "")
        raise DataError(
            f"{where} lacks the column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing[:12]))} that the model was"
            f" fitted to; it has {have}"
        )
    wanted = set(columns)
    # names of rows stand first in the table of a fit; in another they may stand anywhere
    rest = [j for j, title in enumerate(titles) if title not in wanted and title != label_column]
    first = next(
        (
            [titles[j]]
            for j in rest
            if _are_row_names(frame.iloc[:, j], j == 0 and (not titles[0] or _named_so(titles, named=True)))
        ),
        [],
    )
    label = label_column if isinstance(label_column, str) and label_column in titles else None
    if label is None:
        numeric = {
            t for t, kind in zip(titles, frame.dtypes, strict=True) if pd.api.types.is_numeric_dtype(kind)
        }
        others = [t for t in titles if t not in (*wanted, *first, *numeric)]
        label = next((t for t in others if t.strip().lower() in LABEL_NAMES), None)
    chosen = [*first, *columns, *([label] if label is not None and label not in wanted else [])]
    places = [titles.index(name) for name in chosen]
    left_out = [name for name in titles if name not in chosen]
    return frame.iloc[:, places], chosen, left_out


def _label_place(
    frame: pd.DataFrame, titles: list[str], where: str, label_column: str | int | None, named: bool
) -> int | None:
    if isinstance(label_column, int) or (label_column is not None and not named and label_column.isdigit()):
        place = int(label_column)
        if not -len(titles) <= place < len(titles):
            raise DataError(f"{where} has {len(titles)} columns; label_column={place} is not among them")
        return place % len(titles)
    if label_column is not None:
        if not named or label_column not in titles:
            columns = ", ".join(titles[:10]) + (", ..." if len(titles) > 10 else "") if named else "no names"
            raise DataError(f"{where} has no column {label_column!r}; its columns: {columns}")
        return titles.index(label_column)
    for wanted in LABEL_NAMES:
        for j, title in enumerate(titles):
            if (
                named
                and title.strip().lower() == wanted
                and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[j])
            ):
                return j
    return None


def _label_values(column: pd.Series[Any]) -> NDArray[Any]:
    values = column.to_numpy()
    return values if values.dtype.kind in "iubf" else column.to_numpy(dtype=object)


def _named_so(titles: list[str], named: bool) -> bool:
    """Whether the first column says by its header that it names the rows: then numbers are names too."""
    return named and titles[0].strip().lower() in _SAMPLE_HEADERS


def _are_row_names(column: pd.Series[Any], unnamed: bool) -> bool:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return unnamed and column.is_unique
    if not pd.api.types.is_string_dtype(column) or column.isna().any() or not column.is_unique:
        return False
    # a column of numbers with a slip in it is no column of names
    return unnamed or 2 * int(pd.to_numeric(column, errors="coerce").isna().sum()) > len(column)


def _require_numbers(column: pd.Series[Any], title: str, where: str) -> None:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return
    if column.isna().all():
        raise DataError(
            f"{where}: row 1, column {title!r} is missing, as is the whole column; fill it in or drop it"
        )
    try:
        numbers = pd.to_numeric(column, errors="coerce")
    except TypeError:
        raise DataError(f"{where}: column {title!r} has type {column.dtype}; numbers are expected") from None
    bad = np.flatnonzero((numbers.isna() & column.notna()).to_numpy())
    row = int(bad[0]) if bad.size else 0
    raise DataError(
        f"{where}: row {row + 1}, column {title!r} holds {str(column.iloc[row])[:40]!r} where a number is expected;"
        f" mend or drop it, or give label_column={title!r} if it is the class, or text_column={title!r} if it is the text to fit"
        " (rows are counted from 1, without the header)"
    )
