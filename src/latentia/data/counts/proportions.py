"""Whether numbers are counts; and counts again from proportions, where the depth of each sample is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.words import is_missing
from latentia.errors import DataError

_CLOSE = 0.01  # share by which a row's sum may miss 1 or 100
_LARGEST = 1 << 53  # counts above it are no whole numbers in float64
MOST_READS = 1 << 62


def as_counts(
    path: Path,
    values: Any,
    ids: NDArray[np.str_],
    percent: bool,
    depth_column: str | None,
    metadata: pd.DataFrame | None,
) -> tuple[sparse.csr_array, tuple[str, ...]]:
    """Values `[n, d]` as whole numbers, and what is to be told.

    Args:
        path: the file, for messages.
        values: dense or CSR.
        ids: of the samples.
        percent: whether the format says that they are percentages.
        depth_column: of the metadata, with the reads of each sample.
        metadata: a row for each sample.

    Raises:
        DataError: negative numbers, numbers that are not finite, fractions; says which sample, and what to do about proportions.
    """
    table = sparse.csr_array(values)
    table.eliminate_zeros()
    data = table.data
    finite = np.isfinite(data) if data.dtype.kind == "f" else np.ones(len(data), dtype=bool)
    if not finite.all():
        raise DataError(
            f"{path}: {_place(table, ~finite, ids)} is no finite number; a taxon that was not seen has the count 0"
        )
    if (data < 0).any():
        raise DataError(f"{path}: {_place(table, data < 0, ids)} is negative; counts of reads were expected")
    totals = np.asarray(table.sum(axis=1), dtype=np.float64).ravel()
    fractions = data.dtype.kind == "f" and bool((data % 1 != 0).any())
    if depth_column is not None:
        return _restored(path, table, totals, ids, depth_column, metadata)
    if percent or (fractions and _are_shares(totals)):
        raise DataError(
            f"{path}: these are proportions: community typing needs reads, for they say how sure each proportion is; give the table of "
            "counts, or --depth-column COLUMN of the metadata to restore them"
        )
    if fractions:
        raise DataError(
            f"{path}: {_place(table, data % 1 != 0, ids)} is no whole number; counts of reads were expected, not transformed ones"
        )
    if (len(data) and float(data.max()) > (_LARGEST if data.dtype.kind == "f" else MOST_READS)) or totals.max(
        initial=0
    ) > MOST_READS:
        raise DataError(f"{path}: counts above {_LARGEST:.3g} cannot be held exactly; divide them")
    return table.astype(np.int64), ()


def _are_shares(totals: NDArray[np.float64]) -> bool:
    some = totals[totals > 0]
    return len(some) > 0 and any(bool((np.abs(some / whole - 1) <= _CLOSE).all()) for whole in (1, 100))


def _place(table: sparse.csr_array, bad: NDArray[np.bool_], ids: NDArray[np.str_]) -> str:
    """The first marked entry in words."""
    at = int(np.flatnonzero(bad)[0])
    row = int(np.searchsorted(table.indptr, at, side="right")) - 1
    return f"the value {table.data[at]:.6g} of sample {str(ids[row])!r}, column {int(table.indices[at]) + 1}"


def _restored(
    path: Path,
    table: sparse.csr_array,
    totals: NDArray[np.float64],
    ids: NDArray[np.str_],
    depth_column: str,
    metadata: pd.DataFrame | None,
) -> tuple[sparse.csr_array, tuple[str, ...]]:
    if metadata is None or depth_column not in metadata.columns:
        raise DataError(f"--depth-column {depth_column}: there is no such column in the metadata")
    cells = metadata[depth_column].tolist()
    depth = pd.to_numeric(
        pd.Series(["" if is_missing(cell) else cell for cell in cells]), errors="coerce"
    ).to_numpy(dtype=float)
    bad = np.flatnonzero(~(depth > 0))
    if bad.size:
        raise DataError(
            f"--depth-column {depth_column}: sample {str(ids[bad[0]])!r} has {cells[bad[0]]!r} where a number of reads was expected"
        )
    scale = sparse.dia_array((depth / np.where(totals > 0, totals, 1.0), 0), shape=(len(depth), len(depth)))
    counts = sparse.csr_array(scale @ table)
    counts.data = np.rint(counts.data)
    note = f"{path}: proportions times {depth_column!r}, rounded to whole reads"
    return counts.astype(np.int64), (note,)
