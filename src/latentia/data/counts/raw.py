"""Files of counts as any other data: what `latentia.data.load` gives of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentia.data.counts.layout import layout_of
from latentia.data.counts.table import CountTable
from latentia.data.counts.words import BIOM_HEADERS, some
from latentia.data.dataset import Raw, Split
from latentia.errors import DataError


def has_taxa_in_rows(path: Path) -> bool:
    """Whether a table of text says by its first header that its rows are taxa, as programs of the field write it."""
    try:
        return layout_of(path).header[0].casefold() in BIOM_HEADERS
    except DataError:
        return False


def read_raw(path: Path, columns: Sequence[str] | None = None) -> Raw:
    """Samples as items, taxa as features.

    Args:
        path: a file of counts whose sides its format or header tells apart.
        columns: taxa that are features, in this order; None: all.

    Raises:
        DataError: a file that cannot be read so; taxa of `columns` that it lacks.
    """
    table = CountTable.read(path)
    source = ". ".join((table.source, *table.notes))
    if columns is not None:
        place = {taxon: i for i, taxon in enumerate(table.taxa.tolist())}
        missing = [name for name in columns if name not in place]
        if missing:
            raise DataError(f"{path} lacks the taxa {some(missing, 12)} that the model was fitted to")
        table = table.only(np.array([place[name] for name in columns]))
    return Raw(
        Split(table.counts, names=table.sample_ids), feature_names=tuple(table.taxa.tolist()), source=source
    )
