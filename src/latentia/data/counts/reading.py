"""From a file to a `CountTable`: format, orientation, names, counts, metadata and taxonomy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.checks import reading
from latentia.data.counts import biom, other_text
from latentia.data.counts.beside import counts_alone
from latentia.data.counts.found import Found
from latentia.data.counts.grid import Grid, Known
from latentia.data.counts.joining import joined
from latentia.data.counts.layout import GZIP, layout_of, opened
from latentia.data.counts.metadata import Metadata, read_metadata
from latentia.data.counts.orientation import Asked, orientation_of
from latentia.data.counts.proportions import as_counts
from latentia.data.counts.taxonomy import Taxonomy, read_taxonomy
from latentia.data.counts.text import read_text
from latentia.data.counts.words import Axis, prefixed, rank_of, some
from latentia.errors import DataError
from latentia.guard import open_plain

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
SUPPORTED = ".biom (JSON, HDF5), .tsv, .csv, .txt (also .gz), mothur's .shared, MetaPhlAn's profiles, .h5ad"


@dataclass(frozen=True)
class Reading:
    """What is told of a file of counts beside its path.

    Attributes:
        metadata: file that describes the samples.
        taxonomy: file with the lineages of the taxa.
        id_column: header of the column that names the rows (of the table or of the metadata); "none": the table has none.
        taxa_in: which side holds the taxa.
        label: of mothur's `.shared`, where it holds several.
        rank: which clades of a MetaPhlAn profile are taken.
        depth_column: of the metadata: reads of each sample, by which proportions become counts again.
        merge_duplicates: taxa of one name are summed.
    """

    metadata: str | None = None
    taxonomy: str | None = None
    id_column: str | None = None
    taxa_in: Asked = "auto"
    label: str | None = None
    rank: str | None = None
    depth_column: str | None = None
    merge_duplicates: bool = False


def read_counts(path: Path, asked: Reading = Reading()) -> Found:
    """Read a file of counts.

    Args:
        path: the file.
        asked: what is told of it.

    Raises:
        DataError: a file that cannot be read, names that stand twice, numbers that are no counts, sides that cannot be told apart.
        MissingExtraError: HDF5 without its extra.
    """
    about = None if asked.metadata is None else read_metadata(Path(asked.metadata), asked.id_column)
    lineages = {} if asked.taxonomy is None else read_taxonomy(Path(asked.taxonomy))
    known = Known(
        frozenset() if about is None else frozenset(about.frame.index),
        frozenset(lineages),
        frozenset() if about is None else frozenset(about.frame.columns),
    )
    _check_id_column(path, asked, about)
    grid = grid_of(path, known, asked)
    side = orientation_of(str(path), grid, known, asked.taxa_in)
    grid = _named(grid, side.rows)
    if side.rows == "taxa":
        grid = _turned(grid)
    grid = counts_alone(grid)
    n, d = grid.values.shape
    source = f"{path}: {n:,} samples x {d:,} taxa (taxa were {side.taxa_in}: {side.why})"
    ids, taxa = grid.row_names, grid.column_names
    assert ids is not None
    _refuse_twice(path, ids, "sample id", side.rows == "samples")
    values, taxa, merged = _merged(path, grid.values, taxa, asked.merge_duplicates)
    table_metadata, declared, told = joined(path, ids, about, grid.metadata)
    counts, restored = as_counts(path, values, ids, grid.percent, asked.depth_column, table_metadata)
    return Found(
        counts, ids, taxa,
        _taxonomy(lineages or grid.lineages, taxa),
        table_metadata, declared, source, side.taxa_in,
        (*grid.notes, *merged, *restored, *told, *_of_taxonomy(lineages, taxa)),
    )  # fmt: skip


def grid_of(path: Path, known: Known, asked: Reading) -> Grid:
    """What a file holds, by its content rather than its suffix.

    Raises:
        DataError: no such file, or one of another program.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; expected {SUPPORTED}")
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file: {SUPPORTED}")
    with reading(path, "table of counts"), open_plain(path) as file:
        start = file.read(16)
    if start.startswith(_HDF5):
        return biom.read_h5ad(path) if path.suffix.lower() == ".h5ad" else biom.read_biom_hdf5(path)
    if start.startswith(_ZIP):
        how = "unpack it by `qiime tools export`" if path.suffix.lower() == ".qza" else "save it as text"
        raise DataError(f"{path} is an archive, not a table: {how}; expected {SUPPORTED}")
    with reading(path, "table of counts"), opened(path) as text:
        first = text.read(4096)
    if (start.startswith(GZIP) and first.startswith(("RDX", "X\n", "A\n"))) or start.startswith(
        (b"RDX", b"X\n")
    ):
        raise DataError(
            f"{path} is R's own format: write the table by write.csv(otu_table(x), 'table.csv') in R"
        )
    if "\x00" in first:
        raise DataError(f"{path} is no table of text, nor any of {SUPPORTED}")
    if first.lstrip().startswith("{"):
        return biom.read_biom_json(path)
    layout = layout_of(path)
    if other_text.is_shared(layout):
        return other_text.read_shared(path, layout, asked.label)
    if other_text.is_metaphlan(layout):
        rank = None if asked.rank is None else _letter(asked.rank)
        return other_text.read_metaphlan(path, layout, rank)
    return read_text(path, known, asked.id_column)


