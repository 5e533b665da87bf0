"""What a file of counts says: samples x taxa, with what is known of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.metadata import Declared
from latentia.data.counts.taxonomy import Taxonomy


@dataclass(frozen=True, eq=False)
class Found:
    """Counts of reads, samples x taxa, with metadata and taxonomy, as a file has them.

    Attributes:
        counts: `[n, d]`, CSR of int64.
        sample_ids: `[n]`, text.
        taxa: `[d]`, text.
        taxonomy: lineages of the taxa; None without.
        metadata: a row for each sample in the order of the counts, all cells text; missing cells and samples that the metadata lack
            are "". None without.
        declared: which columns of the metadata are "numeric" or "categorical", where their file says it.
        source: the file, its size and how it lay.
        taxa_in: "rows" or "columns": where the file has its taxa.
        notes: what was decided while reading, a sentence each.
    """

    counts: sparse.csr_array
    sample_ids: NDArray[np.str_]
    taxa: NDArray[np.str_]
    taxonomy: Taxonomy | None = None
    metadata: pd.DataFrame | None = None
    declared: Mapping[str, Declared] = field(default_factory=dict)
    source: str = ""
    taxa_in: str = "columns"
    notes: tuple[str, ...] = ()
