"""The Gaussian-mixture linear classifier as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from latentia.data.given import plain_data
from latentia.data.items import Mixed
from latentia.data.validated import validated
from latentia.errors import DataError
from latentia.estimators.folder import Curves, params_of
from latentia.estimators.forms.layout import Layout
from latentia.estimators.forms.mixed import MixedForm
from latentia.estimators.forms.unlike import given_back
from latentia.kinds.mixture.base import BaseMixture
from latentia.kinds.mixture.mixed import mixed_form, rebuilt_form, settings_of
from latentia.kinds.mixture.on_columns import OnColumns, unlike_columns
from latentia.kinds.mixture.state import as_arrays
from latentia.mixture.components import Components
from latentia.mixture.criteria import Scores
from latentia.mixture.em import posterior
from latentia.mixture.experts import Experts, GaussianExperts, MixedExperts
from latentia.mixture.rows import Rows
from latentia.mixture.summary import Summary, summarize


class GaussianMixtureClassifier(ClassifierMixin, OnColumns, BaseMixture):
    """Classifier with a hidden cluster: each Gaussian component has its own linear (softmax) rule.

    Z ~ Categorical(w), X|Z=k ~ N(mu_k, Sigma_k), P(Y=c|x, k) = softmax_c(W_k x + b_k); with Y unknown,
    P(Y=c|x) = sum_k P(Z=k|x) P(Y=c|x, k). Fitted jointly by (generalized) EM on log p(x, y).

    Of a table of columns of unlike kinds (a frame with words, dates, counts or gaps, an array with gaps) p(x|k) is that of `MixedMixture` over the
    observed cells, and rules see the vectors of rows (`form_`): standardised numbers, a one among the levels, zeros and a mark for a missing
    cell. `covariance_type` and `reg_covar` are of Gaussians alone.

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
            experts (one row for two classes; of unlike columns on their vectors, and no covariances); columns_, form_ of unlike columns, else None; converged_, n_iter_, lower_bound_, lower_bounds_, result_.

    Raises:
        DataError: infinity, a constant feature, one class in y, fewer distinct rows than components, bad weights.
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

    _family: type[Experts] = GaussianExperts
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
        X = X if isinstance(X, Mixed) else plain_data(X)
        if not reset:
            check_is_fitted(self)
            return (
                self._numbers(X, y, reset=False)
                if self.form_ is None
                else self._vectors(self._known_cells(X))
            )
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        found = unlike_columns(X)
        self._take(None if found is None else mixed_form(found))
        if found is None:
            return self._numbers(X, y, reset=True)
        check_consistent_length(found.values, y)
        self._note_classes(y)
        return self._vectors(found.values)

    def _take(self, form: MixedForm | None) -> None:
        """Stand on the vectors of a form, or on numbers as they are."""
        self._gaussian = form is None
        self._family = GaussianExperts if form is None else MixedExperts
        self._stand_on(form)

    def _note_classes(self, y: Any) -> None:
        check_classification_targets(y)
        self.classes_ = np.unique(column_or_1d(y))
        if len(self.classes_) < 2:
            raise DataError("y holds one class; a classifier needs at least two")

    def _numbers(self, X: Any, y: Any, *, reset: bool) -> Any:
        """A table of numbers without gaps."""
        kinds = [np.float64, np.float32]
        if not reset:
            return validated(self, X, reset=False, dtype=kinds, ensure_all_finite=False, order="C")
        X, y = validated(self, X, y, dtype=kinds, ensure_all_finite=False, order="C")
        self._note_classes(y)
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
        gaussian = {"covariance_type": self.covariance_type, "reg_covar": float(self.reg_covar)}
        return self._family(
            self.n_components,
            rows.n_features,
            **(gaussian if self.form_ is None else settings_of(self.form_)),
            n_classes=len(self.classes_),
            l2=float(self.l2),
            solver=self.solver,
            seed=int(random.randint(2**31 - 1)),
            dtype=rows.dtype,
            device=self.device,
        )

    def _start(self, components: Components, rows: Rows, random: Any) -> None:
        assert isinstance(components, Experts)
        components.reset_experts()
        super()._start(components, rows, random)

    def _publish(self) -> None:
        p = {name: value.cpu().numpy() for name, value in self.components_.parameters.items()}
        self.means_, self.covariances_ = p["means"], p.get("covariances")
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
        """Log p(x), or log p(x, y) with classes given, in nats, `[n]`: of the observed cells, in the units of the data."""
        found = self._each(X, y, self._log_evidence)
        return found if self.form_ is None else found - self.form_.log_volumes(self._known_cells(X))

    def sample(self, n_samples: int = 1) -> tuple[Any, np.ndarray]:
        """Draw rows `[n, d]` (of unlike columns as they were given) and their classes `[n]` from the fitted joint."""
        check_is_fitted(self)
        x, labels, generator = self._drawn(n_samples)
        every = self._experts.class_log_probabilities(x).exp_()
        p = every[labels, torch.arange(len(labels), device=labels.device)]
        drawn = torch.multinomial(p, 1, generator=generator)[:, 0]
        classes = np.asarray(self.classes_[drawn.cpu().numpy()])
        if self.form_ is None:
            return x.cpu().numpy(), classes
        return given_back(self.form_.items(x), self.form_, seed=int(generator.initial_seed())), classes

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
    def _experts(self) -> Experts:
        assert isinstance(self.components_, Experts)
        return self.components_

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()` (and the form), rebuild the fitted estimator through `from_state`."""
        form = (
            {} if self.form_ is None else {f"form.{k}": v.numpy() for k, v in self.form_.state_dict().items()}
        )
        return super().state() | {"classes": np.asarray(self.classes_)} | form

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put this (unfitted) estimator in the fitted state that `state()` gave."""
        self.classes_ = np.asarray(state["classes"])
        if self.form_ is not None:
            own = {
                k.removeprefix("form."): torch.tensor(v) for k, v in state.items() if k.startswith("form.")
            }
            self.form_.load_state_dict(own)
        super().from_state(state)
        self._take(self.form_)
        return self

    def describe(self) -> tuple[dict[str, Any], dict[str, torch.Tensor], Curves]:
        """Entries of `config.json`, tensors and a row for each iteration."""
        entries, tensors, curves = super().describe()
        if self.form_ is not None:
            entries = {**entries, "layout": None, "form": self.form_.describe()}
        return entries, tensors, curves

    @classmethod
    def rebuild(
        cls,
        config: dict[str, Any],
        tensors: dict[str, torch.Tensor],
        curves: Callable[[], Curves],
    ) -> Self:
        """The inverse of `describe`."""
        if config.get("form") is None:
            return super().rebuild(config, tensors, curves)
        self = cls(**params_of(config))
        self._take(rebuilt_form(config["form"]))
        return self.from_state(as_arrays(config["words"], tensors))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags
