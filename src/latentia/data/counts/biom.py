"""BIOM: format 1.0 (and 0.9) as JSON, 2.x as HDF5; AnnData's `.h5ad`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.checks import reading
from latentia.data.counts.grid import Grid, names_of
from latentia.data.counts.layout import opened
from latentia.errors import DataError, MissingExtraError
from latentia.version import __version__

_LINEAGE_KEYS = ("taxonomy", "Taxonomy", "taxon", "Taxon", "ConsensusLineage", "Consensus Lineage")


def read_biom_json(path: Path) -> Grid:
    """A table of BIOM 1.0 or 0.9, sparse or dense.

    Raises:
        DataError: no such table, or one whose parts do not fit together.
    """
    with reading(path, "BIOM table (JSON)"):
        with opened(path) as file:
            table = json.load(file)
        missing = [key for key in ("rows", "columns", "data", "shape") if key not in table]
        if missing:
            raise DataError(f"{path} is JSON but no BIOM table: it lacks {', '.join(missing)}")
        rows, columns = table["rows"], table["columns"]
        n, d = (int(size) for size in table["shape"])
        if (len(rows), len(columns)) != (n, d):
            raise DataError(
                f"{path}: the shape is {n} x {d}, but there are {len(rows)} rows and {len(columns)} columns"
            )
        values = _json_values(path, table, (n, d))
        return Grid(
            values,
            names_of([row["id"] for row in rows]),
            names_of([column["id"] for column in columns]),
            "taxa",
            "BIOM",
            _lineages([row["id"] for row in rows], [row.get("metadata") for row in rows]),
            _metadata([column["id"] for column in columns], [column.get("metadata") for column in columns]),
        )


def _json_values(path: Path, table: dict[str, Any], shape: tuple[int, int]) -> sparse.csr_array:
    kind = np.int64 if table.get("matrix_element_type") == "int" else np.float64
    if table.get("matrix_type", "sparse") == "dense":
        values = np.array(table["data"], dtype=kind).reshape(shape)
        return sparse.csr_array(values)
    entries = table["data"]
    places = np.array([entry[:2] for entry in entries], dtype=np.int64).reshape(-1, 2)
    if len(places) and ((places < 0).any() or (places >= np.array(shape)).any()):
        raise DataError(f"{path}: an entry stands outside the {shape[0]} x {shape[1]} table")
    numbers = np.array([entry[2] for entry in entries], dtype=kind)
    return sparse.csr_array((numbers, (places[:, 0], places[:, 1])), shape=shape)


def read_biom_hdf5(path: Path) -> Grid:
    """A table of BIOM 2.x.

    Raises:
        MissingExtraError: without the extra `[microbiome]`.
        DataError: a damaged file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import biom
    except ImportError:
        raise MissingExtraError(
            f"{path} is a BIOM table in HDF5, which needs biom-format: pip install 'latentia[microbiome]' (BIOM in JSON needs nothing)"
        ) from None
    with reading(path, "BIOM table (HDF5)"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check_places(path)
        table = biom.load_table(str(path))
        taxa, samples = list(table.ids("observation")), list(table.ids("sample"))
        return Grid(
            _whole(sparse.csr_array(table.matrix_data)),
            names_of(taxa),
            names_of(samples),
            "taxa",
            "BIOM",
            _lineages(taxa, table.metadata(axis="observation")),
            _metadata(samples, table.metadata(axis="sample")),
        )


def _check_places(path: Path) -> None:
    """Raise where entries of a table stand outside it: SciPy, which biom-format leaves them to, writes them into memory of others."""
    import h5py  # type: ignore[import-untyped]

    with h5py.File(path) as file:
        sizes = {axis: len(file[axis]["ids"]) for axis in ("observation", "sample")}
        for axis, other in (("observation", "sample"), ("sample", "observation")):
            data, places, ends = (file[axis]["matrix"][name] for name in ("data", "indices", "indptr"))
            shape = (sizes[axis], sizes[other])
            sparse.csr_array((data[:], places[:], ends[:]), shape=shape).check_format(full_check=True)


def read_h5ad(path: Path) -> Grid:
    """Counts of AnnData: observations are samples, variables are taxa; the layer `counts` where X holds no counts.

    Raises:
        MissingExtraError: without the extra `[h5ad]`.
        DataError: a damaged file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import anndata
    except ImportError:
        raise MissingExtraError(
            f"{path} is AnnData's, which needs anndata: pip install 'latentia[h5ad]'"
        ) from None
    with reading(path, "AnnData file"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = anndata.read_h5ad(path)
        for stored in (table.X, table.layers.get("counts")):
            _check_inside(stored)
        values = sparse.csr_array(table.X)
        notes: tuple[str, ...] = ()
        if (values.data % 1 != 0).any() and "counts" in table.layers:
            values, notes = sparse.csr_array(table.layers["counts"]), ("counts are AnnData's layer 'counts'",)
        about = table.obs.astype(str).where(table.obs.notna(), "") if table.obs.shape[1] else None
        columns = [
            name for name in table.var.columns if name.casefold() in {key.casefold() for key in _LINEAGE_KEYS}
        ]
        lineages = (
            dict(zip(map(str, table.var_names), table.var[columns[0]].astype(str), strict=True))
            if columns
            else {}
        )
        return Grid(
            _whole(values),
            names_of(table.obs_names.tolist()),
            names_of(table.var_names.tolist()),
            "samples",
            "AnnData",
            lineages,
            about,
            notes,
        )


def _check_inside(stored: Any) -> None:
    """Raise where entries of a sparse table stand outside it; of a dense one there are none."""
    if isinstance(stored, (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array)):
        stored.check_format(full_check=True)


def _whole(values: sparse.csr_array) -> sparse.csr_array:
    return values.astype(np.int64) if not (values.data % 1 != 0).any() else values


def _lineages(names: Sequence[Any], about: Sequence[Mapping[str, Any] | None] | None) -> dict[str, str]:
    """Lineages of taxa as one text each, by name."""
    found = {}
    for name, entries in zip(names, about or [], strict=bool(about)):
        key = next((key for key in _LINEAGE_KEYS if entries and key in entries), None)
        if key is not None and entries:
            value = entries[key]
            found[str(name).strip()] = (
                value if isinstance(value, str) else "; ".join(str(part) for part in value or ())
            )
    return found


def _metadata(names: Sequence[Any], about: Sequence[Mapping[str, Any] | None] | None) -> pd.DataFrame | None:
    """What a file says of its samples, all cells text; None where it says nothing."""
    rows = [
        {key: str(value) for key, value in (entries or {}).items() if value is not None}
        for entries in about or []
    ]
    if not any(rows):
        return None
    return pd.DataFrame(rows, index=pd.Index([str(name).strip() for name in names])).fillna("").astype(str)


def biom_json(
    counts: sparse.csr_array,
    sample_ids: NDArray[np.str_],
    taxa: NDArray[np.str_],
    *,
    lineages: Mapping[str, Sequence[str]],
    metadata: Sequence[Mapping[str, Any]],
    created: str,
) -> bytes:
    """A table as BIOM 1.0 in JSON, which every reader of BIOM takes.

    Args:
        counts: `[n, d]`, samples x taxa.
        sample_ids: `[n]`.
        taxa: `[d]`.
        lineages: names from kingdom to the deepest rank, by taxon; empty where there is no taxonomy.
        metadata: of each sample, `[n]`.
        created: date and time in ISO 8601.
    """
    entries = counts.T.tocoo()
    table = {
        "id": None,
        "format": "Biological Observation Matrix 1.0.0",
        "format_url": "http://biom-format.org",
        "type": "OTU table",
        "generated_by": f"latentia {__version__}",
        "date": created,
        "matrix_type": "sparse",
        "matrix_element_type": "int",
        "shape": [len(taxa), len(sample_ids)],
        "rows": [
            {"id": taxon, "metadata": {"taxonomy": list(lineages[taxon])} if taxon in lineages else None}
            for taxon in taxa.tolist()
        ],
        "columns": [
            {"id": name, "metadata": dict(about)}
            for name, about in zip(sample_ids.tolist(), metadata, strict=True)
        ],
        "data": [
            [int(row), int(column), int(value)]
            for row, column, value in zip(entries.coords[0], entries.coords[1], entries.data, strict=True)
        ],
    }
    return json.dumps(table, allow_nan=False).encode()
