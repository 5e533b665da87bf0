"""What a part of a data set may hold: arrays, sparse tables, sequences of unlike lengths, strings, columns of unlike kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.column import Column
from latentia.data.pictures import as_array
from latentia.data.shapes import Shape
from latentia.errors import DataError
from latentia.guard import require_room


@dataclass(frozen=True, eq=False)
class Ragged:
    """Sequences of unlike lengths, one behind another: token sequences, series, image sequences.

    Attributes:
        values: all steps, `[total, *event]`: tokens `[total]`, series `[total, d]`, frames `[total, C, H, W]`.
        offsets: where each sequence begins, and where the last ends, `[n + 1]`.

    Raises:
        DataError: offsets that do not begin at 0, fall, or do not end at the number of steps.

    Example:
        >>> songs = Ragged.of([np.array([1, 2, 3]), np.array([4])])
        >>> len(songs), songs.lengths.tolist(), songs[[1, 0]].values.tolist()
        (2, [3, 1], [4, 1, 2, 3])
        >>> songs.padded(-1)[0].tolist()
        [[1, 2, 3], [4, -1, -1]]
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        offsets = np.asarray(self.offsets, dtype=np.int64)
        if offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise DataError("offsets of sequences must begin at 0 and never fall")
        if offsets[-1] != len(self.values):
            raise DataError(f"offsets end at {offsets[-1]}, but there are {len(self.values)} steps")
        object.__setattr__(self, "offsets", offsets)

    @classmethod
    def of(cls, sequences: Sequence[NDArray[Any]]) -> Self:
        """From arrays `[T_i, *event]`."""
        if not len(sequences):
            return cls(np.empty(0), np.zeros(1, np.int64))
        lengths = [len(sequence) for sequence in sequences]
        return cls(np.concatenate([np.asarray(s) for s in sequences]), np.cumsum([0, *lengths]))

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each sequence, `[n]`."""
        return np.diff(self.offsets)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one step."""
        return tuple(int(size) for size in self.values.shape[1:])

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, *event)`: of items whose length is their own."""
        return (len(self), *self.event_shape)

    def item(self, i: int) -> NDArray[Any]:
        """The steps of one sequence, `[T_i, *event]`."""
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def __getitem__(self, rows: Any) -> Self:
        """The sequences at some places, in that order."""
        chosen = np.arange(len(self))[rows]
        starts, lengths = self.offsets[chosen], self.lengths[chosen]
        ends = np.cumsum(lengths)
        places = np.arange(int(lengths.sum())) + np.repeat(starts - (ends - lengths), lengths)
        return replace(self, values=np.asarray(self.values[places]), offsets=np.concatenate([[0], ends]))

    def followed_by(self, others: Sequence[Any]) -> Self:
        """These sequences, and those of others behind them."""
        parts = (self, *others)
        offsets = np.cumsum([0, *np.concatenate([part.lengths for part in parts])])
        return replace(self, values=np.concatenate([part.values for part in parts]), offsets=offsets)

    def padded(self, fill: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """All sequences as one array `[n, T, *event]`, T the longest, and their lengths; `fill` stands behind each end."""
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        out = np.full((len(self), longest, *self.event_shape), fill, self.values.dtype)
        out[np.arange(longest) < lengths[:, None]] = self.values
        return out, lengths


BEHIND_LABEL = "\x1f"  # U+001F, the unit separator


@dataclass(frozen=True, eq=False)
class Strings(Ragged):
    """Texts, or lists of labels, as their characters: what they are made of depends on nothing but themselves.

    Attributes:
        values: Unicode code points, `[total]`, int32.
        offsets: where each item begins, and where the last ends, `[n + 1]`.
        labels: whether an item is a list of labels, each with U+001F behind it; else a text.

    Raises:
        DataError: for an item that is no string, or a label with U+001F in it.

    Example:
        >>> lines = Strings.of_texts(["a rose", "is"])
        >>> lines.lists(), lines.lengths.tolist(), lines[[1]].lists()
        (['a rose', 'is'], [6, 2], ['is'])
        >>> Strings.of_labels([["left", "up"], []]).lists()
        [['left', 'up'], []]
    """

    labels: bool = False
    shape_of_items: ClassVar[Shape] = Shape.TOKENS

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> Self:
        """From strings."""
        texts = list(texts)
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(
                    f"item {i} is {str(text)[:40]!r} of type {type(text).__name__}; a string is expected"
                )
        content = "".join(texts).encode("utf-32-le", "surrogatepass")
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return cls(np.frombuffer(content, "<i4").astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]))

    @classmethod
    def of_labels(cls, items: Iterable[Sequence[str]]) -> Self:
        """From lists of labels."""
        items = [list(item) for item in items]
        for i, item in enumerate(items):
            for place, label in enumerate(item):
                if not isinstance(label, str) or BEHIND_LABEL in label:
                    raise DataError(
                        f"item {i}, position {place}: {label!r} is no label; text without the character U+001F is expected"
                    )
        found = cls.of_texts("".join(label + BEHIND_LABEL for label in item) for item in items)
        return replace(found, labels=True)

    def lists(self) -> list[Any]:
        """The items as strings, or as lists of labels."""
        whole = np.asarray(self.values, "<i4").tobytes().decode("utf-32-le", "surrogatepass")
        texts = [whole[start:end] for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True)]
        return [text.split(BEHIND_LABEL)[:-1] for text in texts] if self.labels else texts


@dataclass(frozen=True, eq=False)
class Mixed:
    """Rows whose columns are of unlike kinds; NaN is missing.

    Attributes:
        values: `[n, d]`, float64; categories as numbers of their levels.
        columns: what each column is, `[d]`.
    """

    values: NDArray[np.float64]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.columns):
            raise DataError(f"values of shape {self.values.shape} for {len(self.columns)} columns")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, d)`."""
        return len(self.values), len(self.columns)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Where a value is not missing, `[n, d]`."""
        return ~np.isnan(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def is_numeric(self) -> bool:
        """Whether all columns are numbers, and no cell is missing: a table like any other to models that take numbers alone."""
        return all(column.is_number for column in self.columns) and bool(self.observed.all())

    def as_numbers(self) -> NDArray[Any]:
        """The cells as numbers `[n, d]`, levels that are numbers as these; int64 where all are whole.

        Raises:
            DataError: if a column is none of numbers.
        """
        strange = next((column for column in self.columns if not column.is_number), None)
        if strange is not None:
            raise DataError(f"column {strange.name!r} is a {strange.kind} and has no numbers: {strange.why}")
        found = self.values.copy()
        for j, column in enumerate(self.columns):
            if column.levels:
                known = ~np.isnan(found[:, j])
                levels = np.array([*map(float, column.levels), np.nan])
                found[known, j] = levels[found[known, j].astype(np.int64)]
        whole = bool((found == np.round(found)).all()) and bool((np.abs(found) < 2.0**53).all())
        return found.astype(np.int64) if whole else found

    def __getitem__(self, rows: Any) -> Mixed:
        """Some rows, in their order."""
        return Mixed(np.asarray(self.values[rows]), self.columns)


Items = NDArray[Any] | sparse.csr_array | Ragged | Mixed
"""n items: `[n, d]`, `[n, C, H, W]`, CSR `[n, d]`, or one of the classes here."""


def length(items: Any) -> int:
    """How many items there are; a sparse matrix has no length, a list no shape, and some are arrays only when asked."""
    if hasattr(items, "shape"):
        return int(items.shape[0])
    return len(items) if hasattr(items, "__len__") else len(np.asarray(items))


def taken(items: Any, rows: Any) -> Any:
    """The items at some places, in that order; rows of a memory map become a plain array that holds no file open."""
    if isinstance(items, np.ndarray):
        return as_array(items)[rows]
    return items[rows]


def joined(parts: Sequence[Any]) -> Any:
    """Items of several parts, one behind another."""
    first = parts[0]
    if sparse.issparse(first):
        return sparse.csr_array(sparse.vstack([sparse.csr_array(part) for part in parts]))
    if isinstance(first, Ragged):
        return first.followed_by(parts[1:])
    if isinstance(first, Mixed):
        return Mixed(np.concatenate([part.values for part in parts]), first.columns)
    return np.concatenate([np.asarray(part) for part in parts])


def dense(items: Any) -> Any:
    """Items as a NumPy array where they are a table or images; others as they are."""
    if hasattr(items, "toarray"):
        require_room(
            items.dtype.itemsize * items.shape[0] * items.shape[1],
            f"a dense table of shape {list(items.shape)}",
        )
        return items.toarray()
    return items if isinstance(items, Ragged | Mixed) else as_array(items)


def shape_of(items: Any) -> Shape:
    """What the items are.

    Example:
        >>> shape_of(np.zeros((3, 2))), shape_of(np.zeros((3, 1, 8, 8))), shape_of(Ragged.of([np.array([1, 2])]))
        (<Shape.TABLE: 'table'>, <Shape.IMAGES: 'images'>, <Shape.TOKENS: 'tokens'>)
    """
    if isinstance(items, Mixed):
        return Shape.MIXED
    if isinstance(items, Strings):
        return items.shape_of_items
    if isinstance(items, Ragged):
        return {0: Shape.TOKENS, 1: Shape.SERIES}.get(len(items.event_shape), Shape.FRAMES)
    if len(items.shape) == 4:
        return Shape.IMAGES
    values = np.asarray(items.data if hasattr(items, "toarray") else items)
    whole = values.dtype.kind in "iub"
    return Shape.COUNTS if whole and (not values.size or values.min() >= 0) else Shape.TABLE
