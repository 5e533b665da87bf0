"""The report of a transducer, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentia.kinds.face import html_repr
from latentia.kinds.transducer.rows import as_pairs

__all__ = ["html_repr", "report"]


def report(
    self: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the page that `latentia report` writes, with figures and verdict on pairs.

    Args:
        self: the fitted estimator.
        X: inputs that the model was not fitted to, or pairs.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: their outputs.
        columns: None: pairs have none.
        train: pairs that it was fitted to, `(X, y)` or pairs: with them it is held against them, and overfitting is judged.

    Returns:
        Where the page is.

    Raises:
        DataError: if X or y do not fit the model, or each other.
        RunFolderError: if the page cannot be written.
    """
    from latentia.kinds.reporting import write_report

    known = None if train is None else as_pairs(*train) if isinstance(train, tuple) else as_pairs(train)
    return write_report(self, as_pairs(X, y), path, None, columns, train=known)
