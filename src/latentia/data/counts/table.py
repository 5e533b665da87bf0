"""A table of counts: samples x taxa, with what is known of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.biom import biom_json
from latentia.data.counts.found import Found
from latentia.data.counts.reading import Reading, read_counts
from latentia.data.counts.words import is_missing
from latentia.errors import DataError
from latentia.files import write_atomically


@dataclass(frozen=True)
class Step:
    """What a step from the file to the fitted table did, with what is left after it.

    Attributes:
        name: of the step.
        samples: left.
        taxa: left.
        reads: left.
        note: what went, by name where it can be told.
    """

    name: str
    samples: int
    taxa: int
    reads: int
    note: str = ""

    def __str__(self) -> str:
        text = f"{self.name}: {self.samples:,} samples, {self.taxa:,} taxa, {self.reads:,} reads"
        return f"{text} ({self.note})" if self.note else text


@dataclass(frozen=True, eq=False)
class CountTable(Found):
    """Counts of reads, samples x taxa, with metadata and taxonomy: what is typed, filtered and written.

    Attributes (beside those of `Found`):
        steps: what was done to the table, the file itself first.

    Raises:
        DataError: names of another length than the counts.

    Example:
        >>> table = CountTable.of([[5, 0, 3], [0, 2, 2]], ["s1", "s2"], ["a", "b", "c"])
        >>> table.shape, table.depth.tolist(), table.proportions().round(2).tolist()
        ((2, 3), [8, 4], [[0.62, 0.0, 0.38], [0.0, 0.5, 0.5]])
    """

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        n, d = self.counts.shape
        if (len(self.sample_ids), len(self.taxa)) != (n, d):
            raise DataError(
                f"counts of {n} x {d} with {len(self.sample_ids)} sample ids and {len(self.taxa)} taxa"
            )
        if self.metadata is not None and len(self.metadata) != n:
            raise DataError(f"metadata of {len(self.metadata)} rows for {n} samples")

    @classmethod
    def of(cls, counts: Any, sample_ids: Any, taxa: Any, **known: Any) -> CountTable:
        """From counts in memory, samples x taxa.

        Args:
            counts: NumPy, pandas or SciPy sparse, whole numbers of at least 0.
            sample_ids: `[n]`.
            taxa: `[d]`.
            known: further attributes.

        Raises:
            DataError: negative or fractional counts.
        """
        values = sparse.csr_array(counts)
        if (values.data < 0).any() or (values.data % 1 != 0).any():
            raise DataError("counts must be whole numbers of at least 0")
        values = values.astype(np.int64)
        values.eliminate_zeros()
        table = cls(values, np.array(list(map(str, sample_ids))), np.array(list(map(str, taxa))), **known)
        return table if table.steps else table.after("read")

    @classmethod
    def read(cls, path: str | Path, **options: Any) -> CountTable:
        r"""Read a file of counts with its metadata and taxonomy.

        Args:
            path: the file.
            options: attributes of `latentia.data.counts.reading.Reading`.

        Raises:
            DataError, MissingExtraError: as `latentia.data.counts.reading.read_counts`.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     file = Path(folder, "otu_table.tsv")
            ...     _ = file.write_text("#OTU ID\ts1\ts2\nBacteroides\t5\t0\nPrevotella\t1\t7\n")
            ...     CountTable.read(file).counts.toarray().tolist()
            [[5, 1], [0, 7]]
        """
        return cls(**vars(read_counts(Path(path), Reading(**options)))).after("read")

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, d)`: samples, taxa."""
        n, d = self.counts.shape
        return int(n), int(d)

    @property
    def depth(self) -> NDArray[np.int64]:
        """Reads of each sample, `[n]`."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.int64).ravel()

    @property
    def prevalence(self) -> NDArray[np.float64]:
        """Share of samples in which each taxon was seen, `[d]`."""
        seen = np.bincount(self.counts.indices[self.counts.data > 0], minlength=self.shape[1])
        return seen / max(self.shape[0], 1)

    def proportions(self) -> NDArray[np.float64]:
        """Counts over depth, dense `[n, d]`; rows of zeros stay zero."""
        return np.asarray(self.counts.toarray() / np.maximum(self.depth, 1)[:, None])

    def mean_proportions(self) -> NDArray[np.float64]:
        """Mean over samples of each taxon's proportion, `[d]`."""
        weights = 1.0 / np.maximum(self.depth, 1)
        return np.asarray(self.counts.T @ weights).ravel() / max(self.shape[0], 1)

    def column(self, name: str) -> NDArray[np.str_]:
        """A column of the metadata, `[n]`; "" where it is missing.

        Raises:
            DataError: if there is no such column.
        """
        if self.metadata is None or name not in self.metadata.columns:
            have = (
                "there is no --metadata file"
                if self.metadata is None
                else f"its columns: {', '.join(self.metadata.columns[:15])}"
            )
            raise DataError(f"no column {name!r} in the metadata: {have}")
        return np.array(
            ["" if is_missing(cell) else cell for cell in self.metadata[name].tolist()], dtype=str
        )

    def samples(self, kept: NDArray[Any]) -> CountTable:
        """Some samples, by mask or places."""
        metadata = None if self.metadata is None else self.metadata.iloc[np.arange(self.shape[0])[kept]]
        return replace(
            self,
            counts=sparse.csr_array(self.counts[kept]),
            sample_ids=self.sample_ids[kept],
            metadata=metadata,
        )

    def only(self, kept: NDArray[Any]) -> CountTable:
        """Some taxa, by mask or places."""
        return replace(self, counts=sparse.csr_array(self.counts[:, kept]), taxa=self.taxa[kept])

    def after(self, name: str, note: str = "") -> CountTable:
        """The same table with a further step told."""
        step = Step(name, *self.shape, int(self.depth.sum()), note)
        return replace(self, steps=(*self.steps, step))

    def write_biom(self, path: Path, about: pd.DataFrame, created: str) -> None:
        """Write BIOM 1.0 (JSON) with metadata of the samples.

        Args:
            path: the file.
            about: a row for each sample.
            created: date and time in ISO 8601.
        """
        lineages = {}
        if self.taxonomy is not None:
            known = self.taxonomy.lineages
            lineages = {taxon: known[taxon] for taxon in self.taxa.tolist() if taxon in known}
        rows = [dict(zip(about.columns, row, strict=True)) for row in about.itertuples(index=False)]
        content = biom_json(
            self.counts, self.sample_ids, self.taxa, lineages=lineages, metadata=rows, created=created
        )
        write_atomically(path, content)
