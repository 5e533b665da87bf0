"""From the table of a file to the table that is fitted: collapse, drop, rarefy; each step is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from latentia.data.counts.table import CountTable
from latentia.data.counts.taxonomy import Taxonomy
from latentia.data.counts.words import some
from latentia.errors import ConfigError, DataError

OTHER = "other"


@dataclass(frozen=True)
class Filters:
    """What is done to a table before it is fitted, in the order of the attributes.

    Attributes:
        rank: taxa are summed to this rank; None leaves them.
        min_depth: samples of fewer reads are dropped; 1 drops those of none.
        rarefy: each sample is drawn down to so many reads, and those of fewer are dropped; None: no, for the likelihood is
            conditional on depth and needs none.
        min_prevalence: taxa seen in a smaller share of samples become "other".
        min_abundance: taxa of a smaller mean proportion become "other".
        drop_rare: drop them instead, and their reads with them.
        seed: of the draw of `rarefy`.

    Raises:
        ConfigError: a value out of its range.
    """

    rank: str | None = None
    min_depth: int = 1
    rarefy: int | None = None
    min_prevalence: float = 0.0
    min_abundance: float = 0.0
    drop_rare: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("min_prevalence", "min_abundance"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"--{name.replace('_', '-')} {value}: a share between 0 and 1 was expected")
        for name in ("min_depth", "rarefy"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"--{name.replace('_', '-')} {value}: a number of reads was expected")

    def apply(self, table: CountTable) -> CountTable:
        """The table that is fitted.

        Raises:
            DataError: if no samples, or fewer than two taxa, are left.
        """
        if self.rank is not None:
            table = collapsed(table, self.rank)
        table = deep_enough(table, 1, "samples without reads")
        if self.min_depth > 1:
            table = deep_enough(table, self.min_depth, f"samples below {self.min_depth:,} reads")
        if self.rarefy is not None:
            table = rarefied(table, self.rarefy, self.seed)
        if self.min_prevalence > 0:
            rare = table.prevalence < self.min_prevalence
            table = without_rare(
                table, rare, f"taxa in fewer than {self.min_prevalence:.3g} of samples", self.drop_rare
            )
        if self.min_abundance > 0:
            rare = table.mean_proportions() < self.min_abundance
            table = without_rare(
                table, rare, f"taxa of a mean proportion below {self.min_abundance:.3g}", self.drop_rare
            )
        if self.drop_rare:
            table = deep_enough(table, 1, "samples without reads")
        seen = np.asarray(table.counts.sum(axis=0)).ravel() > 0
        if not seen.all():
            table = table.only(seen).after("taxa without reads", f"{int((~seen).sum()):,} dropped")
        n, d = table.shape
        if n < 2 or d < 2:
            raise DataError(
                f"{table.source}: {n} samples and {d} taxa are left after the filters: loosen them"
            )
        return table


def collapsed(table: CountTable, rank: str) -> CountTable:
    """Taxa summed to a rank: those with the same lineage down to it become one.

    Two genera of one name in different families stay two, and their names say the parents.

    Raises:
        DataError: without a taxonomy, or one that does not go so far.
    """
    if table.taxonomy is None:
        raise DataError(f"--rank {rank}: no lineages are known; give --taxonomy FILE")
    taxonomy = table.taxonomy
    place = taxonomy.rank(rank)
    paths = [(*taxonomy.lineages.get(taxon, ())[: place + 1],) for taxon in table.taxa.tolist()]
    paths = [(*path, *[""] * (place + 1 - len(path))) for path in paths]
    groups: dict[tuple[str, ...], list[int]] = {}
    for column, path in enumerate(paths):
        groups.setdefault(path, []).append(column)
    names = _distinct(
        groups, {path: taxonomy.name(table.taxa[columns[0]], rank) for path, columns in groups.items()}
    )
    owner = np.empty(len(paths), dtype=np.int64)
    for number, columns in enumerate(groups.values()):
        owner[columns] = number
    sums = sparse.csr_array(
        (np.ones(len(owner), np.int64), (np.arange(len(owner)), owner)), shape=(len(owner), len(groups))
    )
    lineages = {name: path for path, name in names.items()}
    found = replace(
        table,
        counts=sparse.csr_array(table.counts @ sums),
        taxa=np.array([names[path] for path in groups], dtype=str),
        taxonomy=Taxonomy(lineages, taxonomy.ranks[: place + 1]),
    )
    unknown = [columns for path, columns in groups.items() if not path[-1]]
    note = f"{sum(map(len, unknown)):,} taxa have no {taxonomy.ranks[place].casefold()}" if unknown else ""
    return found.after(f"collapsed to {taxonomy.ranks[place].casefold()}", note)


def _distinct(
    groups: Mapping[tuple[str, ...], list[int]], names: dict[tuple[str, ...], str]
) -> dict[tuple[str, ...], str]:
    """Names that differ: where two lineages end alike, with the parent that tells them apart."""
    shared: dict[str, list[tuple[str, ...]]] = {}
    for path in groups:
        shared.setdefault(names[path], []).append(path)
    for name, paths in shared.items():
        if len(paths) > 1:
            for path in paths:
                parents = [part for part in path[:-1] if part and part not in name]
                names[path] = f"{name} ({' '.join(parents[-2:]) or 'no parent'})"
    return names


def deep_enough(table: CountTable, least: int, what: str) -> CountTable:
    """Samples of at least so many reads; those that go are named."""
    kept = table.depth >= least
    if kept.all():
        return table
    gone = table.sample_ids[~kept].tolist()
    return table.samples(kept).after(what, f"dropped {some(gone)}")


def rarefied(table: CountTable, depth: int, seed: int) -> CountTable:
    """Each sample drawn down to `depth` reads without replacement; samples of fewer are dropped."""
    table = deep_enough(table, depth, f"samples below {depth:,} reads")
    random = np.random.default_rng(seed)
    rows = [
        random.multivariate_hypergeometric(row, depth, method="marginals") for row in table.counts.toarray()
    ]
    drawn = sparse.csr_array(np.array(rows, dtype=np.int64).reshape(table.shape))
    return replace(table, counts=drawn).after(f"rarefied to {depth:,} reads", f"seed {seed}")


def without_rare(table: CountTable, rare: np.ndarray, what: str, drop: bool) -> CountTable:
    """Rare taxa summed to one called "other", so that depth stays what it is; or dropped."""
    rare = rare & (table.taxa != OTHER)
    if not rare.any():
        return table
    kept = table.only(~rare)
    if drop:
        return kept.after(what, f"{int(rare.sum()):,} dropped")
    rest = np.asarray(table.counts[:, rare].sum(axis=1)).reshape(-1, 1)
    if (at := np.flatnonzero(kept.taxa == OTHER)).size:
        rest = rest + kept.counts[:, at].toarray()
        kept = kept.only(kept.taxa != OTHER)
    counts = sparse.csr_array(sparse.hstack([kept.counts, sparse.csr_array(rest)]))
    joined = replace(kept, counts=counts, taxa=np.append(kept.taxa, OTHER))
    return joined.after(what, f"{int(rare.sum()):,} summed to {OTHER!r}")
