"""Where EM starts: k-means, k-means++ seeds, random rows, random responsibilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans, kmeans_plusplus
from torch import Tensor

from latentia.mixture.components import Components
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.rows import Chunk, Rows
from latentia.registry import Registry

# k-means sees at most this many numbers: the start need not be exact, and memory must not grow with n.
_SEED_NUMBERS = 8_000_000
_SEED_ROWS = 200_000

Centres = Callable[[np.ndarray, np.ndarray | None, int, np.random.RandomState], np.ndarray]


def _kmeans(x: np.ndarray, weights: np.ndarray | None, k: int, random: np.random.RandomState) -> np.ndarray:
    return np.asarray(KMeans(k, n_init=1, random_state=random).fit(x, sample_weight=weights).cluster_centers_)


def _plusplus(x: np.ndarray, weights: np.ndarray | None, k: int, random: np.random.RandomState) -> np.ndarray:
    return np.asarray(kmeans_plusplus(x, k, sample_weight=weights, random_state=random)[0])


def _random_rows(
    x: np.ndarray, weights: np.ndarray | None, k: int, random: np.random.RandomState
) -> np.ndarray:
    share = None if weights is None else weights / weights.sum()
    return np.asarray(x[random.choice(len(x), size=k, replace=False, p=share)])


STARTS: Registry[Centres | None] = Registry("init_params")
STARTS.add("kmeans", _kmeans)
STARTS.add("k-means++", _plusplus)
STARTS.add("random_from_data", _random_rows)
STARTS.add("random", None)


def initialize(components: Components, rows: Rows, method: str, random: np.random.RandomState) -> None:
    """Put the components at a start drawn by `method`.

    "kmeans", "k-means++" and "random_from_data" choose K centres among (a sample of) the rows, give each row to its
    nearest centre and update from that; "random" draws responsibilities uniformly (each row's sum is 1). Count
    tables are compared as proportions, as Holmes, Harris & Quince (2012) do.

    Args:
        components: prepared components; their parameters are replaced.
        rows: the data.
        method: a name in `STARTS`.
        random: source of chance; the same state gives the same start.
    """
    choose = STARTS[method]
    proportions = components.family in ("multinomial", "dirichlet-multinomial")
    centres: Tensor | None = None
    if choose is not None and components.n_components > 1:
        index = rows.spread(min(_SEED_ROWS, max(components.n_components, _SEED_NUMBERS // rows.n_features)))
        x = rows.take(index)
        weights = None if rows.weights is None else rows.weights.cpu().numpy()[index].astype(np.float64)
        found = choose(_as_proportions(x) if proportions else x, weights, components.n_components, random)
        centres = torch.as_tensor(found, dtype=torch.float64, device=rows.device)
    if isinstance(components, GaussianComponents):
        components.refer_to(centres)
    components.update(hard_statistics(components, rows, centres, random, proportions=proportions))


def hard_statistics(
    components: Components,
    rows: Rows,
    centres: Tensor | None,
    random: np.random.RandomState,
    *,
    proportions: bool = False,
) -> Tensor:
    """Statistics `[K, F]` of rows given to their nearest centre, or of random responsibilities without centres."""
    k = components.n_components
    statistics = torch.zeros(k, components.n_statistics, dtype=torch.float64, device=rows.device)
    for chunk in components.chunks(rows):
        if centres is not None:
            label = _nearest(chunk, centres, proportions=proportions)
            share = torch.nn.functional.one_hot(label, k).T.to(rows.dtype)
        else:
            drawn = random.uniform(size=(len(chunk), k))
            drawn /= drawn.sum(1, keepdims=True)
            share = torch.as_tensor(drawn.T, dtype=rows.dtype, device=rows.device)
        if chunk.weights is not None:
            share = share * chunk.weights
        statistics += components.statistics(components.encode(chunk), share.contiguous())
    return statistics


def _nearest(chunk: Chunk, centres: Tensor, *, proportions: bool) -> Tensor:
    """Number of the nearest centre of each row, `[B]`."""
    if isinstance(chunk.stored, Tensor):
        x = _as_proportions(chunk.stored) if proportions else chunk.stored
        return torch.cdist(x.to(torch.float64), centres).argmin(1)
    inner = torch.from_numpy(chunk.stored @ centres.T.contiguous().numpy())
    if proportions:
        inner = _as_proportions(inner, chunk.totals()[:, None])
    return (centres.square().sum(1) - 2 * inner).argmin(1)


def _as_proportions(x: Any, total: Any = None) -> Any:
    """Rows over their totals; a row without any count stays zero."""
    total = x.sum(1)[:, None] if total is None else total
    return x / (total + (total == 0))