def _letter(rank: str) -> str:
    return next(
        (letter for letter in "kpcofgst" if (told := prefixed(f"{letter}__x")) and told[0] == rank_of(rank)),
        "",
    )


def _check_id_column(path: Path, asked: Reading, about: Metadata | None) -> None:
    """Raise where --id-column is in neither file."""
    if (
        asked.id_column is None
        or asked.id_column.casefold() == "none"
        or (about is not None and about.id_column == asked.id_column)
    ):
        return
    headers: tuple[str, ...] = ()
    try:
        headers = layout_of(path).header
    except DataError:
        return
    if asked.id_column not in headers:
        raise DataError(
            f"--id-column {asked.id_column}: {path} has no such column; its first are {some(headers, 8)}"
        )


def _named(grid: Grid, rows: Axis) -> Grid:
    """Rows without names are counted from 1."""
    if grid.row_names is not None:
        return grid
    word = "sample" if rows == "samples" else "taxon"
    return replace(
        grid, row_names=np.array([f"{word} {i + 1}" for i in range(grid.values.shape[0])], dtype=str)
    )


def _turned(grid: Grid) -> Grid:
    """Rows and columns in each other's place."""
    assert grid.row_names is not None
    values = sparse.csr_array(grid.values.T) if sparse.issparse(grid.values) else grid.values.T
    return replace(grid, values=values, row_names=grid.column_names, column_names=grid.row_names)


def _refuse_twice(path: Path, names: NDArray[np.str_], what: str, rows: bool) -> None:
    """Raise for a name that stands twice."""
    empty = np.flatnonzero(names == "")
    side = "row" if rows else "column"
    if empty.size:
        raise DataError(f"{path}: the {what} of {side} {int(empty[0]) + 1} is empty; every sample needs one")
    twice = next((name for name, times in Counter(names.tolist()).items() if times > 1), None)
    if twice is not None:
        first, second = (int(i) + 1 for i in np.flatnonzero(names == twice)[:2])
        raise DataError(
            f"{path}: the {what} {twice!r} stands twice, in {side}s {first} and {second} (counted from 1, names left out): rename one, or sum them"
        )


def _merged(
    path: Path, values: Any, taxa: NDArray[np.str_], merge: bool
) -> tuple[Any, NDArray[np.str_], tuple[str, ...]]:
    """Taxa of one name summed, where that was asked for.

    Raises:
        DataError: for a taxon that stands twice, where it was not.
    """
    unique, first, owner = np.unique(taxa, return_index=True, return_inverse=True)
    if len(unique) == len(taxa):
        return values, taxa, ()
    if not merge:
        _refuse_twice(path, taxa, "taxon", False)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    sums = sparse.csr_array(
        (np.ones(len(taxa), np.int64), (np.arange(len(taxa)), place[owner])), shape=(len(taxa), len(unique))
    )
    summed = sparse.csr_array(values) @ sums
    return (
        summed,
        unique[order],
        (f"{len(taxa) - len(unique)} taxa had the name of another and were summed to it",),
    )


def _taxonomy(lineages: dict[str, str], taxa: NDArray[np.str_]) -> Taxonomy | None:
    there = {taxon: lineages[taxon] for taxon in taxa.tolist() if taxon in lineages}
    return Taxonomy.of(there) if there else None


def _of_taxonomy(lineages: dict[str, str], taxa: NDArray[np.str_]) -> tuple[str, ...]:
    if not lineages:
        return ()
    lacking = [taxon for taxon in taxa.tolist() if taxon not in lineages]
    if len(lacking) == len(taxa):
        raise DataError(
            f"--taxonomy names none of the {len(taxa)} taxa of the table, which are {some(taxa.tolist(), 3)}, but {some(lineages, 3)}"
        )
    return (f"{len(lacking)} taxa have no lineage in the taxonomy: {some(lacking)}",) if lacking else ()
