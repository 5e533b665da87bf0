"""What a file of counts holds before it is known which way round it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.words import Axis

Values = NDArray[np.int64] | NDArray[np.float64] | sparse.csr_array


@dataclass(frozen=True, eq=False)
class Grid:
    """Numbers with names on two sides.

    Attributes:
        values: `[rows, columns]`, dense or CSR.
        row_names: one for each row; None where the file has none.
        column_names: one for each column.
        rows: what the rows are, if the format or a header says it.
        why: what said it.
        lineages: of taxa, by name, as the file writes them; empty where it has none.
        metadata: of samples, a row for each that the file knows something of, all cells text.
        notes: what was decided on the way, a sentence each.
        percent: whether values are percentages by the format.
    """

    values: Values
    row_names: NDArray[np.str_] | None
    column_names: NDArray[np.str_]
    rows: Axis | None = None
    why: str = ""
    lineages: dict[str, str] = field(default_factory=dict)
    metadata: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    percent: bool = False


@dataclass(frozen=True)
class Known:
    """Names that are known from beside the table: they tell which side is which.

    Attributes:
        samples: ids of the metadata.
        taxa: ids of the taxonomy.
        columns: headers of the metadata's columns.
    """

    samples: frozenset[str] = frozenset()
    taxa: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()


def names_of(values: Sequence[object]) -> NDArray[np.str_]:
    """Names as an array of text, without blanks around them."""
    return np.array([str(value).strip() for value in values], dtype=str)
