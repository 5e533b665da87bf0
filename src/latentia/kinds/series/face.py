"""The report of a model of series, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentia.kinds.face import html_repr
from latentia.kinds.series.form import as_series

__all__ = ["html_repr", "report"]


def report(
    self: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the page that `latentia report` writes, with figures and verdict on series X.

    Args:
        self: the fitted estimator.
        X: series that the model was not fitted to: a fit can be trusted by those alone.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: classes `[n]`, to colour the map.
        columns: names of the columns.
        train: series that it was fitted to; with them overfitting is judged.

    Returns:
        Where the page is.

    Raises:
        DataError: if X, y or columns do not fit the model, or each other.
        RunFolderError: if the page cannot be written.
    """
    from latentia.kinds.reporting import write_report

    known = None if train is None else as_series(train, self.form_.n_columns)
    return write_report(self, as_series(X, self.form_.n_columns), path, y, columns, train=known)
