"""How many components: fit each number, score each, and say what each criterion chooses."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from latentia.errors import ConfigError
from latentia.mixture.components import check_n_components
from latentia.mixture.criteria import ComponentFault, Scores
from latentia.progress import each, told

CRITERIA = ("aic", "bic", "icl", "laplace")


@dataclass(frozen=True)
class Candidate:
    """One number of components: its best fitted estimator, its scores and what is wrong with it."""

    n_components: int
    estimator: Any
    scores: Scores
    findings: tuple[ComponentFault, ...]


@dataclass(frozen=True)
class Selection:
    """All candidates, and the number of components that each criterion chooses.

    Attributes:
        candidates: in order of the number of components.
        chosen: criterion -> number of components with its smallest value.
        at_edge: criteria whose choice is the smallest or largest number tried (and more than one was): a wider
            range may choose otherwise. The number 1 has nothing below it and does not count.
    """

    candidates: tuple[Candidate, ...]
    chosen: dict[str, int]
    at_edge: tuple[str, ...]

    def best(self, criterion: str = "bic") -> Any:
        """The fitted estimator that `criterion` chooses; raises `ConfigError` for an unknown criterion."""
        if criterion not in self.chosen:
            raise ConfigError(f"criterion={criterion!r} is unknown; expected one of {', '.join(CRITERIA)}")
        wanted = self.chosen[criterion]
        return next(c.estimator for c in self.candidates if c.n_components == wanted)

    @property
    def table(self) -> list[dict[str, int | float]]:
        """A row for each number of components: n_components, log_likelihood, n_free and the four criteria."""
        return [
            {
                "n_components": c.n_components,
                "log_likelihood": c.scores.log_likelihood,
                "n_free": c.scores.n_free,
                **{name: getattr(c.scores, name) for name in CRITERIA},
            }
            for c in self.candidates
        ]

    def __str__(self) -> str:
        lines = ["  K  log-likelihood  " + "  ".join(f"{name:>14}" for name in CRITERIA)]
        for row in self.table:
            marks = [
                f"{row[c]:13.2f}{'*' if self.chosen[c] == row['n_components'] else ' '}" for c in CRITERIA
            ]
            lines.append(f"{row['n_components']:3d}  {row['log_likelihood']:14.2f}  " + "  ".join(marks))
        if self.at_edge:
            lines.append(f"At the edge of the range: {', '.join(self.at_edge)}; try a wider one.")
        return "\n".join(lines)


def select(
    estimator: Any,
    X: Any,
    n_components: Iterable[int] = range(1, 11),
    n_jobs: int | None = None,
    *,
    y: Any = None,
) -> Selection:
    """Fit a mixture estimator with each number of components and score it on the data.

    Restarts are spread over processes: each start of each number is one task, and the best start by the final
    penalised log-likelihood is kept.

    Args:
        estimator: an unfitted mixture estimator; its `n_init` starts are drawn for each number.
        X: rows `[n, d]`.
        n_components: the numbers to try.
        n_jobs: processes, as in joblib (None: one, -1: all cores).
        y: classes `[n]`, for a classifier: the criteria are then those of the joint density.

    Raises:
        ConfigError: an empty range, or a number below 1.

    Example:
        >>> import numpy as np
        >>> from latentia.kinds.mixture.estimator import GaussianMixture
        >>> x = np.random.default_rng(0).normal(size=(300, 2)) + np.repeat([[0], [8], [16]], 100, axis=0)
        >>> select(GaussianMixture(random_state=0), x, range(1, 5)).chosen["bic"]
        3
    """
    numbers = sorted({check_n_components(k) for k in n_components})
    if not numbers:
        raise ConfigError("n_components is empty: at least one number of components was expected")
    random = check_random_state(estimator.random_state)
    tasks = [
        clone(estimator).set_params(n_components=k, n_init=1, random_state=int(random.randint(2**31 - 1)))
        for k in numbers
        for _ in range(estimator.n_init if k > 1 else 1)
    ]
    with told(bool(getattr(estimator, "verbose", False))):
        ahead = each("numbers of components and starts", tasks)
        fitted = Parallel(n_jobs=n_jobs)(delayed(_fit)(task, X, y) for task in ahead)
    candidates = []
    for k in numbers:
        best = max((e for e in fitted if e.n_components == k), key=lambda e: e.result_.objective)
        table = (X,) if y is None else (X, y)
        candidates.append(Candidate(k, best, best.scores(*table), best.verdict(*table)))
    chosen = {c: min(candidates, key=lambda row: getattr(row.scores, c)).n_components for c in CRITERIA}
    edges = {numbers[0], numbers[-1]} - {1} if len(numbers) > 1 else set()
    return Selection(tuple(candidates), chosen, tuple(c for c in CRITERIA if chosen[c] in edges))


def _fit(estimator: Any, X: Any, y: Any) -> Any:
    """Fit without the warning of no convergence, which the candidate's findings repeat."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)
