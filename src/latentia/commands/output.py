"""How commands print and write what they found."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from latentia.progress import clear

if TYPE_CHECKING:
    from latentia.vocabulary import Words

BITS = "bits_per_dim"


def plain(text: str, encoding: str = "utf-8") -> str:
    r"""Text without what moves a terminal: control and direction characters are shown as their escapes, as is what the encoding lacks.

    Example:
        >>> plain("gut\tcolon\n"), plain("a\x1b[2Jb\u202e")
        ('gut\tcolon\n', 'a\\x1b[2Jb\\u202e')
    """
    kept = "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
    return kept.encode(encoding, "backslashreplace").decode(encoding)


class PlainStream:
    """Standard output through `plain`: names of files, columns and rows come from other people."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write, and give the number of characters."""
        clear()
        self.stream.write(plain(text, getattr(self.stream, "encoding", None) or "utf-8"))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """All else is as the stream has it."""
        return getattr(self.stream, name)


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
        alphabet = figures.get(f"{BITS}_alphabet") if word.name.endswith(BITS) else None
        table.add_row(word.label, shown, f"{word.unit}, {alphabet}" if alphabet else word.unit, split)
    print_table(table)
    if figures.get("given"):
        print(f"nats are of counts given {figures['given']}")
    if figures.get(BITS) is not None:
        print(f"bits/dim: {figures[f'{BITS}_note']}")


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

    for column in table.columns:
        column._cells[:] = [plain(cell) if isinstance(cell, str) else cell for cell in column._cells]
    if isinstance(table.title, str):
        table.title = plain(table.title)
    width_here = None if sys.stdout.isatty() else width
    clear()
    out = getattr(sys.stdout, "stream", sys.stdout)  # a terminal's colours are rich's own
    Console(file=out, width=width_here, highlight=False, markup=False, emoji=False).print(table)
