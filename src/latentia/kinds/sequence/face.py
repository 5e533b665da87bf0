"""The report of an estimator of sequences, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def report(
    self: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the page that `latentia report` writes, with figures and verdict on items X.

    Args:
        self: the fitted estimator.
        X: items that the model was not fitted to: a fit can be trusted by those alone.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: classes `[n]`, to colour the map.
        columns: names of the columns of series; texts and events have none.
        train: items that it was fitted to: with them it is held against counts of their tokens, and overfitting is judged.

    Returns:
        Where the page is.

    Raises:
        DataError: if X or y do not fit the model, or each other.
        RunFolderError: if the page cannot be written.
    """
    from latentia.kinds.reporting import write_report

    known = None if train is None else self._strings(train)
    return write_report(self, self._strings(X), path, y, columns, train=known)
