"""How a text file is laid out: separator, comments, header, and where its numbers begin."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import pandas as pd

from latentia.data.checks import reading
from latentia.errors import DataError

GZIP = b"\x1f\x8b"
_SEPARATORS = ("\t", ",", ";", " ")
_LOOKED_AT = 60  # lines


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Attributes:
        separator: between cells.
        skip: lines before the first row of the body.
        header: names of the columns; of the row names too, unless they have none.
        unnamed: whether a first column of row names has no header, as R's `write.table` leaves it.
        comments: lines before the header.
    """

    separator: str
    skip: int
    header: tuple[str, ...]
    unnamed: bool
    comments: tuple[str, ...] = ()


def opened(path: Path) -> IO[str]:
    """A text file, compressed or not, without its byte-order mark."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def is_number(cell: str) -> bool:
    """Whether a cell is a number.

    Example:
        >>> is_number("12"), is_number("1e3"), is_number("S1"), is_number("")
        (True, True, False, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return True


def layout_of(path: Path) -> Layout:
    """The layout of a table with a header.

    Raises:
        DataError: no header, no rows, or rows of unlike lengths; says which.
    """
    with reading(path, "table of text"), opened(path) as file:
        lines = [line.rstrip("\r\n") for line in islice(file, _LOOKED_AT)]
    kept = [(number, line) for number, line in enumerate(lines) if line.strip()]
    first = next((i for i, (_, line) in enumerate(kept) if not line.startswith("#")), None)
    if first is None or (first == 0 and len(kept) == 1):
        raise DataError(
            f"{path} holds no rows below a header: expected a table of counts with names on two sides"
        )
    tried = [_with(separator, kept, first) for separator in _SEPARATORS]
    found = next((layout for layout in tried if layout is not None), None)
    if found is None:
        raise DataError(
            f"{path}: rows and header have unlike numbers of cells, whether separated by tabs, commas, semicolons or blanks: "
            "expected a table with one header and as many cells in each row"
        )
    if not found.unnamed and all(is_number(cell) for cell in found.header):
        raise DataError(
            f"{path}: row {found.skip} holds numbers only: expected a header with names of samples or taxa above the counts"
        )
    return found


def _with(separator: str, kept: list[tuple[int, str]], first: int) -> Layout | None:
    """The layout with a separator; None if the rows do not agree with it."""
    if separator not in kept[first][1]:
        return None
    rows = list(
        csv.reader((line for _, line in kept), delimiter=separator, skipinitialspace=separator != "\t")
    )
    if len(rows) != len(kept):  # a quoted cell runs over lines
        return None
    below = rows[first]
    above = rows[first - 1] if first else None
    if above is not None and len(above) > 1 and len(above) in (len(below), len(below) - 1):
        header, body, skip = above, rows[first:], kept[first - 1][0] + 1
        comments = [line for _, line in kept[: first - 1]]
    else:
        header, body, skip = below, rows[first + 1 :], kept[first][0] + 1
        comments = [line for _, line in kept[:first]]
    widths = {len(row) for row in body}
    if len(widths) != 1 or (width := widths.pop()) < 2 or len(header) not in (width, width - 1):
        return None
    return Layout(
        separator, skip, tuple(cell.strip() for cell in header), len(header) < width, tuple(comments)
    )


def body_of(path: Path, layout: Layout, text_columns: Sequence[int]) -> pd.DataFrame:
    """The rows below the header; columns that are not all numbers stay text, and so do those that are named.

    Args:
        path: the file.
        layout: its layout.
        text_columns: places of columns that are text whatever they look like; identifiers are.

    Raises:
        DataError: a damaged file, rows of another length.
    """
    width = len(layout.header) + layout.unnamed
    with reading(path, "table of text"), opened(path) as file:
        frame = pd.read_csv(
            file,
            sep=layout.separator,
            header=None,
            names=list(range(width)),
            skiprows=layout.skip,
            dtype=dict.fromkeys(text_columns, str),
            keep_default_na=False,
            skipinitialspace=layout.separator != "\t",
            index_col=False,
            low_memory=False,
        )
    # A separator at the end of each line makes a last column of nothing.
    last = frame.iloc[:, -1]
    if width > 2 and not layout.unnamed and layout.header[-1] == "" and (last.astype(str) == "").all():
        frame = frame.iloc[:, :-1]
    return frame
