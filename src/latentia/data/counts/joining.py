"""Metadata beside the samples of a table: joined by id, and what does not join is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.counts.metadata import Declared, Metadata
from latentia.data.counts.words import some
from latentia.errors import DataError


def joined(
    path: Path, ids: NDArray[np.str_], about: Metadata | None, own: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, dict[str, Declared], list[str]]:
    """A row of metadata for each sample, in their order; what its file declares of columns; and what is to be told.

    Args:
        path: the table, for messages.
        ids: of its samples.
        about: the metadata file.
        own: what the table itself says of its samples; the file goes before it.

    Raises:
        DataError: if no sample of the table is in the metadata.
    """
    order = [str(name) for name in ids]
    frames = []
    told: list[str] = []
    if about is not None:
        there = [name for name in order if name in set(about.frame.index)]
        if not there:
            raise DataError(_nothing_joins(path, order, about))
        told.append(_told(order, there, about))
        frames.append(about.frame.reindex(order))
    if own is not None:
        frames.append(
            own.reindex(order)[[c for c in own.columns if about is None or c not in about.frame.columns]]
        )
    if not frames:
        return None, {}, told
    frame = pd.concat(frames, axis=1).fillna("").astype(str)
    return frame, {} if about is None else dict(about.declared), told


def _told(order: list[str], there: list[str], about: Metadata) -> str:
    text = f"{len(there)} of {len(order)} samples are in the metadata"
    known = set(there)
    only_table = [name for name in order if name not in known]
    only_metadata = [name for name in about.frame.index if name not in known]
    if only_table:
        text += f"; only in the table: {some(only_table)}"
    if only_metadata:
        text += f"; only in the metadata: {some(only_metadata)}"
    return text


def _nothing_joins(path: Path, order: list[str], about: Metadata) -> str:
    """Why no id agrees, with a hint where those of R's make.names would."""
    text = (
        f"no sample of {path} is in the metadata {about.source}: the table has {some(order, 3)}, the metadata's column "
        f"{about.id_column!r} has {some(about.frame.index, 3)}"
    )
    small = {name.casefold() for name in about.frame.index}
    if any(name.casefold() in small for name in order):
        return f"{text}; they differ in small and capital letters: write them alike in one of the two files"
    plain = {_plain(name) for name in about.frame.index}
    if any(_plain(name) in plain for name in order):
        return f"{text}; they differ as R changes names: read and write the table with check.names = FALSE"
    return f"{text}; give the column of the same ids by --id-column"


def _plain(name: str) -> str:
    """A name without what R's make.names changes.

    >>> _plain("X12-a.b") == _plain("12.a_b")
    True
    """
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^X(?=\d)", "", name).casefold())
