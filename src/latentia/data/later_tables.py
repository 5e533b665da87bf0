"""Tables that are read as that of a fit: its features by name, in its order, whatever stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.checks import require_finite
from latentia.data.column import Column
from latentia.data.dataset import Raw, Split
from latentia.data.deciding import decided
from latentia.data.labels import LABEL_NAMES, SAMPLE_HEADERS, classes_of
from latentia.data.schema import is_unique, later


def later_table(
    frame: pd.DataFrame,
    titles: list[str],
    where: str,
    label_column: str | int | None,
    columns: Sequence[Column],
    named: bool,
) -> Raw:
    """A table read as that of a fit: its features in the same order, the first column that names rows, and the classes."""
    wanted = [column.name for column in columns]
    if not named and len(titles) == len(wanted):
        titles = list(wanted)
    found = later(frame, titles, columns, where)
    rest = [j for j, title in enumerate(titles) if title not in wanted and title != label_column]
    named_by = next((j for j in rest if _are_row_names(frame.iloc[:, j], titles[j])), None)
    label = titles.index(label_column) if isinstance(label_column, str) and label_column in titles else None
    if label is None:
        text = [j for j in rest if j != named_by and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[j])]
        label = next((j for j in text if titles[j].strip().lower() in LABEL_NAMES), None)
    label = None if label is not None and titles[label] in wanted else label
    y, class_names = classes_of(frame, titles, where, label)
    plain = all(column.kind == "number" and not column.levels for column in columns)
    x: Any = found.items.values if plain else found.items
    if plain:
        x = _as_before(frame.iloc[:, [titles.index(name) for name in wanted]], x, where, wanted)
    left_out = [titles[j] for j in rest if j not in (named_by, label)]
    what = "numbers" if plain else "unlike kinds"
    source = f"a table of {len(frame)} rows and {len(wanted)} columns of {what} from {where}"
    if named_by is not None:
        source += f"; names of rows from {titles[named_by]!r}"
    if left_out:
        source += f"; left out, for the model was not fitted to them: {', '.join(map(repr, left_out))}"
    if label is not None:
        source += f"; classes from column {titles[label]!r}"
    names = None if named_by is None else frame.iloc[:, named_by].astype(str).to_numpy(dtype=str)
    notes = (found.told,) if found.told else ()
    return Raw(
        Split(x, y, names), feature_names=tuple(wanted), class_names=class_names, source=source, notes=notes
    )


def _as_before(
    frame: pd.DataFrame, values: NDArray[np.float64], where: str, names: Sequence[str]
) -> NDArray[Any]:
    """Numbers without a gap; whole ones as such."""
    require_finite(values, where, tuple(names))
    whole = all(
        pd.api.types.is_integer_dtype(kind) or pd.api.types.is_bool_dtype(kind) for kind in frame.dtypes
    )
    return values.astype(np.int64) if whole and np.abs(values).max(initial=0) < 2.0**53 else values


def _are_row_names(cells: pd.Series[Any], title: str) -> bool:
    if not title.strip() or title == "column 1" or title.strip().lower() in SAMPLE_HEADERS:
        return is_unique(cells)
    return decided(title, cells).role == "id"
