"""A mixture that stands on the vectors of a table of unlike columns, where it is given one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from latentia.data.column import Column
from latentia.estimators.forms.mixed import MixedForm
from latentia.estimators.forms.table_layout import TableLayout
from latentia.estimators.forms.unlike import Unlike, as_frame, read_later, unlike
from latentia.estimators.gaps import ScoresGaps


class OnColumns(ScoresGaps):
    """What stands between such a table and the vectors that components see.

    Attributes:
        form_: it; None where rows are numbers.
        columns_: what the columns are, or None.
    """

    form_: MixedForm | None = None
    layout_: Any
    n_features_in_: int

    @property
    def columns_(self) -> tuple[Column, ...] | None:
        """What the columns of a table of unlike columns are; None for other data."""
        return None if self.form_ is None else self.form_.columns

    def _stand_on(self, form: MixedForm | None) -> None:
        self.form_ = form
        if form is not None:
            self.layout_, self.n_features_in_ = TableLayout(form), form.n_given

    def _known_cells(self, X: Any) -> np.ndarray:
        """X as numbers of its columns `[n, d]`."""
        assert self.form_ is not None
        return read_later(X, self.form_.columns, self.n_features_in_)

    def seen_by_rules(self, X: Any, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
        """What linear rules see of rows, `[n, W]`, and a name for each number: of numbers the rows and `names`, else the vectors."""
        if self.form_ is None:
            return np.asarray(X, dtype=np.float64), list(names)
        form = self.form_
        shown = [""] * form.vector_shape[0]
        for j, column in enumerate(form.columns):
            levels = [*map(str, column.levels), "other"] if column.kind == "category" else []
            for i in range(form.widths[j]):
                shown[form.starts[j] + i] = f"{column.name} = {levels[i]}" if levels else column.name
            shown[form.first_mark + j] = f"{column.name} known"
        for i, (j, length) in enumerate(form.cycles):
            for k in range(2):
                place = form.first_mark + len(form.columns) + 2 * i + k
                shown[place] = f"{form.columns[j].name}, cycle of {length:g} days"
        return self._vectors(self._known_cells(X)), shown

    def _vectors(self, values: np.ndarray) -> np.ndarray:
        assert self.form_ is not None
        return np.asarray(self.form_.model_input(torch.from_numpy(np.array(values))).numpy())


def unlike_columns(X: Any) -> Unlike | None:
    """What the columns of X are where they are more than numbers without a gap; else None."""
    found = as_frame(X)
    if found is not None:
        numbers = all(pd.api.types.is_numeric_dtype(kind) for kind in found[0].dtypes)
        if numbers and not bool(found[0].isna().any(axis=None)):
            return None
    return unlike(X)
