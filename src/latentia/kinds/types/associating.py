"""Whether types go with what is known of the samples: depth and batch first, then the columns of the metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.counts.table import CountTable
from latentia.diagnostics.association import Association, categorical_association, numeric_association
from latentia.diagnostics.multiplicity import benjamini_hochberg
from latentia.errors import DataError
from latentia.kinds.types.fits import seed_of

DEPTH = "reads of the sample"
BY_TYPE, BY_SHARE = "type", "p(k|x)"
MOST_CATEGORIES, MOST_COLUMNS = 20, 40
"""Without `--test`, columns of text with more values are left out, and columns beyond so many."""
_BATCH = re.compile(
    r"(^|[^a-z])(plate|run|batch|lane|primer_?plate|seq_?run|sequencing_?run|extraction)", re.IGNORECASE
)
_REPEATS = re.compile(
    r"(^|_|\b)(host_?)?(subject|participant|patient|individual|donor|animal|person)(_?id)?$", re.IGNORECASE
)
_TESTED = 31  # a word of seeds
_ID = "id:"


@dataclass(frozen=True)
class Blocks:
    """Which samples are repeats of one thing.

    Attributes:
        name: the column, or "id:." for the part of the sample id before the first point; "" without blocks.
        codes: number of the block of each sample, `[n]`; None without.
        note: what is to be told where samples look like repeats and no block was given.
    """

    name: str = ""
    codes: NDArray[np.int64] | None = None
    note: str = ""


def blocks_of(table: CountTable, block: str | None) -> Blocks:
    """The blocks that were asked for, or a note that there may be some.

    Args:
        table: with the samples of the fit.
        block: a column of the metadata; or `id:SEP`, the part of the sample id before the first SEP.

    Raises:
        DataError: no such column; a sample without a value; ids without the separator.
    """
    if block is None:
        return Blocks(note=_repeats(table))
    if block.startswith(_ID) and len(block) > len(_ID):
        names = _heads(table.sample_ids, block[len(_ID) :])
        if len(set(names.tolist())) == len(names):
            raise DataError(
                f"--block {block}: no two sample ids agree before {block[len(_ID) :]!r}: {', '.join(table.sample_ids[:3])}"
            )
    else:
        names = table.column(block)
        if (names == "").any():
            at = str(table.sample_ids[names == ""][0])
            raise DataError(f"--block {block}: sample {at!r} has no value there; each sample needs its block")
    return Blocks(block, np.unique(names, return_inverse=True)[1].astype(np.int64))


def _heads(ids: NDArray[np.str_], separator: str) -> NDArray[np.str_]:
    return np.array([name.partition(separator)[0] for name in ids.tolist()])


def _repeats(table: CountTable) -> str:
    """A note where a column, or the ids, look as if subjects were sampled repeatedly; "" where they do not."""
    n = table.shape[0]
    for name in [] if table.metadata is None else table.metadata.columns:
        values = table.column(name)
        seen = len(set(values[values != ""].tolist()))
        if _REPEATS.search(name) and 1 < seen < n:
            return f"{n} samples are of {seen} values of {name!r}: if these are repeats, add --block {name}: the p-values below take samples as independent"
    for separator in ".-_":
        heads = _heads(table.sample_ids, separator)
        seen = len(set(heads.tolist()))
        if n / 5 < seen < n * 0.9 and np.unique(heads, return_counts=True)[1].max() <= 10:
            return (
                f"sample ids agree in {seen} parts before {separator!r}: if these are subjects, add --block id:{separator}: the p-values "
                "below take samples as independent"
            )
    return ""


@dataclass(frozen=True)
class Tested:
    """A column that is held against types.

    Attributes:
        name: of the column.
        kind: "numeric" or "categorical".
        kept: whether a sample has a value, `[n]`.
        values: of those: numbers, or numbers of categories.
    """

    name: str
    kind: str
    kept: NDArray[np.bool_]
    values: NDArray[Any]


def columns_of(table: CountTable, asked: Sequence[str] | None, leave: str) -> tuple[list[Tested], list[str]]:
    """What is tested, depth first, then what names a batch, then the rest; and why a column is not.

    Args:
        table: with the samples of the fit.
        asked: columns; None: all that can be tested.
        leave: a column that is not (the blocks').

    Raises:
        DataError: a column that was asked for and is not there, or has one value.
    """
    depth = table.depth
    found = (
        [Tested(DEPTH, "numeric", np.ones(len(depth), bool), depth.astype(float))]
        if len(set(depth.tolist())) > 1
        else []
    )
    if table.metadata is None:
        if asked:
            table.column(asked[0])
        return found, []
    names = [name for name in table.metadata.columns if name != leave]
    batch = [name for name in names if _BATCH.search(name)]
    wanted = list(dict.fromkeys([*batch, *(names if asked is None else asked)]))
    told: list[str] = []
    for name in wanted:
        given = asked is not None and name in asked
        column, why = _column(table, name, given)
        if column is None and given:
            raise DataError(f"--test {name}: {why}")
        if column is None or (len(found) > MOST_COLUMNS and not given):
            told.append(
                f"{name!r} {why or f'is beyond the {MOST_COLUMNS} columns that are tested unasked: --test {name}'}"
            )
        else:
            found.append(column)
    return found, told


def _column(table: CountTable, name: str, given: bool) -> tuple[Tested | None, str]:
    """A column as it is tested, or why it is not."""
    cells = table.column(name)
    kept = cells != ""
    seen = set(cells[kept].tolist())
    if len(seen) < 2:
        return None, "has the same value in all samples that have one"
    numbers = pd.to_numeric(pd.Series(cells[kept]), errors="coerce").to_numpy(float)
    declared = table.declared.get(name)
    whole = bool(np.isfinite(numbers).all())
    if declared == "numeric" and not whole:
        return None, "is declared numeric and holds text"
    # Few whole numbers are codes of groups as often as quantities; unequal ones are tested as quantities all the same.
    if whole and declared != "categorical" and (declared == "numeric" or len(seen) > 5):
        return Tested(name, "numeric", kept, numbers), ""
    most = int(kept.sum()) // 2 if given else min(MOST_CATEGORIES, int(kept.sum()) // 2)
    if len(seen) > most:
        return None, f"has {len(seen)} different values in {int(kept.sum())} samples"
    return Tested(
        name, "categorical", kept, np.unique(cells[kept], return_inverse=True)[1].astype(np.int64)
    ), ""


def associations_table(
    columns: Sequence[Tested], shares: NDArray[np.float64], blocks: Blocks, *, permutations: int, seed: int
) -> pd.DataFrame:
    """Two rows for each column: samples put into their most probable type, and weighted by p(k|x).

    Args:
        columns: tested.
        shares: p(k|x), `[n, K]`.
        blocks: repeats.
        permutations: of each test.
        seed: of all.
    """
    hard = np.eye(shares.shape[1])[shares.argmax(1)]
    rows: list[dict[str, Any]] = []
    for weighting, values in ((BY_TYPE, hard), (BY_SHARE, shares)):
        tests = [
            _test(column, values, blocks, permutations, seed_of(seed, _TESTED, i))
            for i, column in enumerate(columns)
        ]
        adjusted = benjamini_hochberg([test.p for test in tests])
        rows += [
            {
                "column": column.name,
                "kind": column.kind,
                "weighting": weighting,
                "n": test.n,
                "statistic": test.statistic,
                "value": test.value,
                "effect": test.effect_name,
                "effect_size": test.effect,
                "p": test.p,
                "q": float(q),
                "permuted": "samples" if test.scheme == "items" else test.scheme,
                "blocks": blocks.name,
            }
            for column, test, q in zip(columns, tests, adjusted, strict=True)
        ]
    names = [
        "column",
        "kind",
        "weighting",
        "n",
        "statistic",
        "value",
        "effect",
        "effect_size",
        "p",
        "q",
        "permuted",
        "blocks",
    ]
    return pd.DataFrame(rows, columns=names)


def _test(
    column: Tested, shares: NDArray[np.float64], blocks: Blocks, permutations: int, seed: int
) -> Association:
    codes = None if blocks.codes is None else blocks.codes[column.kept]
    test = numeric_association if column.kind == "numeric" else categorical_association
    return test(shares[column.kept], column.values, codes, permutations=permutations, seed=seed)
