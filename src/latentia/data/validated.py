"""scikit-learn's check of rows, whose refusals are this library's errors: in one line, without the numbers, with what to do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from latentia.errors import DataError, DataTypeError

_REMEDIES = (
    ("Complex data not supported", "give real numbers: np.abs(X), or real and imaginary parts as columns"),
    ("setting an array element with a sequence", "X must hold a number in each cell, and as many in each row"),
    ("Expected 2D array", "Reshape your data to [n, d], a row an item: X.reshape(-1, 1), or X.reshape(1, -1) for a single item"),
    ("Expected a 2-dimensional container", "a column alone is no table: X.to_frame()"),
    ("could not convert string to float", "X holds words: give a column of numbers for each, for example pandas.get_dummies(X)"),
    ("bytes/strings", "X holds words: X.astype(float) where they are numbers, else pandas.get_dummies(X)"),
    ("Feature names are only supported", "name all columns by text: X.columns = X.columns.astype(str)"),
    ("fill value must be 0", "give a dense frame: X.sparse.to_dense()"),
    ("Found array with", "X must hold at least so many rows, of at least one number"),
)  # fmt: skip
_DUMP = re.compile(r"[:.]?\s*(?:array=|\n|If you want).*", re.S)


def validated(estimator: Any, X: Any, *labels: Any, **how: Any) -> Any:
    """`sklearn.utils.validation.validate_data` of rows (and labels), matrices and frames of sparse columns taken too.

    Args:
        estimator: as there.
        X: rows.
        labels: y, if there is one.
        how: as there.

    Raises:
        DataError: for whatever scikit-learn or NumPy refuses.
    """
    if isinstance(X, np.matrix):
        X = np.asarray(X)
    _check_lengths(X)
    _check_type(getattr(X, "dtype", None))
    try:
        return validate_data(estimator, X, *labels, **how)
    except (ValueError, TypeError, OverflowError) as error:
        family = DataTypeError if isinstance(error, TypeError) else DataError
        raise family(_in_words(str(error))) from None


def _check_lengths(X: Any) -> None:
    """Refuse a list of rows of unlike lengths."""
    if (
        isinstance(X, (list, tuple))
        and X
        and all(hasattr(row, "__len__") and not isinstance(row, str) for row in X)
    ):
        first = len(X[0])
        other = next((i for i, row in enumerate(X) if len(row) != first), None)
        if other is not None:
            raise DataError(
                f"X is a list of rows of different lengths: row 0 has {first} numbers, row {other} has {len(X[other])}; "
                "all must have as many (sequences of unlike lengths: latentia.SequenceVAE, latentia.SeriesVAE)"
            )


def _check_type(dtype: Any) -> None:
    """Refuse records and dates."""
    fields = getattr(dtype, "names", None)
    if getattr(dtype, "kind", "") in ("m", "M"):
        raise DataError(
            "X is an array of dates or times; give days as numbers: (X - X.min()) / numpy.timedelta64(1, 'D')"
        )
    if fields:
        raise DataError(
            f"X is an array of records with the fields {', '.join(fields)}; give pandas.DataFrame(X)"
        )


def _in_words(text: str) -> str:
    said = _DUMP.sub("", text).strip().rstrip(".")
    remedy = next((remedy for words, remedy in _REMEDIES if words in text), None)
    return said if remedy is None else f"{said}; {remedy}"
