"""The report of an estimator of videos, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentia.kinds.video.way import as_videos


def report(
    self: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the page that `latentia report` writes, with figures and verdict on videos X.

    Args:
        self: the fitted estimator.
        X: videos that the model was not fitted to: a fit can be trusted by those alone.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: classes `[n]`; they are not shown.
        columns: not used.
        train: videos that it was fitted to: with them overfitting is judged.

    Returns:
        Where the page is.

    Raises:
        DataError: if X does not fit the model.
        RunFolderError: if the page cannot be written.
    """
    from latentia.kinds.reporting import write_report

    known = None if train is None else as_videos(train)
    return write_report(self, as_videos(X), path, y, columns, train=known)
