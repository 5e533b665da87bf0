"""From a run, or from a fitted model and data, to the page that tells how the fit went."""

from __future__ import annotations

from pathlib import Path

from latentia.kinds.run import Run
from latentia.report.page import write_page


def report_run(run: Run) -> Path:
    """Write the report of a run, on its test part, and return the page's path.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    assert run.folder is not None
    return write_page(run.kind.page(run), run.folder)
