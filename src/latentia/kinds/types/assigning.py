"""New samples given the types of a run: aligned by the names of taxa, never by place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from latentia.data.counts.filters import OTHER, collapsed, deep_enough
from latentia.data.counts.table import CountTable
from latentia.data.counts.words import some
from latentia.errors import DataError
from latentia.kinds.types.tables import types_table

LARGE_SHARE = 0.5
"""Above this share of reads in taxa that the types do not know, nothing can be said of the samples."""
TOLD_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Assigned:
    """New samples with their types.

    Attributes:
        types: a row for each, as `types.tsv`.
        notes: how the taxa were aligned, a sentence each.
    """

    types: pd.DataFrame
    notes: tuple[str, ...]


def assign(run: Any, path: str | Path, **options: Any) -> Assigned:
    """Types of the samples of another table, whose taxa are those of the run or contain them.

    Taxa that the run does not have are summed to its "other" where it has that taxon, as its filters did, and left out where it has
    not; taxa that the table lacks were not seen. The table is collapsed to the rank of the run.

    Args:
        run: a run of community types.
        path: of the new table.
        options: of `latentia.data.counts.reading.Reading`.

    Raises:
        DataError: if the table cannot be read, or has none of the taxa of the run, or most reads in others.
    """
    rank = _rank_of(run)
    table = CountTable.read(path, **options)
    notes = [table.source, *table.notes]
    if rank is not None:
        table = collapsed(table, rank)
    table = deep_enough(table, 1, "samples without reads")
    notes += [str(step) for step in table.steps[1:]]
    if not table.shape[0]:
        raise DataError(f"{path}: no sample has reads")
    counts, told = aligned(table, list(run.columns or []), str(path))
    return Assigned(types_table(run.estimator, counts, table.sample_ids), (*notes, *told))


def _rank_of(run: Any) -> str | None:
    steps = [] if run.workflow is None else run.workflow["steps"]
    return next(
        (
            step["name"].removeprefix("collapsed to ")
            for step in steps
            if step["name"].startswith("collapsed to ")
        ),
        None,
    )


def aligned(table: CountTable, taxa: list[str], where: str) -> tuple[sparse.csr_array, list[str]]:
    """Counts `[n, d]` in the taxa of a fit, and what is to be told.

    Args:
        table: of the new samples.
        taxa: of the fit.
        where: the table, for messages.

    Raises:
        DataError: see `assign`.

    Example:
        >>> table = CountTable.of([[1, 2, 4]], ["s"], ["b", "x", "a"])
        >>> aligned(table, ["a", "b", "c", "other"], "new.tsv")[0].toarray().tolist()
        [[4, 1, 0, 2]]
    """
    place = {taxon: j for j, taxon in enumerate(taxa)}
    own = table.taxa.tolist()
    known = np.array([taxon in place for taxon in own])
    if not known.any():
        raise DataError(
            f"{where} has none of the taxa of the run: it has {some(own, 3)}, the run {some(taxa, 3)}"
        )
    rest = place.get(OTHER)
    columns = np.array([place.get(taxon, -1 if rest is None else rest) for taxon in own])
    used = columns >= 0
    sums = sparse.csr_array(
        (np.ones(int(used.sum()), np.int64), (np.flatnonzero(used), columns[used])),
        shape=(len(own), len(taxa)),
    )
    counts = sparse.csr_array(table.counts @ sums)
    outside = float(table.counts[:, ~known].sum()) / max(float(table.depth.sum()), 1.0)
    if outside > LARGE_SHARE:
        raise DataError(
            f"{where}: {outside:.0%} of its reads are in taxa that the run does not have, as {some([t for t in own if t not in place], 3)}: "
            "these types say nothing of such samples"
        )
    if (np.asarray(counts.sum(axis=1)).ravel() == 0).any():
        at = int(np.flatnonzero(np.asarray(counts.sum(axis=1)).ravel() == 0)[0])
        raise DataError(f"{where}: sample {str(table.sample_ids[at])!r} has no read in the taxa of the run")
    lacking = len(taxa) - len(
        {taxon for taxon in own if taxon in place} | ({OTHER} if rest is not None else set())
    )
    told = [
        f"{int(known.sum())} of the run's {len(taxa)} taxa are in {where}; the {lacking} that are not count as not seen"
    ]
    if not known.all():
        what = f"summed to {OTHER!r}" if rest is not None else "left out"
        warning = "" if outside < TOLD_SHARE else ": so many that types may be wrong"
        told.append(
            f"{int((~known).sum())} taxa of {where} are not in the run and were {what}, {outside:.1%} of the reads{warning}"
        )
    return counts, told
