"""`latentia report RUN`: the report written anew."""

from __future__ import annotations


def report(run: str, data: str | None = None) -> None:
    """Write report.html and its figures anew.

    Args:
        run: run folder.
        data: where the run's data are now, if not where they were.
    """
    from latentia.kinds.reporting import report_run
    from latentia.kinds.run import Run

    print(report_run(Run.open(run, data)))
