"""`latentia report RUN`: the report written anew."""

from __future__ import annotations


def report(run: str) -> None:
    """Write report.html and its figures anew.

    Args:
        run: run folder.
    """
    from latentia.estimators.run import Run
    from latentia.report import report_run

    print(report_run(Run.open(run)))
