"""Tables of counts as text: `.tsv`, `.csv`, `.txt`, with the headers of QIIME, biom, phyloseq and R."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.counts.grid import Grid, Known, names_of
from latentia.data.counts.layout import Layout, body_of, is_number, layout_of
from latentia.data.counts.words import (
    ID_HEADERS,
    TAXONOMY_HEADERS,
    axis_of,
    is_lineage,
    rank_of,
    some,
    with_prefix,
)
from latentia.errors import DataError

_PREVIEW_TEXT = 30  # characters of a cell that an error shows


def read_text(path: Path, known: Known, id_column: str | None = None) -> Grid:
    """A table of counts with a header, names on its left or in a named column.

    Args:
        path: the file.
        known: names from beside the table.
        id_column: header of the column that names the rows; "none" if there is no such column.

    Raises:
        DataError: no such column; a column of numbers of which it cannot be told whether it names the rows; text among counts.
    """
    layout = layout_of(path)
    headers = ("", *layout.header) if layout.unnamed else layout.header
    asked = None
    if id_column is not None and id_column in headers:
        asked = headers.index(id_column)
    named = next((j for j, header in enumerate(headers) if axis_of(header)), None)
    frame = body_of(path, layout, sorted({0, *(j for j in (asked, named) if j is not None)}))
    headers = headers[: frame.shape[1]]
    place, notes = _id_place(path, frame, headers, layout, known, id_column)
    rows = axis_of(headers[place]) if place is not None else None
    why = f"header {headers[place]!r}" if rows is not None and place is not None else ""
    columns = [j for j in range(frame.shape[1]) if j != place]
    lineages, columns, told = _lineages(frame, headers, columns, place)
    metadata, columns, more = _metadata(frame, headers, columns, place, known)
    if rows is None and metadata is not None:
        rows, why = "samples", "columns are lineages"
    values = _numbers(path, frame, headers, columns)
    return Grid(
        values,
        None if place is None else names_of(frame[place].tolist()),
        names_of([headers[j] for j in columns]),
        rows,
        why,
        lineages,
        metadata,
        (*notes, *told, *more),
    )


def _id_place(
    path: Path,
    frame: pd.DataFrame,
    headers: tuple[str, ...],
    layout: Layout,
    known: Known,
    id_column: str | None,
) -> tuple[int | None, list[str]]:
    """Which column names the rows, and what is to be told of the decision."""
    if id_column is not None and id_column.casefold() == "none":
        return None, []
    if id_column is not None and id_column in headers:
        return headers.index(id_column), []
    first, header = frame[0], headers[0]
    if layout.unnamed or header.strip().casefold() in ID_HEADERS or axis_of(header):
        return 0, []
    elsewhere = next((j for j in range(1, len(headers)) if axis_of(headers[j]) and _is_text(frame[j])), None)
    if not all(is_number(cell) for cell in first):
        return (0 if elsewhere is None or first.is_unique else elsewhere), []
    cells = first.str.strip()
    if cells.is_unique and set(cells) & (known.samples | known.taxa):
        return 0, [f"column {header!r} names the rows: its numbers are ids of the metadata or taxonomy"]
    numbers = cells.astype(float)
    if elsewhere is not None:
        return elsewhere, []
    if not numbers.is_unique or (numbers == 0).any() or (numbers % 1 != 0).any():
        text = f"warning: the first column, {header!r}, holds numbers with zeros or repeats: it is taken as counts like the others, and rows have no names; if it names the rows give --id-column {header!r}"
        return None, [text]
    if _like_identifiers(cells, numbers) and _zeros_elsewhere(frame):
        return 0, [
            f"column {header!r} names the rows: all its numbers differ, none is 0, and they are as long as each other"
        ]
    raise DataError(
        f"{path}: the first column, {header!r}, holds numbers that all differ: does it name the rows, or is it counts like the others? "
        f"add --id-column {header!r} or --id-column none"
    )


def _is_text(column: Any) -> bool:
    return not pd.api.types.is_numeric_dtype(column.dtype)


def _like_identifiers(cells: Any, numbers: Any) -> bool:
    """Whether distinct numbers look like ids: a run without great gaps, or written with as many digits each."""
    span = float(numbers.max() - numbers.min()) + 1
    return len(cells) >= 3 and (span <= 1.5 * len(cells) or cells.str.len().nunique() == 1)


def _zeros_elsewhere(frame: pd.DataFrame) -> bool:
    others = [j for j in range(1, frame.shape[1]) if not _is_text(frame[j])]
    return bool(others) and float((frame[others] == 0).to_numpy().mean()) > 0.1


def _lineages(
    frame: pd.DataFrame, headers: tuple[str, ...], columns: list[int], place: int | None
) -> tuple[dict[str, str], list[int], list[str]]:
    """Columns of lineages or ranks, taken off; they belong to the names of the rows."""
    if place is None:
        return {}, columns, []
    last = columns[-1] if columns else None
    if last is not None and headers[last].casefold() in TAXONOMY_HEADERS and _is_text(frame[last]):
        taken = [last]
        texts = frame[last].astype(str)
    else:
        taken = [j for j in columns if rank_of(headers[j]) and _is_text(frame[j])]
        if not taken:
            return {}, columns, []
        cells = [[with_prefix(rank_of(headers[j]) or "", cell.strip()) for cell in frame[j]] for j in taken]
        texts = pd.Series(["; ".join(row) for row in zip(*cells, strict=True)])
    told = [f"taken off as taxonomy: {some(headers[j] for j in taken)}"]
    names = names_of(frame[place].tolist())
    return (
        dict(zip(names.tolist(), texts.tolist(), strict=True)),
        [j for j in columns if j not in taken],
        told,
    )


def _metadata(
    frame: pd.DataFrame, headers: tuple[str, ...], columns: list[int], place: int | None, known: Known
) -> tuple[pd.DataFrame | None, list[int], list[str]]:
    """Columns that describe samples, taken off: beside lineages (QIIME 2's bar plot writes such tables), or named in the metadata."""
    lineages = [j for j in columns if is_lineage(headers[j]) or headers[j].casefold() == "unassigned"]
    if len(lineages) >= 2 and 2 * len(lineages) >= len(columns):
        others = [j for j in columns if j not in lineages]
    else:
        others = [j for j in columns if headers[j] in known.columns]
    if place is None or not others:
        return None, columns, []
    table = pd.DataFrame({headers[j]: frame[j].astype(str) for j in others})
    table.index = pd.Index(names_of(frame[place].tolist()).tolist())
    told = [f"taken off as metadata: {some(headers[j] for j in others)}"]
    return table, [j for j in columns if j not in others], told


def _parsed(cells: Any) -> Any:
    """Text as numbers, whole ones where all are."""
    try:
        return cells.astype(np.int64)
    except (ValueError, OverflowError):
        return cells.astype(np.float64)


def _numbers(path: Path, frame: pd.DataFrame, headers: tuple[str, ...], columns: list[int]) -> NDArray[Any]:
    """The counts, whole numbers where all are.

    Raises:
        DataError: for text, named by row and column.
    """
    if not columns:
        raise DataError(f"{path} has no column of counts beside its names")
    for j in columns:
        if not _is_text(frame[j]):
            continue
        cells = frame[j].astype(str)
        bad = np.flatnonzero(~cells.map(is_number).to_numpy(dtype=bool))
        if not len(bad):
            continue
        shown = cells.iloc[int(bad[0])][:_PREVIEW_TEXT]
        what = f"{shown!r}" if shown.strip() else "nothing"
        mend = (
            "move it to the --metadata file, or to --taxonomy if it describes taxa"
            if 2 * len(bad) > len(cells)
            else "a taxon that was not seen has the count 0"
        )
        raise DataError(
            f"{path}: row {int(bad[0]) + 1}, column {headers[j]!r} holds {what} where a count was expected: {mend} "
            "(rows are counted from 1, without the header)"
        )
    numbers = frame[columns].apply(lambda cells: _parsed(cells) if _is_text(cells) else cells)
    if all(pd.api.types.is_integer_dtype(kind) for kind in numbers.dtypes):
        whole: NDArray[Any] = numbers.to_numpy()
        return whole if whole.dtype == np.uint64 else whole.astype(np.int64)
    return numbers.to_numpy(dtype=np.float64)
