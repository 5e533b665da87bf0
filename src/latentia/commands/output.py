"""How commands print and write what they found."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentia.vocabulary import Words


def print_figures(figures: dict[str, Any], words: Words) -> None:
    """The figures of an evaluation as a table."""
    from rich.table import Table

    table = Table(
        "figure",
        "value",
        "unit",
        "",
        title=f"{figures['model']} on {figures['data']}, {figures['split']} split",
    )
    for word in words.shown(figures):
        value = figures[word.name]
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        if word.name == "active_units":
            shown = f"{value} of {figures['latent_dim']}"
        split = f"{word.split} split" if word.split and word.split != figures["split"] else ""
        table.add_row(word.label, shown, word.unit, split)
    print_table(table)


def print_verdict(figures: dict[str, Any]) -> None:
    """Verdict, evidence, remedies in words, and those that are commands."""
    print(f"verdict: {', '.join(figures.get('verdicts') or [figures['verdict']])}")
    for sentence in figures["evidence"]:
        print(f"  - {sentence}")
    for remedy in figures["remedies"]:
        print(f"  try: {remedy}")
    for command in figures.get("commands", []):
        print(f"  {command}")


def print_json(figures: dict[str, Any]) -> None:
    """Figures as one JSON object in one line."""
    print(json.dumps(figures, allow_nan=False))


def print_table(table: Any, width: int = 120) -> None:
    """A table of rich, as wide as the terminal; where there is none, `width` columns. Names are text: nothing in them is markup."""
    from rich.console import Console

    width_here = None if sys.stdout.isatty() else width
    Console(width=width_here, highlight=False, markup=False, emoji=False).print(table)
