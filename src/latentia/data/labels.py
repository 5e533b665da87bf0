"""Which column of a table holds the classes, and what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.checks import encode_labels
from latentia.errors import DataError

LABEL_NAMES = ("label", "class", "target", "y", "species", "group")
SAMPLE_HEADERS = frozenset({"sample", "sampleid", "sample id", "sample_id", "sample-id", "#sampleid"})
"""What stands above names of samples: then numbers are names, too."""


def label_place(
    frame: pd.DataFrame, titles: list[str], where: str, label_column: str | int | None, named: bool
) -> int | None:
    """The place of the column of classes: the one that a person names, or one of text called as such columns are."""
    if isinstance(label_column, int) or (label_column is not None and not named and label_column.isdigit()):
        place = int(label_column)
        if not -len(titles) <= place < len(titles):
            raise DataError(f"{where} has {len(titles)} columns; label_column={place} is not among them")
        return place % len(titles)
    if label_column is not None:
        if not named or label_column not in titles:
            columns = ", ".join(titles[:10]) + (", ..." if len(titles) > 10 else "") if named else "no names"
            raise DataError(f"{where} has no column {label_column!r}; its columns: {columns}")
        return titles.index(label_column)
    for wanted in LABEL_NAMES:
        for j, title in enumerate(titles):
            if (
                named
                and title.strip().lower() == wanted
                and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[j])
            ):
                return j
    return None


def _label_values(column: pd.Series[Any]) -> NDArray[Any]:
    values = column.to_numpy()
    return values if values.dtype.kind in "iubf" else column.to_numpy(dtype=object)


def classes_of(
    frame: pd.DataFrame, titles: list[str], where: str, label: int | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """Codes and names of the classes, or None twice."""
    if label is None:
        return None, None
    return encode_labels(_label_values(frame.iloc[:, label]), f"{where}, column {titles[label]!r}")
