"""Weights that a person gives rows: checked, and laid out beside the rows of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.items import length
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice

Weights = NDArray[np.float64]


def check_weights(sample_weight: Any, n: int) -> Weights:
    """Weights as float64 `[n]`; a scalar is that of every row.

    Raises:
        DataError: on what is no number, a wrong shape, NaN, a negative weight, or all zero.
    """
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"sample_weight is not made of numbers ({error}); a number for each row was expected"
        ) from None
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.ndim != 1:
        raise DataError(f"sample_weight has {weights.ndim} dimensions; a 1D array or a scalar was expected")
    if weights.shape != (n,):
        raise DataError(f"sample_weight.shape == {weights.shape}, expected {(n,)}")
    if not np.isfinite(weights).all():
        raise DataError(
            f"sample_weight holds NaN or infinity at row {int(np.flatnonzero(~np.isfinite(weights))[0])}"
        )
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        raise DataError(
            f"sample_weight is negative ({weights[row]:g}) at row {row}; weights of at least 0 were expected"
        )
    if not weights.any():
        raise DataError("sample_weight is zero for every row; at least one positive weight was expected")
    return weights


def weighed_rows(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Weights | None]:
    """Rows, classes and weights of a fit: rows of weight 0 are left out; weights that are all alike are none.

    Args:
        X: as a person gave them, `[n, ...]`.
        y: classes `[n]`, or None.
        sample_weight: of each row; None: all count alike.

    Raises:
        DataError: for weights that are none; see `check_weights`.

    >>> weighed_rows(np.array([[1.0], [2.0], [3.0]]), None, [0.0, 1.0, 3.0])
    (array([[2.],
           [3.]]), None, array([1., 3.]))
    """
    if sample_weight is None:
        return X, y, None
    weights = check_weights(sample_weight, length(X))
    there = np.flatnonzero(weights)
    if len(there) < len(weights):
        X, y, weights = _taken(X, there), None if y is None else _taken(y, there), weights[there]
    return X, y, None if (weights == weights[0]).all() else weights


def _taken(values: Any, rows: NDArray[np.int64]) -> Any:
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if sparse.issparse(values):
        matrix: Any = values
        return matrix.tocsr()[rows]
    if isinstance(values, list | tuple):
        return [values[i] for i in rows]
    return values[rows] if hasattr(values, "__getitem__") else np.asarray(values)[rows]


def split_weights(estimator: Any, weight: Weights | None) -> tuple[Weights | None, Weights | None]:
    """Weights of the training rows and of those held out, as `NetworkEstimator._split` parts them; None: all alike."""
    return (None, None) if weight is None else estimator._split(weight, estimator.seed_)


def mean_score(scores: Weights, sample_weight: Any = None) -> float:
    """Mean of the scores that are defined, each as often as its weight says.

    >>> mean_score(np.array([1.0, 4.0, np.nan]), [2, 1, 5])
    2.0
    """
    scores = np.asarray(scores, dtype=np.float64)
    if sample_weight is None:
        return float(np.nanmean(scores))
    weights = check_weights(sample_weight, len(scores))
    told = ~np.isnan(scores) & (weights > 0)
    return float(np.average(scores[told], weights=weights[told])) if told.any() else float("nan")


def told_weights(weight: Weights | None) -> list[Choice]:
    """How unlike the weights are, in words: Kish's effective number of rows is (sum w)^2 / sum w^2."""
    if weight is None:
        return []
    share = weight / weight.max()
    reason = f"{len(weight)} rows that tell as much as {share.sum() ** 2 / np.square(share).sum():.4g} of equal weight"
    return [Choice("sample_weight", "given", reason)]


def refuse_weights(sample_weight: Any, name: str) -> None:
    """Raise `ConfigError` for weights of items that a kind of model does not weigh."""
    if sample_weight is not None:
        raise ConfigError(
            f"{name} takes no sample_weight: VAE, VQVAE, AutoregressiveModel and the mixtures do; leave it out, or repeat items"
        )
