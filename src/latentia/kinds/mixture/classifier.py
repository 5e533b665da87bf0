"""The Gaussian-mixture linear classifier as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from latentia.data.validated import validated
from latentia.errors import DataError
from latentia.estimators.forms.layout import Layout
from latentia.kinds.mixture.base import BaseMixture
from latentia.mixture.components import Components
from latentia.mixture.criteria import Scores
from latentia.mixture.em import posterior
from latentia.mixture.experts import GaussianExperts
from latentia.mixture.rows import Rows
from latentia.mixture.summary import Summary, summarize


class GaussianMixtureClassifier(ClassifierMixin, BaseMixture):
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

    _family = GaussianExperts
    _gaussian = True
    _additive = False  # the experts' solvers see all rows at once
    criterion = "log-likelihood"
    warm_start = False
    classes_: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # type: ignore[override]
        """Estimate gates and experts jointly by EM from `n_init` starts and keep the best. A fit that fails changes nothing.

        Args:
            X: rows `[n, d]`.
            y: classes `[n]`, any labels.
            sample_weight: non-negative weight of each row, `[n]`.
        """
        return super().fit(X, y, sample_weight)

    def _table(self, X: Any, y: Any, *, reset: bool) -> Any:
        kinds = [np.float64, np.float32]
        if not reset:
            check_is_fitted(self)
            return validated(self, X, reset=False, dtype=kinds, ensure_all_finite=False, order="C")
        X, y = validated(self, X, y, dtype=kinds, ensure_all_finite=False, order="C")
        check_classification_targets(y)
        self.classes_ = np.unique(column_or_1d(y))
        if len(self.classes_) < 2:
            raise DataError("y holds one class; a classifier needs at least two")
        self.layout_ = Layout.of(X, dense=True, scaled=False, axes="first")
        return X

    def _targets(self, y: Any, *, reset: bool) -> np.ndarray | None:  # noqa: ARG002
        if y is None:
            return None
        y = column_or_1d(y)
        if not np.isin(y, self.classes_).all():
            raise DataError(f"y holds a class that was not fitted; known: {self.classes_.tolist()}")
        return np.searchsorted(self.classes_, y)

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows)

    def _new_components(self, rows: Rows, random: Any) -> Components:
        return GaussianExperts(
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

    def _start(self, components: Components, rows: Rows, random: Any) -> None:
        assert isinstance(components, GaussianExperts)
        components.reset_experts()
        super()._start(components, rows, random)

    def _publish(self) -> None:
        p = {name: value.cpu().numpy() for name, value in self.components_.parameters.items()}
        self.means_, self.covariances_ = p["means"], p["covariances"]
        self.coef_, self.intercept_ = p["coefficients"][:, :, :-1], p["coefficients"][:, :, -1]

    def predict_proba(self, X: Any) -> np.ndarray:
        """P(y=c|x) = sum_k P(k|x) P(c|x, k), `[n, C]`, in the order of `classes_`."""
        rows = self._checked(X)
        components = self._experts
        components.begin()
        out = []
        for chunk in rows.chunks(components.chunk_rows):
            gate = posterior(components, chunk)[1].to(torch.float64)
            classes = components.class_log_probabilities(chunk.x).exp_()
            out.append(torch.einsum("kb,kbc->bc", gate, classes).cpu().numpy())
        return np.concatenate(out)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, `[n]`."""
        index = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[index])

    def responsibilities(self, X: Any, y: Any = None) -> np.ndarray:
        """P(k|x), or P(k|x, y) with classes given, `[n, K]`: which expert speaks for a row."""
        return self._each(X, y, lambda _, responsibilities, __: responsibilities.T.cpu().numpy().copy())

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Log p(x), or log p(x, y) with classes given, in nats, `[n]`."""
        return self._each(X, y, lambda _, __, log_evidence: log_evidence.cpu().numpy())

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows `[n, d]` and their classes `[n]` from the fitted joint."""
        check_is_fitted(self)
        x, labels, generator = self._drawn(n_samples)
        every = self._experts.class_log_probabilities(x).exp_()
        p = every[labels, torch.arange(len(labels), device=labels.device)]
        drawn = torch.multinomial(p, 1, generator=generator)[:, 0]
        return x.cpu().numpy(), np.asarray(self.classes_[drawn.cpu().numpy()])

    def scores(self, X: Any, y: Any = None) -> Scores:
        """All criteria of the joint density p(x, y) from one pass: see `latentia.mixture.criteria.Scores`.

        Raises:
            DataError: without classes.
        """
        if y is None:
            raise DataError(
                "the criteria of a classifier are of the joint density p(x, y): give the classes y"
            )
        return super().scores(X, y)

    @property
    def _experts(self) -> GaussianExperts:
        assert isinstance(self.components_, GaussianExperts)
        return self.components_

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()`, rebuild the fitted estimator through `from_state`."""
        return super().state() | {"classes": np.asarray(self.classes_)}

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put this (unfitted) estimator in the fitted state that `state()` gave."""
        self.classes_ = np.asarray(state["classes"])
        return super().from_state(state)
