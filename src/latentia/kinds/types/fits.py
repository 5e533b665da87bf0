"""One fit of a Dirichlet-multinomial mixture, from starts that are functions of the rows and not of their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from latentia.errors import TrainingError
from latentia.mixture import (
    DirichletMultinomialComponents,
    EMResult,
    Rows,
    Scores,
    initialize,
    posterior,
    run_em,
    scores,
    summarize,
)

LAPLACE, HELD_OUT = "laplace", "held-out"
CRITERIA = (LAPLACE, "bic", "aic", "icl")
STARTS = ("k-means++", "random", "random_from_data")
CANDIDATES, BRIEF = 5, 8
"""Each start is the best of so many, after so many iterations (emEM: Biernacki, Celeux and Govaert 2003, section 3)."""
LARGE = 100_000  # samples x taxa, above which fits to parts of the table have fewer starts
VERY_LARGE = 1_000_000  # samples x taxa, above which a start is one candidate
TOLERANCE, MOST_ITERATIONS = 1e-6, 500


@dataclass(frozen=True, eq=False)
class Fit:
    """The end of a start.

    Attributes:
        components: fitted.
        result: how EM went.
        nle: negative log posterior in nats of the whole table.
        labels: most probable type of each row, `[n]`.
        scores: criteria; None where the log posterior is not concave at the end, so that there is no Laplace evidence.
    """

    components: DirichletMultinomialComponents
    result: EMResult
    nle: float
    labels: NDArray[np.int64]
    scores: Scores | None

    def rank(self, criterion: str) -> tuple[bool, float]:
        """What starts are sorted by, the best first."""
        return _rank(self.nle, self.scores, criterion)


def _rank(nle: float, found: Scores | None, criterion: str) -> tuple[bool, float]:
    """A place among starts: by the criterion, or the posterior where it is told from held-out samples; the best is least.

    BIC and AIC sort as the posterior does. Laplace does not: a mode may be high and narrow, and the evidence, which K is chosen by, is
    the mass of the posterior about it.
    """
    if found is None or criterion == HELD_OUT:
        return found is None, nle
    return False, float(getattr(found, criterion))


def in_order(x: sparse.csr_array) -> NDArray[np.int64]:
    """The order of rows by what they hold, `[n]`: the same rows give the same table, however they were sorted.

    Example:
        >>> a = sparse.csr_array(np.array([[3, 0], [0, 2], [1, 5]]))
        >>> (a[in_order(a)].toarray() == a[[2, 0, 1]].toarray()).all()
        np.True_
    """
    keys = [row.tobytes() for row in _rows_of(x)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _rows_of(x: sparse.csr_array) -> list[NDArray[np.int64]]:
    """What each row holds, so written that order of bytes is order of values."""
    found = []
    for i in range(x.shape[0]):
        part = slice(x.indptr[i], x.indptr[i + 1])
        order = np.argsort(x.indices[part])
        places, values = x.indices[part][order], x.data[part][order]
        found.append(np.stack([places, values], 1).astype(">i8"))
    return found


def seed_of(*words: int) -> int:
    """A seed of its own for each fit of many, by numbers that say which it is.

    Example:
        >>> seed_of(0, 1, 2) == seed_of(0, 1, 2), seed_of(0, 1, 2) == seed_of(0, 2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence([max(word, 0) for word in words]).generate_state(1)[0])


def candidates_of(n: int, d: int) -> int:
    """How many candidates a start has, by the size of the table.

    Example:
        >>> candidates_of(26, 19_000), candidates_of(10_000, 2000)
        (5, 1)
    """
    return CANDIDATES if n * d <= VERY_LARGE else 1


