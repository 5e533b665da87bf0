"""Taxonomies: which lineage each taxon has; files of QIIME 2, mothur, phyloseq, or a column a rank."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from latentia.data.checks import reading
from latentia.data.counts.layout import opened
from latentia.data.counts.words import (
    RANKS,
    TAXONOMY_HEADERS,
    is_missing,
    prefixed,
    rank_of,
    some,
    with_prefix,
)
from latentia.errors import DataError

_CONFIDENCE = re.compile(r"\(\d+(\.\d+)?\)$")  # mothur writes Bacteria(100)
_NOTHING = frozenset({"root", "unassigned", "unclassified", "__"})


@dataclass(frozen=True)
class Taxonomy:
    """Lineages of taxa.

    Attributes:
        lineages: by taxon, a name for each of `ranks`; "" where it has none.
        ranks: from the kingdom down.

    Example:
        >>> told = Taxonomy.of({"a": "k__Bacteria; p__Firmicutes; c__", "b": "k__Bacteria"})
        >>> told.ranks, told.lineages["a"], told.name("a", "Class"), told.name("b", "Phylum"), told.name("x", "Phylum")
        (('Kingdom', 'Phylum', 'Class'), ('Bacteria', 'Firmicutes', ''), 'unclassified Firmicutes', 'unclassified Bacteria', 'unclassified')
    """

    lineages: Mapping[str, tuple[str, ...]]
    ranks: tuple[str, ...]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Taxonomy:
        """From lineages as one text each: prefixes `k__` ... `s__` say the rank, else the place does."""
        split = {taxon: _split(text) for taxon, text in texts.items()}
        named = [place for place in range(len(RANKS)) if any(place in parts for parts in split.values())]
        lineages = {taxon: tuple(parts.get(place, "") for place in named) for taxon, parts in split.items()}
        return cls(lineages, tuple(RANKS[place] for place in named))

    def rank(self, name: str) -> int:
        """The place of a rank.

        Raises:
            DataError: if the taxonomy does not go so far.
        """
        wanted = rank_of(name)
        if wanted not in self.ranks:
            raise DataError(f"--rank {name}: the taxonomy has the ranks {', '.join(self.ranks) or 'none'}")
        return self.ranks.index(wanted)

    def name(self, taxon: str, rank: str) -> str:
        """The name of a taxon at a rank; "unclassified <parent>" where it has none there."""
        path = self.lineages.get(taxon, ())[: self.rank(rank) + 1]
        if path and path[-1] and len(path) == self.rank(rank) + 1:
            return path[-1]
        parent = next((each for each in reversed(path) if each), "")
        return f"unclassified {parent}".strip()

    def words(self, taxon: str) -> str:
        """The lineage in words: `Bacteria; Firmicutes; ...`, as far as it goes."""
        return "; ".join(each for each in self.lineages.get(taxon, ()) if each)

    def deepest(self, taxon: str) -> tuple[str, str]:
        """The deepest rank that has a name, and the name; empty for a taxon without a lineage."""
        path = self.lineages.get(taxon, ())
        found = [(rank, name) for rank, name in zip(self.ranks, path, strict=False) if name]
        return found[-1] if found else ("", "")

    def restricted(self, taxa: set[str]) -> Taxonomy:
        """The lineages of some taxa."""
        return replace(self, lineages={t: path for t, path in self.lineages.items() if t in taxa})


def _split(text: str) -> dict[int, str]:
    """Place of each rank -> name."""
    parts = [_CONFIDENCE.sub("", part.strip()).strip() for part in re.split(r"[;|]", text)]
    while parts and parts[0].casefold() == "root":
        parts.pop(0)
    found: dict[int, str] = {}
    for place, part in enumerate(parts):
        told = prefixed(part)
        name = told[1] if told else part
        where = RANKS.index(told[0]) if told else place
        empty = is_missing(name) or name.casefold() in _NOTHING or name.casefold().startswith("unclassified")
        if where < len(RANKS) and (told or not empty):
            found[where] = "" if empty else name
    return found


def read_taxonomy(path: Path) -> dict[str, str]:
    """Lineages by taxon, as one text each, with prefixes of ranks.

    Takes `Feature ID, Taxon, Confidence` (QIIME 2), `OTU, Size, Taxonomy` (mothur), a header-less pair (QIIME 1), or a column a
    rank (phyloseq's `tax_table`).

    Raises:
        DataError: no column of lineages or ranks, a taxon with two lineages.
    """
    with reading(path, "taxonomy"), opened(path) as file:
        lines = [line for line in file.read().splitlines() if line.strip()]
    lines = [line for i, line in enumerate(lines) if i == 0 or not line.startswith("#")]
    if not lines:
        raise DataError(f"{path} is empty; expected a taxon and its lineage in each row")
    separator = max(("\t", ",", " "), key=lambda each: lines[0].count(each))
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    header = rows[0]
    if len(rows) > 1 and len(rows[1]) == len(header) + 1:
        header = ["", *header]
    column = next((j for j, name in enumerate(header) if j and name.casefold() in TAXONOMY_HEADERS), None)
    ranks = [(j, rank) for j, name in enumerate(header) if j and (rank := rank_of(name)) is not None]
    if column is None and not ranks:
        if len(header) >= 2 and (";" in header[1] or prefixed(header[1]) is not None):
            return _gathered(path, [(row[0], row[1]) for row in rows if len(row) > 1])
        raise DataError(
            f"{path}: neither a column Taxon or Taxonomy nor columns called {', '.join(RANKS[:7])}; it has {some(header, 8)}"
        )
    if column is not None:
        return _gathered(path, [(row[0], row[column]) for row in rows[1:] if len(row) > column])
    texts = []
    for row in rows[1:]:
        parts = [(rank, row[j]) for j, rank in ranks if j < len(row)]
        texts.append((row[0], "; ".join(with_prefix(rank, value) for rank, value in parts)))
    return _gathered(path, texts)


def _gathered(path: Path, pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for taxon, text in pairs:
        if found.setdefault(taxon, text) != text:
            raise DataError(f"{path}: the taxon {taxon!r} has two lineages; each has one row")
    return found
