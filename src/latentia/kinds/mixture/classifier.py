"""The Gaussian-mixture linear classifier as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from latentia.errors import ConfigError, DataError
from latentia.kinds.mixture.base import check_weights, print_iteration
from latentia.kinds.mixture.state import SavableMixture, result_from_state, result_state
from latentia.mixture.components import check_n_components
from latentia.mixture.criteria import Finding, Scores, scores, verdict
from latentia.mixture.em import posterior, run_restarts
from latentia.mixture.experts import GaussianExperts
from latentia.mixture.rows import Rows, check_distinct, summarize
from latentia.mixture.start import STARTS, initialize


class GaussianMixtureClassifier(SavableMixture, ClassifierMixin, BaseEstimator):
    """Classifier with a hidden cluster: each Gaussian component has its own linear (softmax) rule.

    Z ~ Categorical(w), X|Z=k ~ N(mu_k, Sigma_k), P(Y=c|x, k) = softmax_c(W_k x + b_k); with Y unknown,
    P(Y=c|x) = sum_k P(Z=k|x) P(Y=c|x, k). Fitted jointly by (generalized) EM on log p(x, y).

    Args:
        n_components: K.
        covariance_type: "spherical", "diag", "tied" or "full".
        solver: of the experts' M-step: "newton", "lbfgs", "gradient-descent", "sgd", or "cma-es" (extra `cmaes`).
        l2: penalty l2 / 2 |W_k|^2 on slopes (scikit-learn's 1 / C).
        reg_covar: variance added to every feature, in squared units of the data.
        tol: stop when the mean joint log-likelihood changes by less, in nats a row.
        max_iter: most EM iterations.
        n_init: number of starts.
        init_params: "kmeans", "k-means++", "random" or "random_from_data".
        random_state: seed.
        device: "cpu" or a CUDA device.
        verbose: whether to print each iteration.

    Attributes:
        classes_, weights_, means_, covariances_: fitted values; coef_ `[K, rows, d]` and intercept_ `[K, rows]` of the
            experts (one row for two classes); converged_, n_iter_, lower_bound_, lower_bounds_, result_.

    Raises:
        DataError: NaN, a constant feature, one class in y, fewer distinct rows than components, bad weights.
        ConfigError: a parameter out of range or unknown.

    Source: Xu, Jordan & Hinton (1995), NIPS 7.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(400, 2)) + rng.choice([-4, 4], size=(400, 2))
        >>> y = x[:, 0] * x[:, 1] > 0
        >>> bool(GaussianMixtureClassifier(4, random_state=0).fit(x, y).score(x, y) > 0.97)
        True
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "spherical",
        solver: str = "newton",
        l2: float = 1e-2,
        reg_covar: float = 1e-6,
        tol: float = 1e-5,
        max_iter: int = 200,
        n_init: int = 5,
        init_params: str = "kmeans",
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.solver = solver
        self.l2 = l2
        self.reg_covar = reg_covar
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Estimate gates and experts jointly by EM from `n_init` starts and keep the best.

        Args:
            X: rows `[n, d]`.
            y: classes `[n]`, any labels.
            sample_weight: non-negative weight of each row, `[n]`.
        """
        check_n_components(self.n_components)
        if self.init_params not in STARTS:
            raise ConfigError(STARTS.unknown(self.init_params))
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_all_finite=False)
        check_classification_targets(y)
        self.classes_, targets = np.unique(column_or_1d(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError("y holds one class; a classifier needs at least two")
        weights = None if sample_weight is None else check_weights(sample_weight, len(X))
        rows = Rows(X, weights=weights, targets=targets, dtype=_dtype(X), device=self.device)
        summary = summarize(rows)
        check_distinct(rows, self.n_components)
        random = check_random_state(self.random_state)
        components = GaussianExperts(
            self.n_components,
            rows.n_features,
            n_classes=len(self.classes_),
            covariance_type=self.covariance_type,
            reg_covar=float(self.reg_covar),
            l2=float(self.l2),
            solver=self.solver,
            seed=int(random.randint(2**31 - 1)),
            dtype=rows.dtype,
            device=self.device,
        )
        components.prepare(rows, summary)
        prepared = components.copy_parameters()

        def start() -> None:
            components.parameters = dict(prepared)
            components.reset_experts()
            initialize(components, rows, self.init_params, random)

        self.result_ = run_restarts(
            components,
            rows,
            start,
            self.n_init,
            max_iter=self.max_iter,
            tol=float(self.tol),
            report=print_iteration if self.verbose else None,
        )
        self._settle(components)
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(
                f"EM did not converge in max_iter={self.max_iter} iterations; raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _settle(self, components: GaussianExperts) -> None:
        self.components_ = components
        p = {name: value.cpu().numpy() for name, value in components.parameters.items()}
        self.weights_, self.means_, self.covariances_ = p["weights"], p["means"], p["covariances"]
        self.coef_, self.intercept_ = p["coefficients"][:, :, :-1], p["coefficients"][:, :, -1]
        self.converged_, self.n_iter_ = self.result_.converged, self.result_.n_iter
        self.lower_bounds_ = list(self.result_.log_likelihood)
        self.lower_bound_ = self.lower_bounds_[-1] if self.lower_bounds_ else -np.inf

    def predict_proba(self, X: Any) -> np.ndarray:
        """P(y=c|x) = sum_k P(k|x) P(c|x, k), `[n, C]`, in the order of `classes_`."""
        rows = self._rows(X)
        self.components_.begin()
        out = []
        for chunk in rows.chunks(self.components_.chunk_rows):
            gate = posterior(self.components_, chunk)[1].to(torch.float64)
            classes = self.components_.class_log_probabilities(chunk.x).exp_()
            out.append(torch.einsum("kb,kbc->bc", gate, classes).cpu().numpy())
        return np.concatenate(out)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, `[n]`."""
        index = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[index])

    def responsibilities(self, X: Any, y: Any = None) -> np.ndarray:
        """P(k|x), or P(k|x, y) with classes given, `[n, K]`: which expert speaks for a row."""
        rows = self._rows(X, y)
        self.components_.begin()
        chunks = rows.chunks(self.components_.chunk_rows)
        return np.concatenate([posterior(self.components_, c)[1].T.cpu().numpy().copy() for c in chunks])

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Log p(x), or log p(x, y) with classes given, in nats, `[n]`."""
        rows = self._rows(X, y)
        self.components_.begin()
        chunks = rows.chunks(self.components_.chunk_rows)
        return np.concatenate([posterior(self.components_, c)[2].cpu().numpy() for c in chunks])

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows `[n, d]` and their classes `[n]` from the fitted joint."""
        check_is_fitted(self)
        if n_samples < 1:
            raise ConfigError(f"n_samples={n_samples!r}: at least 1 was expected")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator(self.components_.device).manual_seed(seed)
        weights = self.components_.parameters["weights"]
        labels = torch.multinomial(weights, n_samples, replacement=True, generator=generator)
        x = self.components_.sample(labels, generator)
        every = self.components_.class_log_probabilities(x).exp_()
        p = every[labels, torch.arange(n_samples, device=labels.device)]
        drawn = torch.multinomial(p, 1, generator=generator)[:, 0]
        return x.cpu().numpy(), np.asarray(self.classes_[drawn.cpu().numpy()])

    def scores(self, X: Any, y: Any) -> Scores:
        """All criteria of the joint density p(x, y) from one pass: see `latentia.mixture.criteria.Scores`."""
        return scores(self.components_, self._rows(X, y))

    def aic(self, X: Any, y: Any) -> float:
        """Akaike's criterion of the joint density (smaller is better): -2 l + 2 P."""
        return self.scores(X, y).aic

    def bic(self, X: Any, y: Any) -> float:
        """Bayesian information criterion of the joint density (smaller is better): -2 l + P log n."""
        return self.scores(X, y).bic

    def icl(self, X: Any, y: Any) -> float:
        """Integrated completed likelihood (smaller is better): BIC plus twice the entropy of P(k|x, y)."""
        return self.scores(X, y).icl

    def laplace(self, X: Any, y: Any) -> float:
        """-2 log evidence by Laplace's method with unit-information priors (smaller is better): see `criteria.scores`."""
        return self.scores(X, y).laplace

    def verdict(self, X: Any, y: Any = None) -> tuple[Finding, ...]:
        """What is wrong with the fit (singular, empty or duplicate components, no convergence); empty if nothing."""
        return verdict(self.components_, self._rows(X, y), self.result_)

    def _rows(self, X: Any, y: Any = None) -> Rows:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], ensure_all_finite=False)
        targets = None
        if y is not None:
            y = column_or_1d(y)
            if not np.isin(y, self.classes_).all():
                raise DataError(f"y holds a class that was not fitted; known: {self.classes_.tolist()}")
            targets = np.searchsorted(self.classes_, y)
        rows = Rows(X, targets=targets, dtype=_dtype(X), device=self.device)
        summarize(rows)
        self.components_.dtype = rows.dtype
        return rows

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()`, rebuild the fitted estimator through `from_state`."""
        check_is_fitted(self)
        return self.components_.state() | result_state(self.result_) | {"classes": np.asarray(self.classes_)}

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put this (unfitted) estimator in the fitted state that `state()` gave."""
        components = GaussianExperts.from_state(state, device=self.device)
        assert isinstance(components, GaussianExperts)
        self.classes_ = np.asarray(state["classes"])
        self.result_, self.n_features_in_ = result_from_state(state), components.n_features
        self._settle(components)
        return self


def _dtype(X: np.ndarray) -> torch.dtype:
    return torch.float32 if X.dtype == np.float32 else torch.float64
