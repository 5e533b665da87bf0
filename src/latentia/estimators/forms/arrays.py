"""What a person may hand to an estimator, checked and made into one NumPy array `[n, d]` or `[n, C, H, W]`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from latentia.errors import DataError
from latentia.estimators.forms.unlike import Unlike, read_later, unlike


class Given(NamedTuple):
    """What a person handed over, as one array.

    Attributes:
        rows: `[n, d]`, or images `[n, C, H, W]`.
        sparse: whether they came as a sparse matrix.
        flat: whether they came as images without an axis of channels, `[n, H, W]`.
        unlike: what the columns of rows of unlike kinds are, in a fit; their rows have NaN where a cell is missing.
    """

    rows: NDArray[Any]
    sparse: bool = False
    flat: bool = False
    unlike: Unlike | None = None


def as_rows(estimator: BaseEstimator, X: Any, *, reset: bool) -> Given:
    """The rows of X, checked against what the estimator was fitted to (or, with `reset`, noted on it).

    Args:
        estimator: gets `n_features_in_` (and `feature_names_in_`) by scikit-learn's rule.
        X: NumPy, torch, pandas, nested lists or SciPy sparse `[n, d]`; images `[n, C, H, W]` or `[n, H, W]`.
        reset: whether this is a fit.

    Raises:
        DataError: NaN or infinity (with row and column), no rows, rows of another shape than in fitting.
    """
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if getattr(estimator, "takes_columns", False):
        found = _columns(estimator, X, reset)
        if found is not None:
            return found
    if getattr(X, "ndim", 2) >= 3 and not sparse.issparse(X):
        return Given(_images(estimator, X, reset), flat=X.ndim == 3)
    if not reset:
        check_is_fitted(estimator)
        expected = getattr(estimator, "event_shape_", None)
        if expected is not None and len(expected) == 3:
            raise DataError(
                f"X of shape {getattr(X, 'shape', None)} holds no images of shape {expected}, as in fitting"
            )
    _check_finite(X)
    rows = validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_min_samples=2 if reset else 1
    )
    if sparse.issparse(rows):
        dense: Any = rows
        return Given(dense.toarray(), sparse=True)
    return Given(rows.astype(np.uint8) if rows.dtype == bool else rows)


def _columns(estimator: Any, X: Any, reset: bool) -> Given | None:
    """Rows of columns of unlike kinds; None where they are none."""
    if not reset:
        check_is_fitted(estimator)
        columns = estimator.columns_
        return None if columns is None else Given(read_later(X, columns, estimator.n_features_in_))
    vars(estimator).pop("feature_names_in_", None)
    found = unlike(X)
    if found is None:
        return None
    if len(found.values) < 2:
        raise DataError(
            f"Found array with {len(found.values)} sample(s) (shape={found.values.shape}) while a minimum of 2 is required"
        )
    estimator.n_features_in_ = len(found.given)
    if found.frames:
        estimator.feature_names_in_ = np.asarray(found.given, dtype=object)
    return Given(found.values, unlike=found)


def _images(estimator: Any, X: Any, reset: bool) -> NDArray[Any]:
    if not reset:
        check_is_fitted(estimator)
    array, _ = images_of(X, None if reset else tuple(estimator.event_shape_), fewest=2 if reset else 1)
    if reset:
        estimator.n_features_in_ = math.prod(array.shape[1:])
    return array


def images_of(X: Any, shape: tuple[int, ...] | None, fewest: int) -> tuple[NDArray[Any], bool]:
    """Images `[n, C, H, W]`, and whether they came without an axis of channels.

    Args:
        X: images `[n, C, H, W]` or `[n, H, W]`; with a shape, also rows of as many numbers.
        shape: that of an image in fitting; None: this is a fit.
        fewest: images that there must be.

    Raises:
        DataError: no images, or of another shape than in fitting.
    """
    array = X if isinstance(X, np.ndarray) else np.asarray(X)
    if array.dtype.kind not in "uifb":
        raise DataError(f"images of type {array.dtype} cannot be used; give uint8, or floats in [0, 1]")
    flat = array.ndim == 3
    if flat:
        array = array[:, None]
    elif array.ndim == 2 and shape is not None:
        if array.shape[1] != math.prod(shape):
            raise DataError(
                f"rows of {array.shape[1]} numbers, but images of shape {shape} in fitting; they must agree"
            )
        array = array.reshape(-1, *shape)
    if array.ndim != 4:
        raise DataError(f"X has {array.ndim} dimensions; expected [n, d], [n, H, W] or [n, C, H, W]")
    if len(array) < fewest:
        raise DataError(
            f"X has {len(array)} sample(s) (shape={array.shape}), a minimum of {fewest} is required"
        )
    if 0 in array.shape:
        raise DataError(f"X has shape {array.shape}: there is nothing in an image")
    if shape is not None and tuple(array.shape[1:]) != tuple(shape):
        raise DataError(
            f"images of shape {tuple(array.shape[1:])}, but {tuple(shape)} in fitting; they must agree"
        )
    if array.dtype.kind == "f":
        _check_finite(array)
    elif array.dtype != np.uint8:
        if array.dtype != bool and (array.min() < 0 or array.max() > 255):
            raise DataError(f"integer images must lie in 0..255, these span {array.min()}..{array.max()}")
        array = array.astype(np.uint8)
    return array, flat


def _check_finite(X: Any) -> None:
    """Name the first NaN or infinity by its place; other faults are left to scikit-learn's own words."""
    names = getattr(X, "columns", None)
    given: Any = X
    array: Any = given.tocoo().data if sparse.issparse(X) else X
    if not isinstance(array, np.ndarray):
        try:
            array = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            return
    if array.dtype.kind != "f" or array.ndim == 0 or np.isfinite(array.sum(dtype=np.float64)):
        return
    bad = np.argwhere(~np.isfinite(array))
    if not len(bad):
        return
    first = tuple(int(i) for i in bad[0])
    value = "NaN" if np.isnan(array[first]) else "infinity"
    if sparse.issparse(X):
        coo = given.tocoo()
        first = (int(coo.row[first[0]]), int(coo.col[first[0]]))
    column = (
        f"column {names[first[1]]!r}" if names is not None and len(first) > 1 else f"column {list(first[1:])}"
    )
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    raise DataError(
        f"Input X contains {value} in row {first[0]}, {column}{more} (counted from 0): "
        "drop or impute such rows (scikit-learn's SimpleImputer) before fitting"
    )


def as_mask(mask: Any, shape: tuple[int, ...], of: str) -> NDArray[np.bool_]:
    """A mask as booleans of the shape of what it is laid over; `of` names that in the error.

    Raises:
        DataError: if it does not broadcast to the shape.
    """
    kept = np.asarray(mask, dtype=bool)
    try:
        return np.array(np.broadcast_to(kept, shape))
    except ValueError:
        raise DataError(f"mask of shape {kept.shape} does not broadcast to {of} of shape {shape}") from None


def first_rows(shape: Sequence[int], keep: float) -> NDArray[np.bool_]:
    """True in the first rows of a map `[h, w]`, or, where it has one row only, in its first columns.

    Example:
        >>> first_rows((2, 2), 0.5).tolist(), first_rows((1, 4), 0.25).tolist()
        ([[True, True], [False, False]], [[True, False, False, False]])
    """
    height, width = shape
    if height == 1:
        return (np.arange(width) < round(keep * width))[None]
    return np.broadcast_to((np.arange(height) < round(keep * height))[:, None], (height, width))
