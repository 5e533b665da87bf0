"""What loading gives: `Dataset` with its three `Split`s, and the seeded splitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.items import joined, length, shape_of, taken
from latentia.data.pictures import as_array
from latentia.data.shapes import Shape
from latentia.errors import ConfigError, DataError

Rows = NDArray[Any] | sparse.csr_array
"""Data of n items: `[n, d]` or `[n, C, H, W]`; counts may be a SciPy CSR array `[n, d]`."""

MAX_VALIDATION = 5000
"""Rows that validation takes at most from a set with its own test part: a bound on more rows changes little."""


@dataclass(frozen=True, eq=False)
class Split:
    """A part of a data set: items, and perhaps their classes and names.

    Attributes:
        x: `[n, C, H, W]` (uint8, or float32 in [0, 1]) for images; `[n, d]` (float or integer, or CSR) for tables;
            `latentia.data.items.Ragged` for sequences, `Mixed` for columns of unlike kinds.
        y: class codes `[n]` (int64), or None.
        names: what the source calls each row (first column of a table, file in a folder) `[n]`, or None.
        truth: what is known of items and never fitted (object masks, counts of objects, factors), `[n, ...]` by name; only
            measures read it.

    Raises:
        DataError: labels, names or truth of another length than `x`.

    Example:
        >>> import numpy as np
        >>> part = Split(np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1]))
        >>> len(part), part.subset([3, 0]).x.tolist()
        (4, [[6.0, 7.0], [0.0, 1.0]])
    """

    x: Any  # Items
    y: NDArray[np.int64] | None = None
    names: NDArray[Any] | None = None
    truth: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, values in (("labels", self.y), ("row names", self.names), *self.truth.items()):
            if values is not None and len(values) != len(self):
                raise DataError(f"{len(self)} rows but {len(values)} {what}: there must be one for each row")

    def __len__(self) -> int:
        """Number of items."""
        return length(self.x)

    def subset(self, indices: NDArray[np.int64] | list[int]) -> Split:
        """Return a copy of the rows at `indices`, in that order."""
        rows = np.asarray(indices, dtype=np.int64)
        return Split(
            taken(self.x, rows),
            None if self.y is None else self.y[rows],
            None if self.names is None else self.names[rows],
            {name: values[rows] for name, values in self.truth.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[Split]) -> Split:
        """Parts one behind another; labels, names and truth where all have them."""
        labels = [part.y for part in parts if part.y is not None]
        names = [part.names for part in parts if part.names is not None]
        known = set.intersection(*(set(part.truth) for part in parts))
        return cls(
            joined([part.x for part in parts]),
            np.concatenate(labels) if len(labels) == len(parts) else None,
            np.concatenate(names) if len(names) == len(parts) else None,
            {name: np.concatenate([part.truth[name] for part in parts]) for name in sorted(known)},
        )

    def named(self) -> Split:
        """The same items, each with a name: its place (from 0) where the source has none."""
        return self if self.names is not None else replace(self, names=np.arange(len(self)).astype(str))

    def take(self, n: int, seed: int = 0) -> Split:
        """Return `n` rows at random (all if there are fewer), in their order: sources are often sorted by class."""
        if n >= len(self):
            return self
        return self.subset(np.sort(np.random.default_rng(seed).permutation(len(self))[:n]))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data in three parts that share no row.

    Attributes:
        name: name or path as it was asked for.
        train: what a model is fitted to.
        validation: for early stopping and choices.
        test: looked at once, at the end.
        feature_names: the columns of a table, or None.
        class_names: name of each class code in `y`, or None without labels.
        source: what was read, in words.
        vocabulary: of token sequences, the word for each token.
        notes: further lines on what was read: what each column was taken as.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    source: str = ""
    vocabulary: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """What the items are."""
        return shape_of(self.train.x)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one item: `(d,)` or `(C, H, W)`."""
        return tuple(int(size) for size in self.train.x.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether the items are images."""
        return len(self.event_shape) == 3

    def whole(self) -> Dataset:
        """All rows as one part under all three names: nothing is held out, so every figure is of rows that were seen."""
        together = Split.joined((self.train, self.validation, self.test))
        source = f"{self.source.split('; split into ')[0]}; all {len(together)} rows, none held out"
        return replace(self, train=together, validation=together, test=together, source=source)


@dataclass(frozen=True, eq=False)
class Raw:
    """What a reader found, before splitting; `validation` and `test` only where the source has them."""

    train: Split
    validation: Split | None = None
    test: Split | None = None
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    source: str = ""
    vocabulary: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def whole(self) -> Split:
        """All rows in the source's order, its own parts one behind another."""
        parts = [part for part in (self.train, self.validation, self.test) if part is not None]
        return parts[0] if len(parts) == 1 else Split.joined(parts)

    @classmethod
    def of_parts(
        cls, parts: dict[str, Split], source: str, class_names: tuple[str, ...] | None = None
    ) -> Raw:
        """Make one of the parts called train, validation and test."""
        return cls(
            parts["train"],
            parts.get("validation"),
            parts.get("test"),
            class_names=class_names,
            source=source,
        )


def _owned(split: Split) -> Split:
    """Return `split` with `x` as a plain writable array: readers may give views of read-only buffers and files."""
    if not isinstance(split.x, np.ndarray):
        return split
    return replace(split, x=np.require(as_array(split.x), requirements=["C", "W", "A"]))


def assemble(name: str, raw: Raw, *, seed: int, validation_fraction: float, test_fraction: float) -> Dataset:
    """Complete the parts that the source does not have by seeded draws from its training rows.

    The test rows are drawn first, so they depend on `seed` and `test_fraction` alone.

    Raises:
        DataError: too few rows, or parts of different shape.
        ConfigError: fractions outside (0, 1) or a negative seed.
    """
    for what, fraction in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise ConfigError(f"{what} is {fraction}; it must lie between 0 and 1, for example 0.1")
    if validation_fraction + test_fraction >= 1:
        raise ConfigError(
            f"validation_fraction {validation_fraction} and test_fraction {test_fraction} leave no row to train on"
        )
    if seed < 0:
        raise ConfigError(f"seed is {seed}; it must be 0 or a positive whole number")
    n = len(raw.train)
    drawn = (raw.validation is None) + (raw.test is None)
    if n < drawn + 1:
        rows = "no rows" if n == 0 else "1 row" if n == 1 else f"{n} rows"
        raise DataError(
            f"{name}: {rows} to train on; at least {drawn + 1} are needed to split off {drawn} other parts"
        )
    n_test = 0 if raw.test is not None else min(max(1, round(test_fraction * n)), n - drawn)
    n_validation = 0 if raw.validation is not None else max(1, round(validation_fraction * n))
    if raw.test is not None:
        n_validation = min(n_validation, MAX_VALIDATION)
    n_validation = min(n_validation, n - n_test - 1)
    order = np.random.default_rng(seed).permutation(n)
    test_rows, validation_rows, train_rows = (
        np.sort(part) for part in np.split(order, [n_test, n_test + n_validation])
    )
    parts = {
        "train": raw.train.subset(train_rows) if drawn else raw.train,
        "validation": raw.validation or raw.train.subset(validation_rows),
        "test": raw.test or raw.train.subset(test_rows),
    }
    shape = parts["train"].x.shape[1:]
    for part, split in parts.items():
        if split.x.shape[1:] != shape:
            raise DataError(
                f"{name}: items of {part} have shape {split.x.shape[1:]}, those of train {shape}; they must agree"
            )
        if len(split) == 0:
            raise DataError(
                f"{name}: the {part} part holds no rows; leave it out to have it drawn from train"
            )
    sizes = ", ".join(f"{len(split)} {part}" for part, split in parts.items())
    how = f" (seed {seed})" if drawn else " (the source's own parts)"
    return Dataset(
        name=name,
        train=_owned(parts["train"]),
        validation=_owned(parts["validation"]),
        test=_owned(parts["test"]),
        feature_names=raw.feature_names,
        class_names=raw.class_names,
        vocabulary=raw.vocabulary,
        notes=raw.notes,
        source=f"{raw.source}; split into {sizes}{how}",
    )
