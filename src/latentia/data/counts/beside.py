"""What stands in a table beside its counts: sums over samples or taxa, and numbers that describe samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.grid import Grid, Values
from latentia.data.counts.words import OF_SAMPLES, SUMS, some, word_of

_ENOUGH = 8  # rows in which a column without the name of a sum is that of all others: no chance


def counts_alone(grid: Grid) -> Grid:
    """A table of samples x taxa without what is no count; each thing that is taken off is told in a note.

    A column, or a row, is a sum where it is that of all others everywhere. A column is a description of samples by its name.

    Args:
        grid: rows are samples, and have names.

    Example:
        >>> counts = np.array([[3, 1, 20, 4], [5, 2, 30, 7]])
        >>> grid = Grid(counts, np.array(["s1", "s2"]), np.array(["a", "b", "age", "total"]))
        >>> alone = counts_alone(grid)
        >>> alone.column_names.tolist(), alone.metadata.to_dict("list")
        (['a', 'b'], {'age': ['20', '30']})
    """
    values, taxa, samples, about = grid.values, grid.column_names, grid.row_names, grid.metadata
    assert samples is not None
    notes = list(grid.notes)
    said = np.array([word_of(name) in OF_SAMPLES for name in taxa.tolist()], dtype=bool)
    if said.any() and not said.all():
        names = taxa[said].tolist()
        told = pd.DataFrame(_dense(values[:, said]), pd.Index(samples.tolist()), names, dtype=object)
        told = told.map(_as_text)
        about = told if about is None else about.join(told, rsuffix=" (counts)")
        values, taxa = values[:, ~said], taxa[~said]
        notes.append(f"taken off as metadata, by name: {some(names)}")
    columns = _sums(values, taxa)
    if columns.any():
        notes.append(f"taken off, for it is the sum of all other taxa: {some(taxa[columns])}")
        values, taxa = values[:, ~columns], taxa[~columns]
    rows = _sums(values.T, samples)
    if rows.any():
        notes.append(f"taken off, for it is the sum of all other samples: {some(samples[rows])}")
        about = None if about is None else about.drop(index=samples[rows].tolist(), errors="ignore")
        values, samples = values[~rows], samples[~rows]
    return replace(
        grid, values=values, column_names=taxa, row_names=samples, metadata=about, notes=tuple(notes)
    )


def _sums(values: Any, names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Which columns are the sums of all others, `[columns]`."""
    found = np.zeros(values.shape[1], dtype=bool)
    if values.shape[1] < 3:
        return found
    wide = sparse.csc_array(values).astype(np.float64)
    half = np.asarray(wide.sum(axis=1), dtype=np.float64).ravel() / 2
    if not np.isfinite(half).all():
        return found
    for j in np.flatnonzero(np.isclose(np.asarray(wide.sum(axis=0)).ravel(), half.sum(), rtol=1e-9)):
        enough = word_of(str(names[j])) in SUMS or int((half > 0).sum()) >= _ENOUGH
        found[j] = enough and np.allclose(wide[:, [int(j)]].toarray().ravel(), half, rtol=1e-9)
    return found


def _dense(values: Values) -> NDArray[Any]:
    return np.asarray(values.toarray() if sparse.issparse(values) else values)


def _as_text(value: float) -> str:
    return f"{value:.15g}"
