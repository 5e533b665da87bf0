"""What all mixture estimators share: scikit-learn's face over the EM engine."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from latentia.errors import ConfigError, DataError
from latentia.kinds.mixture.state import SavableMixture, result_from_state, result_state
from latentia.mixture.components import Components, check_n_components
from latentia.mixture.criteria import Finding, Scores, scores, verdict
from latentia.mixture.em import EMResult, posterior, run_restarts
from latentia.mixture.rows import Rows, Summary, check_distinct, summarize
from latentia.mixture.start import STARTS, initialize
from latentia.mixture.stepwise import StepwiseEM


class BaseMixture(SavableMixture, DensityMixin, BaseEstimator):
    """Fit, predict, score and sample for one family of components; subclasses say which."""

    _family: type[Components]
    _float64_only = False
    n_components: int
    tol: float
    max_iter: int
    n_init: int
    init_params: str
    criterion: str
    warm_start: bool
    random_state: Any
    device: str
    verbose: int

    # What a subclass gives ------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """Constructor arguments of the family beside K, d, precision and device."""
        return {}

    def _publish(self) -> None:
        """Set the fitted attributes beside `weights_`."""

    def _override(self, components: Components) -> None:
        """Replace (parts of) a drawn start by what the user gave."""

    def _rows(self, X: Any, sample_weight: Any = None, *, reset: bool = False) -> Rows:
        """Validate a table and wrap it."""
        if isinstance(X, torch.Tensor):
            X = X.detach().cpu().numpy()
        X = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr" if self._family.counts else False,
            dtype="numeric",
            ensure_all_finite=False,
        )
        single = X.dtype == np.float32 and not self._float64_only
        weights = None if sample_weight is None else check_weights(sample_weight, X.shape[0])
        return Rows(X, weights=weights, dtype=torch.float32 if single else torch.float64, device=self.device)

    # Fit ------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002
        """Estimate the parameters by EM from `n_init` starts and keep the best.

        Args:
            X: rows `[n, d]`: NumPy (a memory map is read in chunks), pandas, torch, or SciPy sparse.
            y: ignored.
            sample_weight: non-negative weight of each row, `[n]`.

        Raises:
            DataError: values that the family cannot have, fewer distinct rows than components, bad weights.
            ConfigError: a parameter out of range or unknown.
        """
        self._check_parameters()
        rows = self._rows(X, sample_weight, reset=True)
        summary = self._summary(rows)
        check_distinct(rows, self.n_components)
        random = check_random_state(self.random_state)
        components = self._new_components(rows.n_features, rows.dtype)
        former = self.components_ if self.warm_start and hasattr(self, "components_") else None
        if former is not None:
            self._check_warm(former, components)
        components.prepare(rows, summary)
        prepared = components.copy_parameters()

        def start() -> None:
            components.parameters = dict(prepared)
            if former is not None:
                components.parameters = former.copy_parameters() | prepared
            else:
                initialize(components, rows, self.init_params, random)
                self._override(components)

        self.result_ = run_restarts(
            components,
            rows,
            start,
            1 if former is not None else self.n_init,
            max_iter=self.max_iter,
            tol=float(self.tol),
            criterion=self.criterion,
            report=print_iteration if self.verbose else None,
        )
        self._stepwise = StepwiseEM()
        self._settle(components)
        if not self.result_.converged and self.max_iter > 0:
            warnings.warn(
                f"EM did not converge in max_iter={self.max_iter} iterations; raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002
        """One step of stepwise EM on a batch (Cappe & Moulines 2009); the first batch also sets the start.

        Args:
            X: a batch of rows `[n, d]`.
            y: ignored.
            sample_weight: non-negative weight of each row.

        Raises:
            DataError: as `fit`; the first batch needs at least `n_components` distinct rows.
        """
        first = not hasattr(self, "components_")
        if first:
            self._check_parameters()
        rows = self._rows(X, sample_weight, reset=first)
        summary = self._summary(rows)
        if first:
            check_distinct(rows, self.n_components)
            components = self._new_components(rows.n_features, rows.dtype)
            components.prepare(rows, summary)
            initialize(components, rows, self.init_params, check_random_state(self.random_state))
            self._override(components)
        else:
            components = self.components_
        if not hasattr(self, "_stepwise"):
            self._stepwise = StepwiseEM()
        mean = self._stepwise.step(components, rows)
        history = (*(() if first else self.result_.log_likelihood), mean)
        self.result_ = EMResult(history, mean, (), "stepwise EM does not stop by itself", True, len(history))
        self._settle(components)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, then the most probable component of each row, `[n]`."""
        return self.fit(X, y, sample_weight).predict(X)

    def _check_parameters(self) -> None:
        check_n_components(self.n_components)
        if self.init_params not in STARTS:
            raise ConfigError(STARTS.unknown(self.init_params))
        for name, least in (("max_iter", 0), ("n_init", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise ConfigError(f"{name}={value!r}: an integer of at least {least} was expected")
        if not self.tol >= 0:
            raise ConfigError(f"tol={self.tol!r}: a number of at least 0 was expected")

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows, nonnegative=self._family.counts, integer=self._family.counts)

    def _new_components(self, n_features: int, dtype: torch.dtype) -> Components:
        return self._family(
            self.n_components, n_features, dtype=dtype, device=self.device, **self._settings()
        )

    def _check_warm(self, old: Components, components: Components) -> None:
        if (old.n_components, old.n_features) != (components.n_components, components.n_features):
            raise ConfigError(
                f"warm_start: the former fit has n_components={old.n_components}, n_features={old.n_features}, "
                f"now {components.n_components} and {components.n_features}; make a new estimator"
            )

    def _settle(self, components: Components) -> None:
        self.components_ = components
        self.weights_ = components.parameters["weights"].cpu().numpy()
        self.converged_, self.n_iter_ = self.result_.converged, self.result_.n_iter
        self.lower_bounds_ = list(self.result_.log_likelihood)
        self.lower_bound_ = self.lower_bounds_[-1] if self.lower_bounds_ else -np.inf
        self._publish()

    # Use ------------------------------------------------------------------------------------------------------

    def _checked(self, X: Any) -> Rows:
        check_is_fitted(self)
        rows = self._rows(X)
        self._summary(rows)
        self.components_.dtype = rows.dtype
        return rows

    def score_samples(self, X: Any) -> np.ndarray:
        """Log p(x) of each row in nats, `[n]`."""
        rows = self._checked(X)
        self.components_.begin()
        out = []
        for chunk in rows.chunks(self.components_.chunk_rows):
            log_evidence = posterior(self.components_, chunk)[2]
            h = self.components_.base_measure(chunk)
            out.append((log_evidence if h is None else log_evidence + h).cpu().numpy())
        return np.concatenate(out)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Mean log p(x) in nats a row."""
        return float(np.mean(self.score_samples(X), dtype=np.float64))

    def predict_proba(self, X: Any) -> np.ndarray:
        """p(k|x), the responsibilities, `[n, K]`."""
        rows = self._checked(X)
        self.components_.begin()
        out = [
            posterior(self.components_, c)[1].T.cpu().numpy().copy()
            for c in rows.chunks(self.components_.chunk_rows)
        ]
        return np.concatenate(out)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable component of each row, `[n]`."""
        return self.predict_proba(X).argmax(1)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows `[n, d]` and their components `[n]` from the fitted mixture."""
        check_is_fitted(self)
        if n_samples < 1:
            raise ConfigError(f"n_samples={n_samples!r}: at least 1 was expected")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator(self.components_.device).manual_seed(seed)
        weights = self.components_.parameters["weights"]
        labels = torch.multinomial(weights, n_samples, replacement=True, generator=generator).sort().values
        return self.components_.sample(labels, generator).cpu().numpy(), labels.cpu().numpy()

    def scores(self, X: Any) -> Scores:
        """All criteria on a table from one pass: see `latentia.mixture.criteria.Scores`."""
        return scores(self.components_, self._checked(X))

    def aic(self, X: Any) -> float:
        """Akaike's criterion (smaller is better): -2 l + 2 P."""
        return self.scores(X).aic

    def bic(self, X: Any) -> float:
        """Bayesian information criterion (smaller is better): -2 l + P log n."""
        return self.scores(X).bic

    def icl(self, X: Any) -> float:
        """Integrated completed likelihood (smaller is better): BIC plus twice the responsibilities' entropy."""
        return self.scores(X).icl

    def laplace(self, X: Any) -> float:
        """-2 log evidence by Laplace's method (smaller is better): see `latentia.mixture.criteria.scores`."""
        return self.scores(X).laplace

    def verdict(self, X: Any) -> tuple[Finding, ...]:
        """What is wrong with the fit (singular, empty or duplicate components, no convergence); empty if nothing."""
        return verdict(self.components_, self._checked(X), self.result_)

    # Keep -----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()`, rebuild the fitted estimator through `from_state`."""
        check_is_fitted(self)
        return self.components_.state() | result_state(self.result_)

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put this (unfitted) estimator in the fitted state that `state()` gave."""
        components = self._family.from_state(state, device=self.device)
        self.result_ = result_from_state(state)
        self.n_features_in_ = components.n_features
        self._stepwise = StepwiseEM()
        self._settle(components)
        return self


def check_weights(sample_weight: Any, n: int) -> np.ndarray:
    """Weights as float64 `[n]`; raises `DataError` on a wrong shape, NaN, a negative weight, or all zero."""
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.ndim != 1:
        raise DataError(f"sample_weight has {weights.ndim} dimensions; a 1D array or a scalar was expected")
    if weights.shape != (n,):
        raise DataError(f"sample_weight.shape == {weights.shape}, expected {(n,)}")
    if not np.isfinite(weights).all():
        raise DataError(
            f"sample_weight holds NaN or infinity at row {int(np.flatnonzero(~np.isfinite(weights))[0])}"
        )
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        raise DataError(
            f"sample_weight is negative ({weights[row]:g}) at row {row}; weights of at least 0 were expected"
        )
    if not weights.any():
        raise DataError("sample_weight is zero for every row; at least one positive weight was expected")
    return weights


def print_iteration(iteration: int, mean: float, change: float) -> None:
    """One line for an iteration of EM."""
    print(f"iteration {iteration}  log-likelihood {mean:.6f}  change {change:.2e}")
