"""Whether types are there: found again in halves and bootstrap draws, apart from each other, and by every criterion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from latentia.diagnostics.between import Between, affinities, between_types
from latentia.diagnostics.prediction_strength import prediction_strength
from latentia.kinds.types.choosing import FEWER_STARTS
from latentia.kinds.types.fits import LAPLACE, LARGE, best_of, drawn, memberships, seed_of
from latentia.kinds.types.resampling import Places, bootstrap, folds
from latentia.mixture import DirichletMultinomialComponents
from latentia.progress import each

STABLE = 0.75
"""Median adjusted Rand index of bootstrap fits from which types are called stable (Hennig 2007 has .75 for a Jaccard index)."""
SIMULATED = 20  # samples drawn from the fit for each sample
INTERVAL = (0.025, 0.975)
_HALVES, _BOOTSTRAP, _SIMULATED = 11, 12, 13  # words of seeds


@dataclass(frozen=True)
class Honesty:
    """How far types can be trusted.

    Attributes:
        prediction_strength: of each split into halves.
        bootstrap: adjusted Rand index of the types of each bootstrap fit with those of the fit.
        between: each pair of types.
        halved: the two types of a fit with two, where there are more; None else.
        lower, upper: of the mean proportion of each taxon in each type, `[K, d]`: two-sided 95 % interval over bootstrap fits; None
            without them.
    """

    prediction_strength: tuple[float, ...] = ()
    bootstrap: tuple[float, ...] = ()
    between: tuple[Between, ...] = ()
    halved: Between | None = None
    lower: NDArray[np.float64] | None = None
    upper: NDArray[np.float64] | None = None

    @property
    def strength(self) -> float | None:
        """Mean prediction strength; None where halves were not fitted."""
        return float(np.mean(self.prediction_strength)) if self.prediction_strength else None

    @property
    def stability(self) -> float | None:
        """Median of the bootstrap; None where there was none."""
        return float(np.median(self.bootstrap)) if self.bootstrap else None

    @property
    def gradients(self) -> tuple[Between, ...]:
        """Pairs of types with more samples between them than types would have; none, unless all samples cut in two are such a pair.

        One pair of several may be so because a type is of another shape than a Dirichlet; a gradient is there however it is cut.
        """
        if self.halved is not None and not self.halved.is_gradient:
            return ()
        return tuple(pair for pair in self.between if pair.is_gradient)

    def describe(self) -> dict[str, Any]:
        """As plain values, without the intervals."""
        return {
            "prediction_strength": list(self.prediction_strength),
            "bootstrap": list(self.bootstrap),
            "between": [asdict(pair) for pair in self.between],
            "halved": None if self.halved is None else asdict(self.halved),
        }

    @classmethod
    def rebuild(
        cls, described: dict[str, Any], lower: NDArray[np.float64] | None, upper: NDArray[np.float64] | None
    ) -> Honesty:
        """The inverse of `describe`."""
        between = tuple(_pair(pair) for pair in described["between"])
        halved = None if described["halved"] is None else _pair(described["halved"])
        strength, again = tuple(described["prediction_strength"]), tuple(described["bootstrap"])
        return cls(strength, again, between, halved, lower, upper)


def _pair(described: dict[str, Any]) -> Between:
    return Between(**{**described, "pair": tuple(described["pair"])})


def examine(
    x: sparse.csr_array,
    components: DirichletMultinomialComponents,
    two: DirichletMultinomialComponents | None,
    groups: Places,
    *,
    n_halves: int,
    n_bootstrap: int,
    n_starts: int,
    seed: int,
    n_jobs: int | None,
    criterion: str = LAPLACE,
) -> Honesty:
    """Fit again to halves and bootstrap draws, and hold the samples against draws from the fit.

    Args:
        x: counts `[n, d]` in the order of `in_order`.
        components: the fit.
        two: the fit with two types, if it was made already.
        groups: number of the group (subject) of each sample, `[n]`: they stay together.
        n_halves: splits into two halves.
        n_bootstrap: draws with replacement.
        n_starts: of each fit; of a table above `LARGE`, a few.
        seed: of all of it.
        n_jobs: processes, as in joblib.
        criterion: by which the best of the starts is kept.
    """
    k = components.n_components
    if k == 1:
        return Honesty()
    starts = n_starts if x.shape[0] * x.shape[1] <= LARGE else min(n_starts, FEWER_STARTS)
    halves = [folds(groups, 2, seed_of(seed, _HALVES, i)) for i in range(n_halves)]
    halves = [parts for parts in halves if min(map(len, parts)) > k]
    labels = memberships(components, x).argmax(1)
    tasks = [
        delayed(_strength)(x, parts, k, seed_of(seed, _HALVES, i, 1), starts, criterion)
        for i, parts in enumerate(halves)
    ]
    tasks += [
        delayed(_again)(x, groups, labels, k, seed_of(seed, _BOOTSTRAP, i), starts, criterion)
        for i in range(n_bootstrap)
    ]
    found: list[Any] = Parallel(n_jobs=n_jobs)(each("halves and bootstrap draws", tasks))
    again = found[len(halves) :]
    lower, upper = (None, None)
    if again:
        lower, upper = np.quantile(np.stack([centres for _, centres in again]), INTERVAL, axis=0)
    between = _between(x, components, seed_of(seed, _SIMULATED))
    halved = None
    if k > 2:
        two = two or best_of(x, 2, seed_of(seed, _HALVES, n_halves), starts, criterion).components
        halved = next(iter(_between(x, two, seed_of(seed, _SIMULATED, 2))), None)
    strength, indices = tuple(found[: len(halves)]), tuple(index for index, _ in again)
    return Honesty(strength, indices, tuple(between), halved, lower, upper)


def centres_of(components: DirichletMultinomialComponents) -> NDArray[np.float64]:
    """Mean composition of each type, alpha / theta, `[K, d]`."""
    alphas = components.parameters["alphas"]
    return np.asarray((alphas / alphas.sum(1, keepdim=True)).cpu().numpy())


def _strength(
    x: sparse.csr_array, parts: list[Places], k: int, seed: int, n_starts: int, criterion: str
) -> float:
    """Prediction strength, each half predicted by the other."""
    tables = [sparse.csr_array(x[part]) for part in parts]
    fits = [best_of(table, k, seed_of(seed, i), n_starts, criterion) for i, table in enumerate(tables)]
    each = [
        prediction_strength(fits[i].labels, memberships(fits[1 - i].components, tables[i]).argmax(1))
        for i in (0, 1)
    ]
    return float(np.mean(each))


def _again(
    x: sparse.csr_array, groups: Places, labels: Places, k: int, seed: int, n_starts: int, criterion: str
) -> tuple[float, NDArray[np.float64]]:
    """Agreement of a bootstrap fit with the types, and its compositions in their order."""
    found = best_of(sparse.csr_array(x[bootstrap(groups, seed)]), k, seed_of(seed, 1), n_starts, criterion)
    others = memberships(found.components, x).argmax(1)
    table = np.zeros((k, k))
    np.add.at(table, (labels, others), 1)
    match = linear_sum_assignment(-table)[1]
    return float(adjusted_rand_score(labels, others)), centres_of(found.components)[match]


def _between(x: sparse.csr_array, components: DirichletMultinomialComponents, seed: int) -> list[Between]:
    """Each pair of types, held against samples drawn from the fit with the depths of the samples."""
    labels = memberships(components, x).argmax(1)
    depth = np.asarray(x.sum(axis=1)).ravel()
    centres = centres_of(components)
    made, kinds = [], []
    for part in range(SIMULATED):  # as many samples at a time as the table has
        counts = sparse.csr_array(drawn(components, depth, seed_of(seed, part))[0])
        made.append(affinities(counts / depth[:, None], centres))
        kinds.append(memberships(components, counts).argmax(1))
    seen = affinities(x / depth[:, None], centres)
    return between_types(seen, labels, np.concatenate(made), np.concatenate(kinds), centres)
