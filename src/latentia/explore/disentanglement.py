"""How far single latent dimensions stand for single factors of variation: MIG, SAP, DCI and the FactorVAE score.

All take codes `[n, D]` and the factors `[n, K]` that made the items, as whole numbers. All lie in [0, 1], 1 being perfect; a
code of chance has MIG, SAP and DCI near 0, and a FactorVAE score near 1/K.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError
from latentia.explore.protocol import as_codes

Represent = Callable[[NDArray[np.int64]], NDArray[Any]]
"""Codes `[n, D]` of items that are made with given factors `[n, K]`."""

_COLLAPSED = (
    0.05  # of the largest variance: below, a dimension is taken to be noise (Kim and Mnih prune such)
)


@dataclass(frozen=True)
class DCI:
    """Of Eastwood and Williams 2018, each in [0, 1].

    Attributes:
        disentanglement: whether each dimension stands for at most one factor.
        completeness: whether each factor stands in one dimension.
        informativeness: how well factors are predicted on items held out: mean over factors of R^2, for
            categories of accuracy above that of guessing, as a share of the possible.
        importance: `[D, K]`, columns sum to 1 (or 0).
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: NDArray[np.float64]


@dataclass(frozen=True)
class Disentanglement:
    """All scores; see `mig`, `sap`, `dci` and `factor_vae_score`."""

    mig: float
    sap: float
    disentanglement: float
    completeness: float
    informativeness: float
    factor_vae: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Names and scores."""
        return asdict(self)


def disentanglement_scores(
    codes: Any,
    factors: Any,
    *,
    categorical: Sequence[int] = (),
    represent: Represent | None = None,
    levels: Sequence[int] | None = None,
    seed: int = 0,
) -> Disentanglement:
    """All scores of a code.

    Args:
        codes: `[n, D]`, some thousands.
        factors: `[n, K]`.
        categorical: which factors have no order (the shape of a sprite).
        represent: codes of new items of given factors: for the FactorVAE score, which is left out without.
        levels: how many levels each factor has, for the same.
        seed: of splits, forests and draws.
    """
    parts = dci(codes, factors, categorical=categorical, seed=seed)
    vote = None
    if represent is not None:
        if levels is None:
            raise ConfigError("represent draws new factors: give the number of their levels as levels=[...]")
        vote = factor_vae_score(represent, levels, seed=seed)
    return Disentanglement(
        mig=mig(codes, factors),
        sap=sap(codes, factors, categorical=categorical, seed=seed),
        disentanglement=parts.disentanglement,
        completeness=parts.completeness,
        informativeness=parts.informativeness,
        factor_vae=vote,
    )


def mig(codes: Any, factors: Any, bins: int = 20) -> float:
    r"""Mutual information gap: the lead of the dimension that knows a factor best, averaged over factors.

    .. math:: \frac1K \sum_k \frac{I(z_{j_k}; v_k) - \max_{j \ne j_k} I(z_j; v_k)}{H(v_k)}

    with the mutual information of counts, each dimension cut into `bins` intervals of equal width (as in Locatello et al.
    2019). The bias of such counts, about (bins - 1)(levels - 1)/2n nats, is alike for all dimensions and cancels in the gap.

    Source: Chen, Li, Grosse and Duvenaud 2018, eq. 6.

    >>> v = np.random.default_rng(0).integers(0, 4, size=(2000, 2))
    >>> round(mig(v.astype(float), v), 2)
    1.0
    """
    codes, factors = _pair(codes, factors)
    if bins < 2:
        raise ConfigError(f"bins={bins}: at least 2 are needed")
    gaps = []
    cut = [_binned(column, bins) for column in codes.T]
    for factor in factors.T:
        _, factor = np.unique(factor, return_inverse=True)
        entropy = _entropy(np.bincount(factor))
        if entropy == 0:
            continue
        known = np.sort([_mutual_information(column, factor) for column in cut])[::-1]
        second = known[1] if len(known) > 1 else 0.0
        gaps.append((known[0] - second) / entropy)
    return float(np.mean(gaps)) if gaps else 0.0


def sap(codes: Any, factors: Any, *, categorical: Sequence[int] = (), seed: int = 0) -> float:
    r"""Separated attribute predictability: how far the best single dimension leads in predicting a factor.

    A dimension's score is :math:`\mathrm{Cov}(z_j, v_k)^2 / (\mathrm{Var} z_j \mathrm{Var} v_k)`, the R^2 of a line; for
    categories, the balanced accuracy of thresholds on the dimension (a tree of two leaves for each) on items held out, from
    guessing (0) to perfect (1). The gap between the two best dimensions is averaged over factors.

    Source: Kumar, Sattigeri and Balakrishnan 2018, section 3.

    >>> v = np.random.default_rng(0).integers(0, 4, size=(2000, 2))
    >>> sap(v.astype(float), v) > 0.99
    True
    """
    codes, factors = _pair(codes, factors)
    _check_categorical(categorical, factors.shape[1])
    order = np.random.default_rng(seed).permutation(len(codes))
    gaps = []
    for k, factor in enumerate(factors.T):
        if factor.min() == factor.max():
            continue
        score = _threshold_score if k in categorical else _squared_correlation
        known = np.sort([score(column[order], factor[order]) for column in codes.T])[::-1]
        gaps.append(known[0] - (known[1] if len(known) > 1 else 0.0))
    return float(np.mean(gaps)) if gaps else 0.0


def dci(codes: Any, factors: Any, *, categorical: Sequence[int] = (), seed: int = 0) -> DCI:
    r"""Disentanglement, completeness and informativeness by the importances of random forests.

    A forest predicts each factor from all dimensions; R_jk is the importance of dimension j for factor k. With
    :math:`P_{jk} = R_{jk} / \sum_k R_{jk}`, disentanglement is :math:`\sum_j \rho_j (1 - H_K(P_{j\cdot}))`, entropies to the
    base K, :math:`\rho_j` the share of j in all importance; completeness is the same by columns.

    Source: Eastwood and Williams 2018, section 2 (random forests as in their appendix).
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    codes, factors = _pair(codes, factors)
    _check_categorical(categorical, factors.shape[1])
    order = np.random.default_rng(seed).permutation(len(codes))
    train, test = np.split(order, [max(1, 3 * len(order) // 4)])
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    informative = []
    for k, factor in enumerate(factors.T):
        if factor.min() == factor.max():
            continue
        forest = (RandomForestClassifier if k in categorical else RandomForestRegressor)(
            n_estimators=30, max_features=None, min_samples_leaf=5, max_depth=12, random_state=seed
        ).fit(codes[train], factor[train])
        importance[:, k] = forest.feature_importances_
        score = float(forest.score(codes[test], factor[test]))
        if k in categorical:
            guess = float(np.bincount(np.unique(factor[test], return_inverse=True)[1]).max() / len(test))
            score = (score - guess) / max(1 - guess, 1e-12)
        informative.append(max(0.0, score))
    return DCI(
        disentanglement=_concentration(importance),
        completeness=_concentration(importance.T),
        informativeness=float(np.mean(informative)) if informative else 0.0,
        importance=importance,
    )


def factor_vae_score(
    represent: Represent, levels: Sequence[int], *, votes: int = 800, per_vote: int = 64, seed: int = 0
) -> float:
    """Whether the dimension that varies least among items that share a factor tells which factor that is.

    For each vote a factor is drawn and held at one level while all others vary over `per_vote` items; the vote is for the
    dimension whose variance, relative to that over all items, is least. A table from dimensions to factors, by majority, is
    made from half of the votes; the score is its accuracy on the other half. Chance is about 1/K.

    Args:
        represent: codes of items of given factors.
        levels: how many levels each factor has, `[K]`; one with a single level is not drawn.
        votes: in all.
        per_vote: items.
        seed: of the draws.

    Source: Kim and Mnih 2018, section 4.

    >>> factor_vae_score(lambda factors: factors.astype(float), levels=(4, 5), votes=40)
    1.0
    """
    random = np.random.default_rng(seed)
    usable = [k for k, count in enumerate(levels) if count > 1]
    if not usable or votes < 2 or per_vote < 2:
        raise ConfigError(
            f"levels={list(levels)}, votes={votes}, per_vote={per_vote}: a factor of two levels, two votes and two "
            "items for each are the least there must be"
        )
    spread = as_codes(represent(random.integers(0, levels, size=(5000, len(levels)))), "codes").var(axis=0)
    alive = np.flatnonzero(spread > _COLLAPSED * spread.max())
    if not len(alive):
        return 1 / len(usable)
    held = random.choice(usable, size=votes)
    factors = random.integers(0, levels, size=(votes, per_vote, len(levels)))
    rows = np.arange(votes)
    factors[rows, :, held] = factors[rows, 0, held][:, None]
    codes = as_codes(represent(factors.reshape(-1, len(levels))), "codes").reshape(votes, per_vote, -1)
    winner = (codes.var(axis=1)[:, alive] / spread[alive]).argmin(axis=1)
    table = np.zeros((len(alive), len(levels)))
    np.add.at(table, (winner[: votes // 2], held[: votes // 2]), 1)
    return float((table.argmax(axis=1)[winner[votes // 2 :]] == held[votes // 2 :]).mean())


def _pair(codes: Any, factors: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    codes, given = as_codes(codes, "codes"), np.asarray(factors)
    if given.ndim != 2 or len(given) != len(codes) or given.dtype.kind not in "iub":
        raise DataError(
            f"factors have shape {list(given.shape)} and type {given.dtype}; expected whole numbers [{len(codes)}, K]"
        )
    return codes, given.astype(np.int64)


def _check_categorical(categorical: Sequence[int], n_factors: int) -> None:
    if any(not 0 <= k < n_factors for k in categorical):
        raise ConfigError(f"categorical={list(categorical)}: the factors are 0 to {n_factors - 1}")


def _binned(column: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    low, high = column.min(), column.max()
    if high <= low:
        return np.zeros(len(column), dtype=np.int64)
    return np.minimum(((column - low) / (high - low) * bins).astype(np.int64), bins - 1)


def _entropy(counts: NDArray[np.int64]) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def _mutual_information(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    joint = np.zeros((a.max() + 1, b.max() + 1), dtype=np.int64)
    np.add.at(joint, (a, b), 1)
    return _entropy(joint.sum(1)) + _entropy(joint.sum(0)) - _entropy(joint.ravel())


def _squared_correlation(column: NDArray[np.float64], factor: NDArray[np.int64]) -> float:
    centred, target = column - column.mean(), factor - factor.mean()
    norm = float((centred**2).sum() * (target**2).sum())
    return float((centred @ target) ** 2 / norm) if norm > 0 else 0.0


def _threshold_score(column: NDArray[np.float64], factor: NDArray[np.int64]) -> float:
    from sklearn.metrics import recall_score
    from sklearn.tree import DecisionTreeClassifier

    classes = len(np.unique(factor))
    half = len(column) // 2
    tree = DecisionTreeClassifier(max_leaf_nodes=2 * classes, class_weight="balanced", random_state=0)
    tree.fit(column[:half, None], factor[:half])
    predicted = tree.predict(column[half:, None])
    balanced = recall_score(factor[half:], predicted, average="macro", zero_division=0.0)
    return float(max(0.0, (balanced - 1 / classes) / (1 - 1 / classes)))


def _concentration(importance: NDArray[np.float64]) -> float:
    """Rows near 1 where all importance is in one column, weighted by their own share."""
    total = importance.sum()
    if total <= 0:
        return 0.0
    if importance.shape[1] < 2:
        return 1.0
    weight = importance.sum(axis=1)
    p = importance / np.maximum(weight, 1e-300)[:, None]
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1) / np.log(importance.shape[1])
    return float((weight / total * (1 - entropy)).sum())
