"""Where EM starts: k-means, k-means++ seeds, random rows, random responsibilities."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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

Shares = Callable[[Chunk], Tensor]  # responsibilities [K, B] of a chunk
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
    tables are compared as proportions, as Holmes, Harris & Quince (2012) do, and their rows are put in an order of their
    own first, so that a seed means the same start however a table of samples is sorted. (Gaussians start as scikit-learn's do.)

    Args:
        components: prepared components; their parameters are replaced.
        rows: the data.
        method: a name in `STARTS`.
        random: source of chance; the same state gives the same start.
    """
    choose, k = STARTS[method], components.n_components
    proportions = components.family in ("multinomial", "dirichlet-multinomial")
    centres: Tensor | None = None
    order: np.ndarray | None = None
    index = rows.spread(min(_SEED_ROWS, max(k, _SEED_NUMBERS // rows.n_features)))
    if k > 1 and (proportions or choose is not None):
        x = _without_gaps(rows.take(index)) if components.gaps else rows.take(index)
        weights = None if rows.weights is None else rows.weights.cpu().numpy()[index].astype(np.float64)
        if proportions:
            order = _own_order(x)
            x, weights = _as_proportions(x[order]), None if weights is None else weights[order]
        if choose is not None:
            found = choose(x, weights, k, random)
            centres = torch.as_tensor(found, dtype=torch.float64, device=rows.device)
    if isinstance(components, GaussianComponents):
        components.refer_to(centres)
    if centres is None:
        share = _random_shares(
            rows, k, random, order if order is not None and len(order) == rows.n_rows else None
        )
    else:
        share = partial(_hard_shares, centres=centres, proportions=proportions)
    components.update(_statistics(components, rows, share))


def _without_gaps(x: np.ndarray) -> np.ndarray:
    """Rows with the means of their columns in the gaps: what centres are chosen among."""
    seen = ~np.isnan(x)
    mean = np.where(seen, x, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
    return np.where(seen, x, mean)


def _own_order(x: np.ndarray) -> np.ndarray:
    """An order of rows `[n]` that depends on what they hold alone: that of their bytes."""
    x = np.ascontiguousarray(x) + 0.0  # -0.0 and 0.0 are one value
    return x.view(np.dtype((np.void, x.itemsize * x.shape[1])))[:, 0].argsort(kind="stable")


def _statistics(components: Components, rows: Rows, share: Shares) -> Tensor:
    """Statistics `[K, F]` under given responsibilities of each chunk, `[K, B]` float64."""
    shape = components.n_components, components.n_statistics
    statistics = torch.zeros(shape, dtype=torch.float64, device=rows.device)
    for chunk in components.chunks(rows):
        given = share(chunk).to(rows.dtype)
        given = given if chunk.weights is None else given * chunk.weights
        statistics += components.statistics(components.encode(chunk), given.contiguous())
    return statistics


def _random_shares(rows: Rows, k: int, random: np.random.RandomState, order: np.ndarray | None) -> Shares:
    """Uniform responsibilities, drawn row after row, or for all rows in a given order."""

    def draw(n: int) -> np.ndarray:
        drawn = random.uniform(size=(n, k))
        return np.asarray(drawn / drawn.sum(1, keepdims=True))

    if order is None:
        return lambda chunk: torch.as_tensor(draw(len(chunk)).T, device=rows.device)
    every = np.empty((rows.n_rows, k))
    every[order] = draw(rows.n_rows)
    return lambda chunk: torch.as_tensor(every[chunk.start : chunk.start + len(chunk)].T, device=rows.device)


def _hard_shares(chunk: Chunk, *, centres: Tensor, proportions: bool) -> Tensor:
    """Each row to its nearest centre."""
    label = _nearest(chunk, centres, proportions=proportions)
    return torch.nn.functional.one_hot(label, len(centres)).T


def _nearest(chunk: Chunk, centres: Tensor, *, proportions: bool) -> Tensor:
    """Number of the nearest centre of each row over its observed cells, `[B]`."""
    if isinstance(chunk.stored, Tensor):
        x = _as_proportions(chunk.stored) if proportions else chunk.stored
        if bool((missing := x.isnan()).any()):
            seen = (~missing).double()
            return (seen @ centres.square().T - 2 * x.nan_to_num().double() @ centres.T).argmin(1)
        return torch.cdist(x.to(torch.float64), centres).argmin(1)
    inner = torch.from_numpy(chunk.stored @ centres.T.contiguous().numpy())
    if proportions:
        inner = _as_proportions(inner, chunk.totals()[:, None])
    return (centres.square().sum(1) - 2 * inner).argmin(1)


def _as_proportions(x: Any, total: Any = None) -> Any:
    """Rows over their totals; a row without any count stays zero."""
    total = x.sum(1)[:, None] if total is None else total
    return x / (total + (total == 0))