def fit(x: sparse.csr_array, k: int, seed: int, number: int = 0, criterion: str = LAPLACE) -> Fit:
    """K components from one start.

    Args:
        x: counts `[n, d]`, in the order of `in_order`.
        k: K.
        seed: of the start.
        number: of the start among several: which way of starting goes first.
        criterion: by which the candidates of a start are sorted.

    Raises:
        DataError: rows without a count.
    """
    rows = Rows(x)
    components = DirichletMultinomialComponents(k, rows.n_features)
    components.prepare(rows, summarize(rows, nonnegative=True, integer=True))
    prepared = components.copy_parameters()
    random = np.random.RandomState(seed)
    candidates = candidates_of(*x.shape) if k > 1 else 1
    best: tuple[tuple[bool, float], dict[str, torch.Tensor]] | None = None
    for i in range(candidates):
        components.parameters = dict(prepared)
        initialize(components, rows, STARTS[(i + number) % len(STARTS)], random)
        if candidates > 1:
            brief = run_em(components, rows, max_iter=BRIEF, tol=TOLERANCE)
            place = _rank(*_judged(components, rows, brief), criterion)
            if best is None or place < best[0]:
                best = place, components.copy_parameters()
    if best is not None:
        components.parameters = best[1]
    result = run_em(components, rows, max_iter=MOST_ITERATIONS, tol=TOLERANCE)
    nle, found = _judged(components, rows, result)
    return Fit(components, result, nle, memberships(components, x).argmax(1), found)


def _judged(
    components: DirichletMultinomialComponents, rows: Rows, result: EMResult
) -> tuple[float, Scores | None]:
    """Negative log posterior and criteria at the end of a run of EM; no criteria where the log posterior is not concave there."""
    nle = -result.objective * rows.total_weight
    try:
        return nle, scores(components, rows)
    except TrainingError:
        return nle, None


def best_of(x: sparse.csr_array, k: int, seed: int, n_starts: int, criterion: str = LAPLACE) -> Fit:
    """The best of several starts, by a criterion."""
    fits = [fit(x, k, seed_of(seed, number), number, criterion) for number in range(n_starts if k > 1 else 1)]
    return min(fits, key=lambda each: each.rank(criterion))


def by_weight(components: DirichletMultinomialComponents) -> DirichletMultinomialComponents:
    """The same components, the heaviest first."""
    order = components.parameters["weights"].argsort(descending=True, stable=True)
    for name in ("weights", "alphas"):
        components.parameters[name] = components.parameters[name][order]
    return components


def memberships(components: DirichletMultinomialComponents, x: sparse.csr_array) -> NDArray[np.float64]:
    """p(k|x), `[n, K]`."""
    return _passed(components, x)[0]


def log_density(components: DirichletMultinomialComponents, x: sparse.csr_array) -> NDArray[np.float64]:
    """Log p(x | depth) of each row in nats, `[n]`."""
    return _passed(components, x)[1]


def _passed(
    components: DirichletMultinomialComponents, x: sparse.csr_array
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = Rows(x)
    components.begin()
    shares, evidence = [], []
    for chunk in rows.chunks(components.chunk_rows):
        _, responsibilities, log_evidence = posterior(components, chunk)
        shares.append(responsibilities.T.cpu().numpy().copy())
        evidence.append(log_evidence.cpu().numpy().copy())
    return np.concatenate(shares), np.concatenate(evidence)


def drawn(
    components: DirichletMultinomialComponents, depths: Sequence[int] | NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts `[m, d]` of samples of given depths drawn from the mixture, and the types that they were drawn from `[m]`."""
    random = np.random.default_rng(seed)
    weights = components.parameters["weights"].cpu().numpy()
    alphas = components.parameters["alphas"].cpu().numpy()
    types = random.choice(len(weights), len(depths), p=weights / weights.sum())
    share = random.standard_gamma(alphas[types])
    # Where all gammas of small alphas underflow, the sample is one taxon, drawn by the alphas.
    empty = share.sum(1) <= 0
    for i in np.flatnonzero(empty):
        share[i, random.choice(share.shape[1], p=alphas[types[i]] / alphas[types[i]].sum())] = 1.0
    share /= share.sum(1, keepdims=True)
    return random.multinomial(np.asarray(depths), share), types
