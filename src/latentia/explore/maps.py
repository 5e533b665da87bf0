"""Codes on a flat sheet: the plane of their main directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.explore.protocol import as_codes


@dataclass(frozen=True)
class PrincipalMap:
    """Codes by their main directions.

    Attributes:
        points: coordinates of the codes, `[n, k]`.
        directions: orthonormal, `[k, D]`; each with its largest entry positive, so that maps repeat.
        centre: mean code, `[D]`.
        explained: share of the codes' variance along each direction, `[k]`; 0 where there is none.
    """

    points: NDArray[np.float64]
    directions: NDArray[np.float64]
    centre: NDArray[np.float64]
    explained: NDArray[np.float64]


def principal_map(codes: Any, k: int = 2) -> PrincipalMap:
    """The projection of codes `[n, D]` on their k main directions (principal component analysis).

    Raises:
        ConfigError: unless 1 <= k <= D.

    >>> principal_map([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]], k=1).points.ravel().tolist()
    [-2.0, 0.0, 2.0]
    """
    codes = as_codes(codes, "codes")
    if not 1 <= k <= codes.shape[1]:
        raise ConfigError(
            f"k={k}: codes of {codes.shape[1]} dimensions have 1 to {codes.shape[1]} directions"
        )
    centre = codes.mean(axis=0)
    centred = codes - centre
    variance, directions = np.linalg.eigh(centred.T @ centred / len(codes))
    order = np.argsort(-variance, kind="stable")[:k]
    directions = directions[:, order].T
    largest = directions[np.arange(k), np.abs(directions).argmax(axis=1)]
    directions *= np.where(largest < 0, -1.0, 1.0)[:, None]
    total = np.maximum(variance, 0).sum()
    explained = np.maximum(variance[order], 0) / total if total > 0 else np.zeros(k)
    return PrincipalMap(centred @ directions.T, directions, centre, explained)
