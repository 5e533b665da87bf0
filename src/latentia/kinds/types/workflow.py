"""From a table of counts to types, their drivers, and how far they can be trusted; all of it as tables, and as a run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from latentia.data.counts.filters import Filters
from latentia.data.counts.reading import Reading
from latentia.data.counts.table import CountTable
from latentia.diagnostics import Verdict
from latentia.diagnostics.association import PERMUTATIONS
from latentia.errors import ConfigError
from latentia.kinds.kind import nearest
from latentia.kinds.types import comparing
from latentia.kinds.types.associating import BY_TYPE, Blocks, associations_table, blocks_of, columns_of
from latentia.kinds.types.estimator import CommunityTypes
from latentia.kinds.types.judging import judge
from latentia.kinds.types.methods import methods_paragraph
from latentia.kinds.types.tables import criteria_table, drivers_table, labels_of, stability_table, types_table

READING = tuple(each.name for each in fields(Reading))
FILTERS = tuple(each.name for each in fields(Filters) if each.name != "seed")
FITTING = ("n_components", "criterion", "n_init", "folds", "halves", "bootstrap", "random_state", "n_jobs")


@dataclass(frozen=True, eq=False)
class Types:
    """Community types of a table.

    Attributes:
        table: the samples and taxa that were fitted, with the steps from the file to them.
        estimator: the fitted `CommunityTypes`.
        verdict: what is to be thought of the types.
        types: a row for each sample.
        drivers: a row for each taxon.
        criteria: a row for each number of types.
        associations: two rows for each column that was tested.
        stability: what the verdict rests on.
        methods: a paragraph for a paper.
        notes: what was decided on the way, a sentence each.
        asked: the options that were given.
        blocks: which samples are repeats.
        comparison: with other models on samples held out; None if none was asked for.
    """

    table: CountTable
    estimator: CommunityTypes
    verdict: Verdict
    types: pd.DataFrame
    drivers: pd.DataFrame
    criteria: pd.DataFrame
    associations: pd.DataFrame
    stability: pd.DataFrame
    methods: str
    notes: tuple[str, ...]
    asked: dict[str, Any]
    blocks: Blocks
    comparison: pd.DataFrame | None = None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """By the names of their files."""
        names = ("types", "drivers", "criteria", "associations", "stability")
        found = {name: getattr(self, name) for name in names}
        return found if self.comparison is None else {**found, "comparison": self.comparison}


def types(
    table: CountTable | str | Path,
    *,
    test: Sequence[str] | None = None,
    block: str | None = None,
    permutations: int = PERMUTATIONS,
    compare: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Types:
    """Find community types in a table of counts, and say how far they can be trusted.

    Args:
        table: a `CountTable`, or a file that `CountTable.read` takes.
        test: columns of the metadata that types are held against; None: all that can be tested. Depth, and what is called plate, run
            or batch, always are.
        block: column that says which samples are repeats (of a subject); `id:.` takes the part of the sample id before the first
            point. Repeats stay together where samples are held out, drawn or permuted.
        permutations: of each test.
        compare: neural models (vae, vq-vae, gumbel-vae, ...) that are held against the types on the same samples held out.
        say: told of each step.
        options: of `latentia.data.counts.reading.Reading` (metadata, taxonomy, ...), of `latentia.data.counts.filters.Filters`
            (rank, min_prevalence, ...) and of `CommunityTypes` (n_components, bootstrap, random_state, ...).

    Raises:
        DataError: a table that cannot be read, or leaves nothing to fit; columns that are not there.
        ConfigError: an unknown option, or one out of its range.

    Example:
        >>> import latentia
        >>> from latentia.data.synthetic_communities import communities
        >>> x, _ = communities("clusters", 40, 8)
        >>> table = latentia.CountTable.of(x, range(40), "abcdefgh")
        >>> found = types(table, n_components="1..3", n_init=2, folds=0, halves=1, bootstrap=2, permutations=99)
        >>> found.verdict.name, found.types["type"].value_counts().to_dict()
        ('healthy', {'type-1': 21, 'type-2': 19})
    """
    known = (*READING, *FILTERS, *FITTING)
    for name in options:
        if name not in known:
            raise ConfigError(
                f"types has no option {name!r}{nearest(name, known)}; the options are {', '.join(known)}"
            )
    read, filtering, fitting = (
        {n: options[n] for n in names if n in options} for names in (READING, FILTERS, FITTING)
    )
    asked = {
        "table": str(table) if not isinstance(table, CountTable) else "",
        "test": None if test is None else list(test),
        "block": block,
        **options,
    }
    seed = options.get("random_state", 0) or 0
    filters = Filters(**filtering, seed=seed)
    if not isinstance(table, CountTable):
        table = CountTable.read(table, **read)
    elif read and set(read) != {"rank"}:
        raise ConfigError(f"{', '.join(read)}: of a table in memory, these are attributes of the table")
    say(table.source or f"{table.shape[0]} samples x {table.shape[1]} taxa")
    for note in table.notes:
        say(note)
    table = filters.apply(table)
    for step in table.steps:
        say(str(step))
    blocks = blocks_of(table, block)
    columns, left = columns_of(table, test, blocks.name)
    comparing.check_models(compare)
    estimator = CommunityTypes(**fitting).fit(table.counts, groups=blocks.codes)
    tested = columns if len(estimator.weights_) > 1 else []  # one type goes with nothing
    shares = estimator.predict_proba(table.counts)
    associations = associations_table(tested, shares, blocks, permutations=permutations, seed=seed)
    found = _found(table, estimator, blocks, associations, left, asked)
    if not compare:
        return found
    groups = np.arange(table.shape[0]) if blocks.codes is None else blocks.codes
    k, parts = len(estimator.weights_), max(2, estimator.folds)
    rows = comparing.compare(table.counts, groups, compare, k, n_folds=parts, seed=seed, say=say)
    return replace(found, comparison=rows)


def _found(
    table: CountTable,
    estimator: CommunityTypes,
    blocks: Blocks,
    associations: pd.DataFrame,
    left: list[str],
    asked: dict[str, Any],
) -> Types:
    k = len(estimator.weights_)
    verdict = judge(estimator.choice_, estimator.honesty_, k, estimator.criterion, estimator.converged_)
    notes = [*table.notes]
    if left:
        notes.append(f"not tested: {'; '.join(left)}")
    if blocks.note:
        notes.append(blocks.note)
    return Types(
        table,
        estimator,
        verdict,
        types_table(estimator, table.counts, table.sample_ids),
        drivers_table(estimator, table.taxa.tolist(), table.prevalence, table.taxonomy),
        criteria_table(estimator.choice_),
        associations,
        stability_table(estimator.honesty_, estimator.weights_, estimator.theta_),
        methods_paragraph(table, estimator, associations, blocks),
        tuple(notes),
        asked,
        blocks,
    )


def summary_of(found: Types) -> list[str]:
    """The types in words, a line each: weight, samples, precision, what drives them; then the tests."""
    e = found.estimator
    counts, names = np.bincount(e.labels_, minlength=len(e.weights_)), labels_of(found.table)
    lines = []
    for k in range(len(e.weights_)):
        difference = e.proportions_[k] - e.pooled_
        top = (
            np.argsort(-np.abs(difference), kind="stable")[:4]
            if len(e.weights_) > 1
            else np.argsort(-e.proportions_[k])[:4]
        )
        told = ", ".join(f"{names[j]} {e.proportions_[k, j]:.1%} (all {e.pooled_[j]:.1%})" for j in top)
        lines.append(
            f"type {k + 1}: {counts[k]} samples, weight {e.weights_[k]:.1%}, theta {e.theta_[k]:.3g}: {told}"
        )
    for row in found.associations.to_dict("records"):
        if row["weighting"] == BY_TYPE:
            of = f"{row['permuted']} ({row['blocks']})" if row["blocks"] else row["permuted"]
            lines.append(
                f"{row['column']}: {row['statistic']} {row['value']:.4g}, {row['effect']} {row['effect_size']:.2f}, p {row['p']:.4g} "
                f"(q {row['q']:.3g}), n {row['n']}, permuted: {of}"
            )
    return lines
