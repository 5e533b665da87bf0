"""`latentia models`: the table of models."""

from __future__ import annotations

from typing import Any

from latentia.commands.output import print_table


def models() -> None:
    """List the models: name, what it is, reference."""
    from rich.table import Table

    from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
    from latentia.kinds.codes.catalog import DISCRETE
    from latentia.kinds.mixture.catalog import MIXTURES
    from latentia.kinds.vae.catalog import CATALOG

    table = Table("model", "what it is", "reference", show_lines=True)
    entries: dict[str, Any] = {**CATALOG, **DISCRETE, **DENSITY_MODELS, **MIXTURES}
    for name, entry in entries.items():
        table.add_row(name, entry.summary, entry.reference)
    print_table(table)
