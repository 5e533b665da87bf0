"""`latentia models`: the table of models."""

from __future__ import annotations

from latentia.commands.output import print_table


def models() -> None:
    """List the models: name, what it is, reference; a kind after another."""
    from rich.table import Table

    from latentia.kinds import all_kinds
    from latentia.registry import Registry

    table = Table("model", "what it is", "reference", show_lines=True)
    for kind in all_kinds():
        entries = kind.entries()
        if isinstance(entries, Registry):
            entries.discover()
        for name, entry in entries.items():
            table.add_row(name, entry.summary, entry.reference)
    print_table(table)
