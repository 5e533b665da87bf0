"""One dimension of a code after another, from low to high, all others held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError
from latentia.explore.arranged import arranged
from latentia.explore.interpolation import steps_between
from latentia.explore.protocol import Coder, as_code, as_codes


@dataclass(frozen=True)
class Traversal:
    """What single dimensions do.

    Attributes:
        dims: which dimensions, `[K]`.
        values: what each was set to, `[K, steps]`.
        items: decodings, `[K, steps, *event]`; of a table of unlike columns a frame with an index of both.
    """

    dims: NDArray[np.int64]
    values: NDArray[np.float64]
    items: NDArray[Any]


def traverse(
    estimator: Coder, codes: Any, *, start: Any = None, dims: Any = None, steps: int = 7, reach: float = 0.02
) -> Traversal:
    """Decode codes that differ from `start` in one dimension alone.

    Each dimension goes over the range that it has in data, between its quantiles `reach` and 1 - `reach`: a range
    of the prior, -3 to 3 say, would lead past the data in models whose codes do not fill it.

    Args:
        estimator: fitted.
        codes: of data, `[n, D]`: for the ranges.
        start: the code to start from, `[D]`; None: the median of `codes`.
        dims: which dimensions, `[K]`; None: all, the most varied first.
        steps: values of each, at least 2.
        reach: in [0, 0.5).

    Raises:
        ConfigError: for dimensions that there are not, or a reach or number of steps outside its range.

    Source: Higgins et al. 2017, figures 1 to 4.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> from sklearn.decomposition import PCA
        >>> X = load_wine().data
        >>> pca = PCA(2).fit(X)
        >>> traverse(pca, pca.transform(X), steps=5).items.shape
        (2, 5, 13)
    """
    codes = as_codes(codes, "codes")
    start = np.median(codes, axis=0) if start is None else as_code(start, "start")
    if len(start) != codes.shape[1]:
        raise DataError(f"start has {len(start)} dimensions, the codes {codes.shape[1]}; they must agree")
    if not 0 <= reach < 0.5:
        raise ConfigError(
            f"reach={reach} must lie in [0, 0.5): the quantiles reach and 1 - reach are the ends"
        )
    times = steps_between(steps, "steps")
    if dims is None:
        dims = np.argsort(-codes.std(axis=0), kind="stable")
    dims = np.atleast_1d(np.asarray(dims, dtype=np.int64))
    if dims.size == 0 or dims.min() < 0 or dims.max() >= codes.shape[1]:
        raise ConfigError(f"dims={dims.tolist()}: the codes have dimensions 0 to {codes.shape[1] - 1}")
    low, high = np.quantile(codes[:, dims], [reach, 1 - reach], axis=0)
    values = low[:, None] + (high - low)[:, None] * times
    path = np.tile(start, (len(dims), steps, 1))
    path[np.arange(len(dims)), :, dims] = values
    items = estimator.inverse_transform(path.reshape(-1, codes.shape[1]))
    return Traversal(dims, values, arranged(items, (len(dims), steps), ("traversal", "step")))
