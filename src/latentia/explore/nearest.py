"""The items whose codes are nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError
from latentia.explore.protocol import as_codes


@dataclass(frozen=True)
class Neighbours:
    """The nearest codes of each query, nearest first.

    Attributes:
        indices: rows of the codes that were searched, `[n, k]`.
        distances: Euclidean, `[n, k]`.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]


def neighbours(codes: Any, queries: Any = None, k: int = 8) -> Neighbours:
    """The k nearest of `codes` to each query.

    Args:
        codes: to search among, `[n, D]`.
        queries: `[m, D]`; None: the codes themselves, none of which is then its own neighbour.
        k: at least 1; at most the number of codes there are to be found.

    Raises:
        ConfigError: for a k outside that range.
        DataError: if codes and queries differ in D.

    >>> neighbours([[0.0], [1.0], [5.0]], [[0.9]], k=2).indices.tolist()
    [[1, 0]]
    """
    from sklearn.neighbors import NearestNeighbors

    codes = as_codes(codes, "codes")
    if queries is not None:
        queries = as_codes(queries, "queries")
        if queries.shape[1] != codes.shape[1]:
            raise DataError(
                f"queries have {queries.shape[1]} dimensions, the codes {codes.shape[1]}; they must agree"
            )
    most = len(codes) - (queries is None)
    if not 1 <= k <= most:
        raise ConfigError(f"k={k}: there are {most} codes to be neighbours, give 1 to {most}")
    distances, indices = NearestNeighbors(n_neighbors=k).fit(codes).kneighbors(queries)
    return Neighbours(indices.astype(np.int64), distances)
