"""How many types: each number fitted from several starts, scored by its criteria and on samples held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from latentia.kinds.types.fits import (
    CRITERIA,
    HELD_OUT,
    LAPLACE,
    Fit,
    best_of,
    fit,
    log_density,
    seed_of,
)
from latentia.kinds.types.resampling import Places, folds, mean_and_error
from latentia.mixture import Rows, scores
from latentia.progress import each as steps

FEWER_STARTS = 2  # of fits to a part of the samples
_STARTS, _FOLDS = 1, 2  # words of seeds


@dataclass(frozen=True)
class Tried:
    """One number of types; each criterion has its own best of the starts.

    Attributes:
        n_components: K.
        nle: lowest negative log posterior, in nats, as the R package DirichletMultinomial prints it.
        n_free: parameters.
        laplace, bic, aic, icl: criteria on its scale, the lowest; smaller is better.
        held_out: mean log p(x | depth) in nats a sample of samples that were not fitted to; None without folds.
        held_out_error: its standard error.
        starts: `nle` of each start, that which is kept first: the best by the criterion of the run.
        agreement: adjusted Rand index between the types of the two best starts; None with one.
    """

    n_components: int
    nle: float
    n_free: int
    laplace: float
    bic: float
    aic: float
    icl: float
    held_out: float | None
    held_out_error: float | None
    starts: tuple[float, ...]
    agreement: float | None

    @property
    def spread(self) -> float:
        """From the lowest to the highest `nle` of the starts."""
        return max(self.starts) - min(self.starts)


@dataclass(frozen=True)
class Choice:
    """All numbers that were tried, and what each criterion chooses.

    Attributes:
        tried: in order of K.
        chosen: criterion -> K; "held-out" among them, where samples were held out.
    """

    tried: tuple[Tried, ...]
    chosen: dict[str, int]

    def of(self, k: int) -> Tried:
        """What was found with K types."""
        return next(each for each in self.tried if each.n_components == k)

    def runner_up(self, criterion: str) -> tuple[int, float] | None:
        """The second choice of a criterion and how far it is behind; None where one number was tried."""
        name = criterion.replace("-", "_")
        sign = -1 if criterion == HELD_OUT else 1
        values = sorted(
            (sign * value, each.n_components)
            for each in self.tried
            if (value := getattr(each, name)) is not None
        )
        return (values[1][1], values[1][0] - values[0][0]) if len(values) > 1 else None

    def at_edge(self, criterion: str) -> bool:
        """Whether the choice is the largest number, or the smallest above 1, of several."""
        numbers = [each.n_components for each in self.tried]
        return len(numbers) > 1 and self.chosen[criterion] in {numbers[0], numbers[-1]} - {1}

    def describe(self) -> dict[str, Any]:
        """As plain values."""
        return {"tried": [asdict(each) for each in self.tried], "chosen": self.chosen}

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Choice:
        """The inverse of `describe`."""
        tried = (Tried(**{**row, "starts": tuple(row["starts"])}) for row in described["tried"])
        return cls(tuple(tried), {name: int(k) for name, k in described["chosen"].items()})


def choose(
    x: sparse.csr_array,
    numbers: Sequence[int],
    groups: Places,
    *,
    n_starts: int,
    n_folds: int,
    seed: int,
    n_jobs: int | None,
    criterion: str = LAPLACE,
) -> tuple[Choice, dict[int, Fit]]:
    """Fit every number of types and score it; the best fit of each is returned too.

    Args:
        x: counts `[n, d]` in the order of `in_order`.
        numbers: K to try.
        groups: number of the group (subject) of each sample, `[n]`: held out together.
        n_starts: of each number.
        n_folds: parts that are held out in turn; 0: none.
        seed: of starts and folds.
        n_jobs: processes, as in joblib.
        criterion: by which the best of the starts is kept.
    """
    starts = [(k, i) for k in numbers for i in range(n_starts if k > 1 else 1)]
    parts = folds(groups, n_folds, seed_of(seed, _FOLDS)) if n_folds else []
    held = [(k, f) for k in numbers for f in range(len(parts)) if len(x.indptr) - 1 - len(parts[f]) > k]
    tasks = [delayed(fit)(x, k, seed_of(seed, _STARTS, k, i), i, criterion) for k, i in starts]
    tasks += [delayed(_held_out)(x, parts[f], k, seed_of(seed, _FOLDS, k, f), criterion) for k, f in held]
    ends: list[Any] = Parallel(n_jobs=n_jobs)(steps("starts and folds", tasks))
    values: dict[int, NDArray[np.float64]] = {}
    for (k, f), found in zip(held, ends[len(starts) :], strict=True):
        values.setdefault(k, np.full(x.shape[0], np.nan))[parts[f]] = found
    tried, best = [], {}
    for k in numbers:
        fits = sorted(
            (end for (number, _), end in zip(starts, ends, strict=False) if number == k),
            key=lambda end: end.rank(criterion),
        )
        best[k] = fits[0]
        tried.append(_tried(x, k, fits, values.get(k), groups))
    chosen = {name: min(tried, key=lambda each: getattr(each, name)).n_components for name in CRITERIA}
    seen = [each for each in tried if each.held_out is not None]
    if seen:
        chosen[HELD_OUT] = max(seen, key=lambda each: each.held_out or 0.0).n_components
    return Choice(tuple(tried), chosen), best


def _tried(
    x: sparse.csr_array, k: int, fits: list[Fit], values: NDArray[np.float64] | None, groups: Places
) -> Tried:
    found = [end.scores for end in fits if end.scores is not None]
    if not found:  # says why there are none
        found = [scores(fits[0].components, Rows(x))]
    whole = values is not None and not np.isnan(values).any()
    mean, error = mean_and_error(values, groups) if whole and values is not None else (None, None)
    agreement = float(adjusted_rand_score(fits[0].labels, fits[1].labels)) if len(fits) > 1 else None
    starts = tuple(end.nle for end in fits)
    lowest = {name: min(getattr(end, name) for end in found) for name in CRITERIA}
    nle = min(-end.log_likelihood for end in found)
    return Tried(
        k,
        nle,
        found[0].n_free,
        **lowest,
        held_out=mean,
        held_out_error=error,
        starts=starts,
        agreement=agreement,
    )


def _held_out(x: sparse.csr_array, part: Places, k: int, seed: int, criterion: str) -> NDArray[np.float64]:
    """Log p(x | depth) of the samples of a part under a fit to the others."""
    rest = np.setdiff1d(np.arange(x.shape[0]), part)
    found = best_of(sparse.csr_array(x[rest]), k, seed, FEWER_STARTS, criterion)
    return log_density(found.components, sparse.csr_array(x[part]))
