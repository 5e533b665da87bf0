"""`latentia report RUN`: the report written anew."""

from __future__ import annotations


def report(run: str) -> None:
    """Write report.html and its figures anew.

    Args:
        run: run folder.
    """
    from latentia.kinds.run import Run
    from latentia.kinds.vae.page import report_run

    print(report_run(Run.open(run)))
