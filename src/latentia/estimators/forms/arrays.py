"""What a person may hand to an estimator, checked and made into one NumPy array `[n, d]` or `[n, C, H, W]`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from latentia.data.given import check_frame, plain_data
from latentia.data.items import Mixed
from latentia.data.pictures import Axes, ChannelsFirst, axes_of, in_order, on_one_scale
from latentia.data.validated import validated
from latentia.errors import DataError
from latentia.estimators.forms.unlike import Unlike, read_later, unlike
from latentia.training.sparse import SparseRows


class Given(NamedTuple):
    """What a person handed over, as one array.

    Attributes:
        rows: `[n, d]`, or images `[n, C, H, W]`; of a sparse matrix they are dense where `np.asarray` is taken of some.
        sparse: whether they came as a sparse matrix.
        axes: where images had their channels.
        unlike: what the columns of rows of unlike kinds are, in a fit; their rows have NaN where a cell is missing.
        weight: how often each row counts, in a fit; None: all alike.
    """

    rows: NDArray[Any]
    sparse: bool = False
    axes: Axes = "first"
    unlike: Unlike | None = None
    weight: NDArray[np.float64] | None = None


def as_rows(estimator: Any, X: Any, *, reset: bool, channels: str = "auto", dense: bool = False) -> Given:
    """The rows of X, checked against what the estimator was fitted to (or, with `reset`, noted on it).

    Args:
        estimator: gets `n_features_in_` (and `feature_names_in_`) by scikit-learn's rule; what it was fitted to stands in its form.
        X: NumPy, torch, pandas, nested lists or SciPy sparse `[n, d]`; images `[n, C, H, W]`, `[n, H, W, C]` or `[n, H, W]`.
        reset: whether this is a fit.
        channels: in a fit, where images have their channels (`latentia.data.pictures`).
        dense: give rows of a sparse matrix as an array, not as `SparseRows`.

    Raises:
        DataError: NaN or infinity (with row and column), no rows, rows of another shape or on another scale than in fitting.
    """
    X = X if isinstance(X, Mixed) else plain_data(X)
    if getattr(estimator, "takes_columns", False):
        found = _columns(estimator, X, reset)
        if found is not None:
            return found
    if not reset:
        check_is_fitted(estimator)
    form = None if reset else form_of(estimator)
    if getattr(X, "ndim", 2) >= 3 and not sparse.issparse(X):
        given = images_of(X, form, fewest=2 if reset else 1, channels=channels)
        if reset:
            estimator.n_features_in_ = math.prod(given.rows.shape[1:])
        return given
    if form is not None and len(form.event_shape) == 3:
        raise DataError(
            f"X of shape {np.shape(X)} holds no images of shape {form.event_shape}, as in fitting"
        )
    check_frame(X)
    _check_finite(X)
    rows = validated(
        estimator, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_min_samples=2 if reset else 1
    )
    was_sparse = sparse.issparse(rows)
    if rows.dtype == bool and not was_sparse:
        rows = rows.astype(np.uint8)
    there: Any = SparseRows(rows) if was_sparse else rows
    # sums depend on the order in which numbers lie
    rows = there if was_sparse and not dense else np.ascontiguousarray(there)
    return Given(rows if form is None else form.like_before(rows, column_names(estimator)), sparse=was_sparse)


def form_of(estimator: Any) -> Any:
    """What stands between the items of a fitted estimator and its model; None where there is none yet."""
    return next(
        (getattr(estimator, name) for name in ("form_", "levels_", "layout_") if hasattr(estimator, name)),
        None,
    )


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


def column_names(estimator: Any) -> list[str] | None:
    """Names of the columns that an estimator was fitted to, if they had names."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def images_of(X: Any, form: Any, fewest: int, channels: str = "auto") -> Given:
    """Images `[n, C, H, W]`, on the scale of those in fitting.

    Args:
        X: images `[n, C, H, W]`, `[n, H, W, C]` or `[n, H, W]`; after fitting also rows of as many numbers.
        form: has `event_shape`, `axes` and `like_before` of the images in fitting; None: this is a fit.
        fewest: images that there must be.
        channels: in a fit, where the channels are.

    Raises:
        DataError: no images, or of another shape or on another scale than in fitting.
    """
    channels = "first" if isinstance(X, ChannelsFirst) else channels
    array = np.asarray(X)
    if array.dtype.kind not in "uifb":
        raise DataError(f"images of type {array.dtype} cannot be used; give uint8, or floats in [0, 1]")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    shape = None if form is None else tuple(form.event_shape)
    if array.ndim == 2 and shape is not None:
        array = _unflattened(array, shape, form.axes)
    if array.ndim not in (3, 4):
        raise DataError(
            f"X has {array.ndim} dimensions; expected [n, d], [n, H, W], [n, C, H, W] or [n, H, W, C]"
        )
    if len(array) < fewest:
        raise DataError(
            f"X has {len(array)} sample(s) (shape={array.shape}), a minimum of {fewest} is required"
        )
    if 0 in array.shape:
        raise DataError(f"X has shape {array.shape}: there is nothing in an image")
    axes = (
        axes_of(tuple(array.shape), "X", channels)
        if form is None
        else _axes_like(array.shape, tuple(form.event_shape), form.axes)
    )
    if array.dtype.kind == "f":
        _check_finite(array)
    given, array = array.dtype, on_one_scale(in_order(array, axes))
    return Given(array if form is None else form.like_before(array, None, given), axes=axes)


def _unflattened(rows: NDArray[Any], shape: tuple[int, ...], axes: Axes) -> NDArray[Any]:
    """Rows of numbers as images in the order that those in fitting had."""
    if rows.shape[1] != math.prod(shape):
        raise DataError(
            f"rows of {rows.shape[1]} numbers, but images of shape {shape} in fitting; they must agree"
        )
    channels, height, width = shape
    return rows.reshape(
        -1, *{"first": shape, "last": (height, width, channels), "flat": (height, width)}[axes]
    )


def _axes_like(given: tuple[int, ...], shape: tuple[int, ...], axes: Axes) -> Axes:
    """Where images have their channels, if they are of a shape that is known; as before, where both could be."""
    if len(shape) != 3:
        raise DataError(
            f"X of shape {tuple(given)} holds images; the model was fitted to rows of {math.prod(shape)} numbers"
        )
    channels, height, width = shape
    shapes: dict[Axes, tuple[int, ...]] = {"first": shape, "last": (height, width, channels)}
    if channels == 1:
        shapes["flat"] = (height, width)
    for each in (axes, *shapes):
        if shapes.get(each) == tuple(given[1:]):
            return each
    raise DataError(f"images of shape {tuple(given[1:])}, but {shape} in fitting; they must agree")


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
