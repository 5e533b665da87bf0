"""Metadata of samples: QIIME's mapping files and metadata, `.csv`, `.tsv`; every cell is text until it is tested."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from latentia.data.checks import reading
from latentia.data.counts.layout import opened
from latentia.data.counts.words import ID_HEADERS, axis_of, some
from latentia.errors import DataError

Declared = Literal["categorical", "numeric"]
_TYPES = ("#q2:types", "q2:types")
_SEPARATORS = ("\t", ",", ";")


@dataclass(frozen=True, eq=False)
class Metadata:
    """What is known of samples.

    Attributes:
        frame: a row for each sample, its id as index; all cells text.
        declared: what `#q2:types` says of columns.
        id_column: header of the column of ids.
        source: the file.
    """

    frame: pd.DataFrame
    declared: dict[str, Declared] = field(default_factory=dict)
    id_column: str = ""
    source: str = ""


def read_metadata(path: Path, id_column: str | None = None) -> Metadata:
    """Read a table that describes samples.

    The column of ids is the one asked for, the first whose header is one of QIIME's and the field's (`#SampleID`, `sample-id`, `id`,
    ...), or the first.

    Args:
        path: `.tsv`, `.csv` or `.txt`, perhaps gzipped.
        id_column: header of the column of ids.

    Raises:
        DataError: no rows, rows of another length, an id twice (with both rows).
    """
    with reading(path, "table of metadata"), opened(path) as file:
        lines = file.read().splitlines()
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not kept:
        raise DataError(f"{path} is empty; expected a header and a row for each sample")
    start = next((i for i, (_, line) in enumerate(kept) if not line.startswith("#") or _is_header(line)), 0)
    separator = max(_SEPARATORS, key=lambda each: kept[start][1].count(each))
    rows = list(csv.reader((line for _, line in kept[start:]), delimiter=separator))
    numbers = [number for number, _ in kept[start:]]
    if len(rows) != len(numbers):
        raise DataError(f"{path}: a quoted cell runs over several lines; write each sample in one line")
    header = [cell.strip() for cell in rows[0]]
    body = [
        (number, row)
        for number, row in zip(numbers[1:], rows[1:], strict=True)
        if row and not _is_comment(row)
    ]
    declared = _declared(header, rows[1:])
    words = any(axis_of(name) for name in header)
    unnamed = bool(body) and len(body[0][1]) == len(header) + 1 and not words  # R's write.table
    header = ["", *header] if unnamed else header
    if not body:
        raise DataError(f"{path} holds no rows below its header")
    for number, row in body:
        if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
            raise DataError(
                f"{path}: line {number} has {len(row)} cells, but the header names {len(header)} columns"
            )
    cells = [[cell.strip() for cell in (row + [""] * len(header))[: len(header)]] for _, row in body]
    place = _id_place(path, header, id_column)
    ids = [row[place] for row in cells]
    _refuse_twice(path, ids, [number for number, _ in body])
    columns = [j for j, name in enumerate(header) if j != place and name]
    frame = pd.DataFrame([[row[j] for j in columns] for row in cells], index=pd.Index(ids), dtype=object)
    frame.columns = pd.Index([header[j] for j in columns])
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path} has the column {twice[0]!r} twice; rename one")
    return Metadata(frame, declared, header[place], str(path))


def _is_header(line: str) -> bool:
    """Whether a line that begins with # names columns: its first cell is a header of ids."""
    first = next((line.split(each)[0] for each in _SEPARATORS if each in line), line)
    return axis_of(first) is not None


def _is_comment(row: list[str]) -> bool:
    return row[0].lstrip().startswith("#")


def _declared(header: list[str], rows: list[list[str]]) -> dict[str, Declared]:
    types = next((row for row in rows if row and row[0].strip().casefold() in _TYPES), None)
    found: dict[str, Declared] = {}
    for name, cell in zip(header, types or [], strict=False):
        word = cell.strip().casefold()
        if word in ("categorical", "numeric"):
            found[name] = "numeric" if word == "numeric" else "categorical"
    return found


def _id_place(path: Path, header: list[str], id_column: str | None) -> int:
    if id_column is not None:
        if id_column in header:
            return header.index(id_column)
        if id_column.casefold() != "none" and not any(axis_of(name) for name in header):
            raise DataError(f"{path} has no column {id_column!r}; its columns: {some(header, 10)}")
    named = next((j for j, name in enumerate(header) if axis_of(name) == "samples"), None)
    unnamed = next((j for j, name in enumerate(header) if name.casefold() in ID_HEADERS), None)
    return next((j for j in (named, unnamed) if j is not None), 0)


def _refuse_twice(path: Path, ids: list[str], numbers: list[int]) -> None:
    """Raise for an id that stands in two rows."""
    twice = next((name for name, times in Counter(ids).items() if times > 1), None)
    if twice is not None:
        first, second = [number for name, number in zip(ids, numbers, strict=True) if name == twice][:2]
        raise DataError(
            f"{path}: the id {twice!r} stands in lines {first} and {second}; each sample has one row"
        )
