"""Columns of levels: words, categories of pandas and Arrow, numbers of which there are few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.column import Column, ColumnKind
from latentia.data.decided import Decided, share_missing, shell

FEW_LEVELS, ROWS_OF_A_LEVEL = 10, 10
"""So few different whole numbers, each with so many rows on average, are categories."""
RARE_ROWS, MOST_LEVELS = 5, 100
"""A level with fewer rows, or beyond the most frequent so many, is "other"."""


def of_words(name: str, codes: NDArray[np.int64], words: list[str], wanted: str) -> Decided:
    """Categories, names of rows, or free text."""
    n, counts = len(codes), np.bincount(codes[codes >= 0], minlength=len(words))
    if not wanted and len(words) == n and (codes >= 0).all():
        return Decided(role="id", why="text with one value a row")
    if wanted == "binary" and len(words) != 2:
        return Decided(problem=f"column {name!r} is to be binary but has {len(words)} levels")
    column = Column(name, "ordinal" if wanted == "ordinal" else "category", dtype="str")
    return _levelled(column, codes, words, counts, wanted, share_missing(codes < 0))


def _levelled(
    column: Column,
    codes: NDArray[np.int64],
    levels: list[Any],
    counts: NDArray[np.int64],
    wanted: str,
    gaps: str,
) -> Decided:
    """A category: its frequent levels by name, the rare ones together."""
    n_told = int(counts.sum())
    order = sorted(range(len(levels)), key=lambda i: (-counts[i], str(levels[i])))
    numbers = column.dtype != "category" and all(isinstance(level, int | float) for level in levels)
    rare = order[MOST_LEVELS:]
    if column.kind == "ordinal" or (numbers and not rare):
        rare = []
    elif n_told >= 10 * RARE_ROWS:
        rare += [i for i in order[:MOST_LEVELS] if counts[i] < RARE_ROWS]
    rare = rare if len(rare) > 1 else []
    cut = int(counts[rare].sum())
    if not wanted and cut > n_told / 2:
        return Decided(role="left out", why=f"text with {len(levels)} different values in {n_told} cells, most of them in fewer than {RARE_ROWS}"
                       f" rows; --column {shell(column.name)}=category takes its {min(MOST_LEVELS, len(levels))} most frequent ones")  # fmt: skip
    kept = [i for i in range(len(levels)) if i not in set(rare)]
    if column.kind == "category":
        kept = sorted(kept, key=lambda i: _sortable(levels[i]))
    number_of = np.full(len(levels) + 1, np.nan)
    number_of[kept], number_of[rare] = np.arange(len(kept)), len(kept)
    names = tuple(levels[i] for i in kept)
    shown = ", ".join(map(str, names[:4])) + (", ..." if len(names) > 4 else "")
    why = f"{len(names)} level{'s' * (len(names) != 1)}: {shown}"
    if rare:
        why += f"; {len(rare)} rare ones with {cut} rows are 'other' (fewer than {RARE_ROWS} rows each, or beyond the {MOST_LEVELS} most frequent)"
    told = tuple(
        (levels[i], int(counts[i])) for i in sorted(rare, key=lambda i: (-counts[i], str(levels[i])))
    )
    found = replace(column, levels=names, rare=told, why=f"{why}{gaps}")
    return Decided(found, number_of[codes])


def _sortable(level: Any) -> tuple[int, Any]:
    return (0, level) if isinstance(level, int | float) else (1, str(level))


def of_categories(name: str, cells: pd.Series[Any], missing: NDArray[np.bool_], wanted: str) -> Decided:
    """A category of pandas, or a dictionary of Arrow."""
    codes = cells.cat.codes.to_numpy(dtype=np.int64)
    every = [_plain_level(level) for level in cells.cat.categories]
    counts = np.bincount(codes[codes >= 0], minlength=len(every))
    kind: ColumnKind = "ordinal" if cells.cat.ordered or wanted == "ordinal" else "category"
    used = list(range(len(every))) if kind == "ordinal" else [i for i in range(len(every)) if counts[i]]
    place = np.full(len(every) + 1, -1)
    place[used] = np.arange(len(used))
    column = Column(name, kind, dtype="category")
    return _levelled(
        column, place[codes], [every[i] for i in used], counts[used], "category", share_missing(missing)
    )


def of_levels(
    column: Column,
    values: NDArray[np.float64],
    levels: NDArray[np.float64],
    kind: str,
    gaps: str,
) -> Decided:
    """Numbers that are levels."""
    names = tuple(bool(x) if column.dtype == "bool" else int(x) if column.whole else float(x) for x in levels)
    codes = np.where(np.isnan(values), -1, np.searchsorted(levels, values)).astype(np.int64)
    if kind != "binary":
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        return _levelled(replace(column, kind="ordinal" if kind == "ordinal" else "category"), codes, list(names), counts,
                         kind if len(levels) > FEW_LEVELS else "category", gaps)  # fmt: skip
    if column.dtype == "bool":
        names = (False, True)
        codes = np.where(np.isnan(values), -1, values).astype(np.int64)
    elif len(levels) != 2:
        return Decided(
            problem=f"column {column.name!r} is to be binary but has {len(levels)} different values"
        )
    share = float((codes[codes >= 0] == 1).mean())
    why = f"two values, {names[0]} and {names[1]} ({share:.1%} are {names[1]}){gaps}"
    return Decided(
        replace(column, kind="binary", levels=names, why=why),
        np.where(codes < 0, np.nan, codes).astype(np.float64),
    )


def _plain_level(level: Any) -> Any:
    level = level.item() if isinstance(level, np.generic) else level
    return level if isinstance(level, str | int | float | bool) else str(level)
