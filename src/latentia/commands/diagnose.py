"""`latentia diagnose RUN`: the whole diagnosis of a run, as a table or as JSON."""

from __future__ import annotations

from typing import Any, Literal

from latentia.commands.output import print_json, print_table, print_verdict


def diagnose(
    run: str,
    split: Literal["train", "validation", "test", "new"] = "test",
    json: bool = False,
    data: str | None = None,
) -> None:
    """Say whether a fit can be trusted: the verdict, the figures behind it, and remedies as commands.

    Args:
        run: run folder.
        split: train, validation or test; new: rows that the model has not seen, of data that have changed since.
        json: print one JSON object and nothing else.
        data: where the run's data are now, if not where they were; or other data.
    """
    from latentia.kinds.run import Run

    figures = Run.open(run, data).diagnose(split)
    if json:
        print_json(figures)
        return
    if "diagnosis" in figures:
        _print_rows(figures)
    print_verdict(figures)


def _print_rows(figures: dict[str, Any]) -> None:
    from rich.table import Table

    title = f"{figures['model']} on {figures['data']}, {figures['split']} split ({figures['seconds']:.1f} s)"
    table = Table("figure", "value", "unit", "items", "", title=title)
    for row in figures["diagnosis"]["rows"]:
        value = row["value"]
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        table.add_row(row["name"], shown, row["unit"], f"{row['n']:,}", row["note"])
    print_table(table, 140)
