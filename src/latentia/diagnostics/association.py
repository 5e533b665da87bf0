"""Whether groups of items go with what else is known of the items: exact permutation tests, free or in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

PERMUTATIONS = 9999
_AT_ONCE = 4_000_000  # numbers of permuted places held together

Scheme = Literal["items", "blocks", "within blocks"]


@dataclass(frozen=True)
class Association:
    """A test of groups against a column.

    Attributes:
        statistic: "chi2" or "Kruskal-Wallis H".
        value: of the statistic.
        effect_name: "Cramer's V" or "epsilon^2".
        effect: its size, from 0 to 1.
        p: share of permutations (and the data themselves) whose statistic is as large.
        n: items with a value.
        scheme: what was permuted: items; whole blocks, where the column says the same of all items of most blocks; or items within
            their blocks.
    """

    statistic: str
    value: float
    effect_name: str
    effect: float
    p: float
    n: int
    scheme: Scheme


def categorical_association(
    shares: NDArray[np.float64],
    codes: NDArray[np.int64],
    blocks: NDArray[np.int64] | None = None,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Association:
    r"""Groups against categories.

    .. math:: T_{kl} = \sum_i r_{ik} 1[c_i = l], \quad \chi^2 = \sum_{kl} \frac{(T_{kl} - T_{k.} T_{.l} / n)^2}{T_{k.} T_{.l} / n}, \quad
        V = \sqrt{\chi^2 / (n (\min(K, L) - 1))}

    Args:
        shares: r, `[n, K]`: 0 and 1 for items put into groups, p(k|x) where that is in doubt.
        codes: category of each item, `[n]`.
        blocks: number of the block of each item, `[n]`; None: items are exchangeable.
        permutations: drawn.
        seed: of the permutations.

    Source: Edgington and Onghena 2007, Randomization Tests (exact p); Cramer 1946 (V).
    """
    n, n_levels = len(codes), int(codes.max(initial=0)) + 1

    def statistic(places: NDArray[np.int64]) -> NDArray[np.float64]:
        taken = codes[places]
        table = np.stack(
            [(taken == level).astype(np.float64) @ shares for level in range(n_levels)], 2
        )  # [B, K, L]
        rows, columns = table.sum(2, keepdims=True), table.sum(1, keepdims=True)
        expected = rows * columns / n
        return np.asarray(((table - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum((1, 2)))

    value, p, scheme = _tested(statistic, codes, blocks, permutations, seed)
    smaller = min(int((shares.sum(0) > 0).sum()), len(np.unique(codes))) - 1
    effect = float(np.sqrt(value / (n * smaller))) if smaller > 0 else 0.0
    return Association("chi2", value, "Cramer's V", effect, p, n, scheme)


def numeric_association(
    shares: NDArray[np.float64],
    values: NDArray[np.float64],
    blocks: NDArray[np.int64] | None = None,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Association:
    r"""Groups against a quantity, by its ranks R (ties share theirs).

    .. math:: H = \frac{\sum_k n_k (\bar R_k - \bar R)^2}{\sum_i (R_i - \bar R)^2 / (n - 1)}, \quad n_k = \sum_i r_{ik}, \quad
        \epsilon^2 = H / (n - 1)

    Args:
        shares: r, `[n, K]`, as in `categorical_association`.
        values: of the quantity, `[n]`.
        blocks: as there.
        permutations: drawn.
        seed: of the permutations.

    Source: Kruskal and Wallis 1952; Kelley 1935 (epsilon squared).
    """
    n = len(values)
    centred = rankdata(values) - (n + 1) / 2
    mass = shares.sum(0)

    def statistic(places: NDArray[np.int64]) -> NDArray[np.float64]:
        ranks = centred[places]
        ranks = ranks - ranks.mean(1, keepdims=True)
        sums, spread = ranks @ shares, (ranks**2).sum(1) / max(n - 1, 1)
        return np.asarray((sums**2 / np.where(mass > 0, mass, 1.0)).sum(1) / np.maximum(spread, 1e-300))

    value, p, scheme = _tested(statistic, values, blocks, permutations, seed)
    return Association("Kruskal-Wallis H", value, "epsilon^2", value / max(n - 1, 1), p, n, scheme)


def _tested(
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    column: NDArray[np.int64] | NDArray[np.float64],
    blocks: NDArray[np.int64] | None,
    permutations: int,
    seed: int,
) -> tuple[float, float, Scheme]:
    """Value of the statistic, its p, and what was permuted."""
    scheme = scheme_of(column, blocks)
    observed = float(statistic(np.arange(len(column))[None])[0])
    as_large = sum(
        int((statistic(places) >= observed * (1 - 1e-12)).sum())
        for places in permuted(len(column), blocks, scheme, permutations, seed)
    )
    return observed, (1 + as_large) / (1 + permutations), scheme


def scheme_of(column: NDArray[np.int64] | NDArray[np.float64], blocks: NDArray[np.int64] | None) -> Scheme:
    """What is permuted: whole blocks, where the column is the same in at least half of those with several items; else items within them.

    Example:
        >>> owner = np.array([0, 0, 1])
        >>> scheme_of(np.array([1, 1, 2]), owner), scheme_of(np.array([1, 3, 2]), owner)
        ('blocks', 'within blocks')
    """
    if blocks is None or len(np.unique(blocks)) == len(blocks):
        return "items"
    constant = [
        len(np.unique(column[blocks == block])) == 1
        for block, size in zip(*np.unique(blocks, return_counts=True), strict=True)
        if size > 1
    ]
    return "blocks" if 2 * sum(constant) >= len(constant) else "within blocks"


def permuted(
    n: int, blocks: NDArray[np.int64] | None, scheme: Scheme, permutations: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Places `[B, n]` from which each item takes its value, some permutations at a time."""
    random = np.random.default_rng(seed)
    size = max(1, _AT_ONCE // max(n, 1))
    for start in range(0, permutations, size):
        count = min(size, permutations - start)
        if scheme == "items" or blocks is None:
            yield random.permuted(np.broadcast_to(np.arange(n), (count, n)), axis=1)
            continue
        _, owner, sizes = np.unique(blocks, return_inverse=True, return_counts=True)
        sorted_once = np.argsort(owner, kind="stable")
        if (
            scheme == "blocks"
        ):  # an item takes the value of its own place in the other block; of a smaller block, round and round
            starts = np.cumsum(sizes) - sizes
            place = np.empty(n, dtype=np.int64)
            place[sorted_once] = np.arange(n) - np.repeat(starts, sizes)
            order = random.permuted(np.broadcast_to(np.arange(len(sizes)), (count, len(sizes))), axis=1)
            source = order[:, owner]
            yield sorted_once[starts[source] + place % sizes[source]]
            continue
        shuffled = np.argsort(owner + random.uniform(size=(count, n)), axis=1)
        places = np.empty((count, n), dtype=np.int64)
        places[:, sorted_once] = shuffled
        yield places
