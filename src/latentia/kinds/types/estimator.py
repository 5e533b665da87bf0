"""Community types as a scikit-learn estimator: a Dirichlet-multinomial mixture, its size chosen, its types examined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from latentia.data.validated import validated
from latentia.errors import ConfigError, DataError
from latentia.estimators.folder import Curves, params_of, save_fitted
from latentia.estimators.parameters import numbers_of, whole
from latentia.estimators.whole import all_or_nothing
from latentia.kinds.face import ServesOnnx, html_repr, report
from latentia.kinds.mixture.totals import log_totals, totals_of
from latentia.kinds.types.choosing import Choice, choose
from latentia.kinds.types.fits import (
    CRITERIA,
    HELD_OUT,
    best_of,
    by_weight,
    drawn,
    in_order,
    log_density,
    memberships,
    seed_of,
)
from latentia.kinds.types.honesty import Honesty, centres_of, examine
from latentia.latent.totals import check_total, without_counts
from latentia.mixture import DirichletMultinomialComponents, EMResult

DEFAULT_RANGE = "1..7"
_POOLED = 3  # a word of seeds


class CommunityTypes(ServesOnnx, ClusterMixin, DensityMixin, BaseEstimator):
    """Discrete community types of samples, numbered by weight, and how far they can be trusted.

    p(x|n) = sum_k w_k DirichletMultinomial(x; n, alpha_k). Each number of types is fitted from several starts, scored by Laplace, BIC,
    AIC, ICL and on samples held out; the number chosen is fitted again to halves and bootstrap draws of the samples. What is found
    does not depend on the order of the rows.

    Args:
        n_components: a number, or a range as "1..7", from which the criterion chooses.
        criterion: "laplace", "bic", "aic", "icl" or "held-out"; of the starts of one number, too, it keeps the best ("held-out": that
            of the highest posterior).
        n_init: starts of each number.
        folds: parts of the samples that are held out in turn; 0: none.
        halves: splits into halves, for the prediction strength.
        bootstrap: draws with replacement, for stability and the intervals of drivers; 0: none.
        random_state: of everything random.
        n_jobs: processes, as in joblib.

    Attributes:
        weights_: `[K]`, falling; alphas_: `[K, d]`; theta_: `[K]`, their sums: low where samples of a type differ.
        proportions_: mean composition of each type, `[K, d]`; pooled_: of all samples as one type, `[d]`.
        labels_: most probable type of each sample, from 0, `[n]`.
        choice_: what was tried, a `latentia.kinds.types.choosing.Choice`.
        honesty_: a `latentia.kinds.types.honesty.Honesty`.

    Raises:
        ConfigError: a parameter out of range.
        DataError: values that are no counts, rows without a count, fewer than twice as many rows as types.

    Source: Holmes, Harris & Quince (2012), PLoS ONE 7(2) e30126.

    Example:
        >>> from latentia.data.synthetic_communities import communities
        >>> x, t = communities("clusters", 40, 8)
        >>> found = CommunityTypes("1..3", n_init=2, folds=0, halves=1, bootstrap=2).fit(x)
        >>> found.choice_.chosen["laplace"], found.honesty_.strength
        (2, 1.0)
    """

    n_features_in_: int
    conditions_on_total = True

    def __init__(
        self,
        n_components: int | str = DEFAULT_RANGE,
        *,
        criterion: str = "laplace",
        n_init: int = 10,
        folds: int = 5,
        halves: int = 3,
        bootstrap: int = 20,
        random_state: int | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.criterion = criterion
        self.n_init = n_init
        self.folds = folds
        self.halves = halves
        self.bootstrap = bootstrap
        self.random_state = random_state
        self.n_jobs = n_jobs

    save = save_fitted
    report, _repr_html_ = report, html_repr

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:  # noqa: ARG002  scikit-learn's face
        """Fit, choose and examine. A fit that fails changes nothing.

        Args:
            X: counts `[n, d]`, dense or sparse.
            y: ignored.
            groups: what each sample is a repeat of (its subject), `[n]`: such samples stay together wherever samples are held out or
                drawn.
        """
        numbers = self._checked()
        with all_or_nothing(self):
            table = self._table(X, reset=True)
            n = table.shape[0]
            if numbers[-1] * 2 > n:
                raise DataError(
                    f"{numbers[-1]} types of {n} samples: give at least twice as many samples as types"
                )
            order = in_order(table)
            x = sparse.csr_array(table[order])
            subjects = _numbered(n if groups is None else groups, order)
            seed = 0 if self.random_state is None else whole("random_state", self.random_state, 0)
            self.choice_, best = choose(
                x, numbers, subjects, n_starts=self.n_init, n_folds=self.folds, seed=seed, n_jobs=self.n_jobs, criterion=self.criterion
            )  # fmt: skip
            wanted = best[self.choice_.chosen[self.criterion]]
            pooled = best[1].components if 1 in best else best_of(x, 1, seed_of(seed, _POOLED), 1).components
            self.result_, self.components_ = wanted.result, by_weight(wanted.components)
            self.pooled_ = centres_of(pooled)[0]
            self.honesty_ = examine(
                x,
                self.components_,
                best[2].components if 2 in best else None,
                subjects,
                n_halves=self.halves,
                n_bootstrap=self.bootstrap,
                n_starts=self.n_init,
                seed=seed,
                n_jobs=self.n_jobs,
                criterion=self.criterion,
            )
            self._settle()
            self.labels_ = memberships(self.components_, table).argmax(1)
        return self

    def _checked(self) -> range:
        """The numbers of types to try."""
        numbers = numbers_of(self.n_components, "--n-components", DEFAULT_RANGE)
        if self.criterion not in (*CRITERIA, HELD_OUT):
            raise ConfigError(
                f"criterion={self.criterion!r}: expected one of {', '.join(CRITERIA)}, {HELD_OUT}"
            )
        for name, least in (("n_init", 1), ("folds", 0), ("halves", 0), ("bootstrap", 0)):
            whole(name, getattr(self, name), least)
        if self.folds == 1 or (self.criterion == HELD_OUT and not self.folds):
            raise ConfigError(
                f"folds={self.folds}: expected 0, or at least 2; of criterion held-out at least 2"
            )
        return numbers

    def _settle(self) -> None:
        self.weights_ = self.components_.parameters["weights"].cpu().numpy()
        self.alphas_ = self.components_.parameters["alphas"].cpu().numpy()
        self.theta_ = self.alphas_.sum(1)
        self.proportions_ = centres_of(self.components_)
        self.converged_, self.n_iter_ = self.result_.converged, self.result_.n_iter

    def _table(self, X: Any, *, reset: bool) -> sparse.csr_array:
        """Counts as CSR of int64."""
        if not reset:
            check_is_fitted(self)
        rows = validated(self, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_min_samples=1)
        table = sparse.csr_array(rows)
        if (table.data < 0).any() or (table.data % 1 != 0).any():
            raise DataError("X holds negative or fractional values; counts of reads were expected")
        table = table.astype(np.int64)
        table.sum_duplicates()
        table.eliminate_zeros()
        return table

    # Use ------------------------------------------------------------------------------------------------------

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """p(k|x), `[n, K]`."""
        return memberships(self.components_, self._table(X, reset=False))

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The most probable type of each sample, from 0, `[n]`."""
        return np.asarray(self.predict_proba(X).argmax(1))

    def score_samples(self, X: Any, *, total: str = "given") -> NDArray[np.float64]:
        """Log p(x | depth) of each sample in nats, `[n]` (NaN where there are no reads); with total="modelled" of sample and depth."""
        check_total(total)
        table = self._table(X, reset=False)
        scores = log_density(self.components_, table)
        if total == "given":
            return without_counts(totals_of(table), scores)
        return scores + log_totals(self.components_, table)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Mean log p(x | depth) in nats a sample."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts `[n, d]` of new samples, with depths of samples that were fitted to, and their types `[n]`."""
        check_is_fitted(self)
        totals = self.components_.parameters["totals"].cpu().numpy()
        depths = np.random.default_rng(seed).choice(totals, n_samples).astype(np.int64)
        return drawn(self.components_, depths, seed)

    # Keep -----------------------------------------------------------------------------------------------------

    def describe(self) -> tuple[dict[str, Any], dict[str, torch.Tensor], Curves]:
        """Entries of `config.json`, tensors and a row for each iteration."""
        arrays = {**self.components_.state(), "pooled": self.pooled_, "labels": self.labels_}
        if self.honesty_.lower is not None and self.honesty_.upper is not None:
            arrays |= {"lower": self.honesty_.lower, "upper": self.honesty_.upper}
        numbers = {name: value for name, value in arrays.items() if value.dtype.kind in "biuf"}
        entries = {
            "choice": self.choice_.describe(),
            "honesty": self.honesty_.describe(),
            "n_iter": self.n_iter_,
            "converged": self.converged_,
        }
        curves = [
            {"iteration": i, "log_likelihood": mean} for i, mean in enumerate(self.result_.log_likelihood, 1)
        ]
        return entries, {name: torch.from_numpy(np.array(value)) for name, value in numbers.items()}, curves

    @classmethod
    def rebuild(
        cls,
        config: dict[str, Any],
        tensors: dict[str, torch.Tensor],
        curves: Callable[[], Curves],
    ) -> Self:
        """The inverse of `describe`."""
        self = cls(**params_of(config))
        arrays = {name: value.numpy() for name, value in tensors.items()}
        components = DirichletMultinomialComponents.from_state(arrays)
        assert isinstance(components, DirichletMultinomialComponents)
        self.components_ = components
        self.choice_ = Choice.rebuild(config["choice"])
        self.honesty_ = Honesty.rebuild(config["honesty"], arrays.get("lower"), arrays.get("upper"))
        self.pooled_, self.labels_ = arrays["pooled"], arrays["labels"]
        history = tuple(row["log_likelihood"] for row in curves())
        self.result_ = EMResult(history, 0.0, (), "", config["converged"], config["n_iter"])
        self.n_features_in_ = self.components_.n_features
        self._settle()
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        return tags


def _numbered(groups: Any, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups in an order of rows, numbered as they first occur in it; each row its own where only their number is given."""
    if isinstance(groups, int):
        return np.arange(groups)
    names = np.asarray(groups)[order]
    _, first, owner = np.unique(names, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return place[owner]
