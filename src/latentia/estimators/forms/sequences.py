"""What a person may hand over as sequences of tokens: texts, lists of labels, columns, arrays of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.items import Strings
from latentia.errors import DataError


@dataclass(frozen=True)
class Sequenced:
    """What a person gave as sequences of tokens.

    Attributes:
        items: texts or labels.
        numeric: whether labels were whole numbers.
        end: whether items have ends of their own: not the rows of an array.
    """

    items: Strings
    numeric: bool = False
    end: bool = True


def as_sequences(X: Any) -> Sequenced:
    """Texts, lists of labels, a column of a frame, or an array of whole numbers `[n, T]` (negative behind each end).

    Raises:
        DataError: for a single text, numbers with fractions, a frame of several columns, or something else in an item.

    Example:
        >>> as_sequences([["a", "b"], ["c"]]).items.lists(), as_sequences(np.array([[3, 1]])).numeric
        ([['a', 'b'], ['c']], True)
    """
    if isinstance(X, Sequenced):
        return X
    if isinstance(X, Strings):
        return Sequenced(X)
    if isinstance(X, str | bytes):
        raise DataError("X is a single text; expected a list of texts, for example [text]")
    if hasattr(X, "columns"):  # a data frame
        if X.shape[1] != 1:
            raise DataError(
                f"X is a table of {X.shape[1]} columns; give the one that holds the text, X['column']"
            )
        X = X.iloc[:, 0]
    if isinstance(X, Tensor):
        X = X.detach().cpu().numpy()
    if isinstance(X, np.ndarray) and X.dtype.kind in "iuf" and X.ndim == 2:
        return _of_numbers(X)
    if hasattr(X, "to_numpy"):  # a column
        X = X.to_numpy(dtype=object)
    try:
        given = list(X)
    except TypeError:
        raise DataError(
            f"X of type {type(X).__name__} holds no sequences; expected a list of texts or of lists"
        ) from None
    if all(isinstance(item, str) for item in given):
        return Sequenced(Strings.of_texts(given))
    return _of_lists(given)


def _of_lists(given: Sequence[Any]) -> Sequenced:
    rows = []
    numeric = True
    for i, item in enumerate(given):
        if item is None or isinstance(item, str | bytes | float | int) or not hasattr(item, "__iter__"):
            kind = "a text among lists" if isinstance(item, str) else repr(item)[:40]
            raise DataError(f"item {i} is {kind}; expected texts, or lists of tokens, throughout")
        row = [label.item() if isinstance(label, np.generic) else label for label in item]
        for place, label in enumerate(row):
            if label is None or label != label:
                raise DataError(f"item {i}, position {place}: {label!r} is no token")
        numeric = numeric and all(isinstance(label, int) and not isinstance(label, bool) for label in row)
        rows.append([str(label) for label in row])
    return Sequenced(Strings.of_labels(rows), numeric=numeric)


def _of_numbers(X: NDArray[Any]) -> Sequenced:
    if X.dtype.kind == "f" and not (np.isfinite(X) & (np.rint(X) == X)).all():
        row, place = (int(i) for i in np.argwhere(~(np.isfinite(X) & (np.rint(X) == X)))[0])
        raise DataError(
            f"item {row}, position {place}: {X[row, place]} is no token; whole numbers are expected"
        )
    there = X >= 0
    if (np.diff(there.astype(int), axis=1) > 0).any():
        row = int(np.argwhere(np.diff(there.astype(int), axis=1) > 0)[0][0])
        raise DataError(f"item {row}: a token stands behind an end; negative numbers only pad sequences")
    rows = [[str(int(token)) for token in row[keep]] for row, keep in zip(X, there, strict=True)]
    return Sequenced(Strings.of_labels(rows), numeric=True, end=not bool(there.all()))
