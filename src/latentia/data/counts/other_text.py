"""Text formats with a layout of their own: mothur's `.shared`, MetaPhlAn's profiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from latentia.data.counts.grid import Grid, names_of
from latentia.data.counts.layout import Layout, body_of
from latentia.data.counts.words import some
from latentia.errors import DataError

_BESIDE = (
    "ncbi_tax_id",
    "clade_taxid",
    "additional_species",
    "coverage",
    "estimated_number_of_reads_from_the_clade",
)
_LEVELS = "kpcofgst"


def is_shared(layout: Layout) -> bool:
    """Whether a header is that of mothur's `.shared`."""
    return tuple(cell.casefold() for cell in layout.header[:3]) == ("label", "group", "numotus")


def read_shared(path: Path, layout: Layout, label: str | None) -> Grid:
    """A `.shared` of mothur: a row for each sample (Group) and label; `label` says which, where there are several.

    Raises:
        DataError: several labels and none chosen, or one that is not there.
    """
    frame = body_of(path, layout, [0, 1])
    labels = list(dict.fromkeys(frame[0].str.strip()))
    if label is None and len(labels) > 1:
        raise DataError(f"{path} holds the labels {some(labels, 12)}: choose one by --label {labels[-1]}")
    if label is not None and label not in labels:
        raise DataError(f"{path} has no label {label!r}; it holds {some(labels, 12)}")
    frame = frame[frame[0].str.strip() == (label or labels[0])]
    taxa = list(range(3, frame.shape[1]))
    return Grid(
        frame[taxa].to_numpy(),
        names_of(frame[1].tolist()),
        names_of([layout.header[j] for j in taxa]),
        "samples",
        "mothur's .shared",
        notes=(f"label {label or labels[0]} of mothur's file",),
    )


def is_metaphlan(layout: Layout) -> bool:
    """Whether a header is that of a MetaPhlAn profile."""
    return layout.header[0].casefold().lstrip("#") == "clade_name" or any(
        "#mpa_v" in line for line in layout.comments
    )


def read_metaphlan(path: Path, layout: Layout, rank: str | None) -> Grid:
    """A profile of MetaPhlAn: percentages of clades at all ranks, of which those of one rank are kept.

    Args:
        path: the file.
        layout: its layout.
        rank: first letter of the rank, as in `g__`; None: species, or the deepest that it has.

    Raises:
        DataError: no clade of that rank.
    """
    frame = body_of(path, layout, [0])
    clades = names_of(frame[0].tolist())
    depth = np.array([clade.split("|")[-1][:1] if "__" in clade else "" for clade in clades.tolist()])
    there = [letter for letter in _LEVELS if (depth == letter).any()]
    wanted = rank or ("s" if "s" in there else there[-1] if there else "")
    kept = np.flatnonzero(depth == wanted)
    if not len(kept):
        raise DataError(
            f"{path} has no clades of rank {wanted}__; it has {', '.join(letter + '__' for letter in there)}"
        )
    samples = [
        j for j in range(1, frame.shape[1])
        if layout.header[j].casefold() not in _BESIDE and pd.api.types.is_numeric_dtype(frame[j].dtype)
    ]  # fmt: skip
    clades = clades[kept]
    return Grid(
        frame.loc[kept, samples].to_numpy(dtype=np.float64),
        clades,
        names_of([layout.header[j] for j in samples]),
        "taxa",
        "MetaPhlAn's profile",
        lineages={clade: clade.replace("|", "; ") for clade in clades.tolist()},
        notes=(f"{len(kept)} of {len(frame)} clades, those of rank {wanted}__",),
        percent=True,
    )
