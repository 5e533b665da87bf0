"""`latentia datasets`: the table of data sets."""

from __future__ import annotations

from latentia.commands.output import print_table


def datasets() -> None:
    """List the data sets by name: size, whether found, where it was looked for."""
    from rich.table import Table

    from latentia.data import datasets_table

    table = Table("data", "what it is", "items", "shape", "found", show_lines=True)
    for row in datasets_table():
        shape = " x ".join(map(str, row.shape))
        found = row.found or "no: looked in " + ", ".join(row.looked_for) + "; " + row.how_to_get
        table.add_row(row.name, row.summary, str(row.n), shape, found)
    print_table(table)
