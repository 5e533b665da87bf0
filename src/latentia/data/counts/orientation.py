"""Which side of a table is samples and which is taxa: by evidence, or asked; never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from latentia.data.counts.grid import Grid, Known
from latentia.data.counts.words import Axis, is_lineage
from latentia.errors import DataError

Asked = Literal["rows", "columns", "auto"]
_SHARE = 0.5  # of the names of a side that must look like lineages


@dataclass(frozen=True)
class Orientation:
    """What the rows of a table are, and what says so.

    Attributes:
        rows: what they are.
        why: the evidence, in words.
    """

    rows: Axis
    why: str

    @property
    def taxa_in(self) -> Asked:
        """How the flag names it."""
        return "rows" if self.rows == "taxa" else "columns"


def orientation_of(where: str, grid: Grid, known: Known, asked: Asked) -> Orientation:
    """What the rows are: as asked, or by format, header, ids of the metadata, ids of the taxonomy, looks of the names, in this order.

    Args:
        where: the file, for messages.
        grid: what it holds.
        known: names from beside it.
        asked: which side holds the taxa.

    Raises:
        DataError: if nothing decides, or two pieces of evidence contradict each other.
    """
    if asked != "auto":
        return Orientation("taxa" if asked == "rows" else "samples", f"--taxa-in {asked}")
    found = [
        each
        for each in (
            (grid.rows, grid.why) if grid.rows else None,
            _by_ids(grid, known.samples, "samples", "metadata"),
            _by_ids(grid, known.taxa, "taxa", "taxonomy"),
            _by_looks(grid),
        )
        if each is not None
    ]
    if not found:
        n, d = grid.values.shape
        raise DataError(f"{where}: {n} x {d}: are rows samples or taxa? add --taxa-in rows|columns")
    first = found[0]
    against = next((each for each in found[1:] if each[0] != first[0]), None)
    if against is not None:
        raise DataError(
            f"{where}: rows are {first[0]} ({first[1]}), but {against[0]} ({against[1]}): say which by --taxa-in rows|columns"
        )
    return Orientation(*first)


def _by_ids(grid: Grid, ids: frozenset[str], axis: Axis, of: str) -> tuple[Axis, str] | None:
    """On which side the ids of a file stand; None where they stand on neither, or on both."""
    if not ids:
        return None
    on_rows = 0 if grid.row_names is None else len(ids & set(grid.row_names.tolist()))
    on_columns = len(ids & set(grid.column_names.tolist()))
    if on_rows and not on_columns:
        return axis, f"{on_rows} row names are ids of the {of}"
    if on_columns and not on_rows:
        return _other(axis), f"{on_columns} column names are ids of the {of}"
    return None


def _by_looks(grid: Grid) -> tuple[Axis, str] | None:
    rows = grid.row_names is not None and _lineages(grid.row_names.tolist())
    columns = _lineages(grid.column_names.tolist())
    if rows == columns:
        return None
    return ("taxa", "row names are lineages") if rows else ("samples", "column names are lineages")


def _lineages(names: Iterable[str]) -> bool:
    looks = [is_lineage(name) for name in names]
    return bool(looks) and sum(looks) >= _SHARE * len(looks)


def _other(axis: Axis) -> Axis:
    return "taxa" if axis == "samples" else "samples"
