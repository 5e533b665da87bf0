"""What all mixture estimators share: scikit-learn's face over the EM engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from latentia.data.given import check_frame, plain_data
from latentia.data.pictures import Axes
from latentia.data.validated import validated
from latentia.estimators.folder import Curves, params_of, save_fitted
from latentia.estimators.forms.arrays import images_of
from latentia.estimators.forms.layout import Layout
from latentia.estimators.parameters import whole
from latentia.estimators.weights import check_weights, mean_score
from latentia.kinds.face import ServesOnnx, html_repr, report
from latentia.kinds.mixture.fitting import continue_with, fit_to
from latentia.kinds.mixture.state import as_arrays, as_tensors, curves_of, result_from_state, result_state
from latentia.mixture.components import Components
from latentia.mixture.criteria import ComponentFault, Scores, scores, verdict
from latentia.mixture.em import EMResult, posterior
from latentia.mixture.rows import Rows
from latentia.mixture.start import initialize
from latentia.mixture.stepwise import StepwiseEM
from latentia.mixture.summary import Summary, summarize


def _streams(mixture: Any) -> bool:
    return bool(mixture._additive)


class BaseMixture(DensityMixin, BaseEstimator):
    """Fit, predict, score and sample for one family of components; subclasses say which."""

    _family: type[Components]
    _float64_only = False
    _gaussian = False
    """Whether rows must be dense, and pixels that never change are left out."""
    _scaled = False
    """Whether the bytes of images stand for [0, 1]; else they are counts."""
    _sparse = True
    """Whether rows may be sparse."""
    _additive = True
    """Whether rows can come in batches."""
    conditions_on_total = False
    """Whether rows are scored given their totals."""
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
    layout_: Layout
    components_: Components
    result_: EMResult
    _stepwise: StepwiseEM | None

    report, _html_repr = report, html_repr
    export, onnx_parser = ServesOnnx.export, ServesOnnx.onnx_parser
    onnx_shape_calculator, onnx_converter = ServesOnnx.onnx_shape_calculator, ServesOnnx.onnx_converter
    save = save_fitted

    # What a subclass gives ------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """Constructor arguments of the family beside K, d, precision and device."""
        return {}

    def _publish(self) -> None:
        """Set the fitted attributes beside `weights_`."""

    def _start(self, components: Components, rows: Rows, random: Any) -> None:
        """Put components at the next start."""
        initialize(components, rows, self.init_params, random)

    def _targets(self, y: Any, *, reset: bool) -> np.ndarray | None:  # noqa: ARG002
        """What rows are fitted to beside themselves."""
        return None

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows, nonnegative=self._family.counts, integer=self._family.counts)

    def _new_components(self, rows: Rows, random: Any) -> Components:  # noqa: ARG002
        return self._family(
            self.n_components, rows.n_features, dtype=rows.dtype, device=self.device, **self._settings()
        )

    # From items to rows ---------------------------------------------------------------------------------------

    def _table(self, X: Any, y: Any, *, reset: bool) -> Any:  # noqa: ARG002
        """Items, validated, as rows `[n, d]`."""
        X = plain_data(X)
        check_frame(X)
        images = not sparse.issparse(X) and getattr(X, "ndim", 2) >= 3
        if not reset:
            check_is_fitted(self)
            images = images or (self.layout_.is_image and not sparse.issparse(X))
        items: Any = X
        axes: Axes = "first"
        if images:
            items, _, axes = images_of(X, None if reset else self.layout_, fewest=2 if reset else 1)[:3]
            if reset:
                self.n_features_in_ = int(np.prod(items.shape[1:]))
        else:
            accepted = "csr" if self._sparse else False
            items = validated(
                self, X, reset=reset, accept_sparse=accepted, order="C", ensure_all_finite=False
            )
        if reset:
            self.layout_ = Layout.of(items, dense=self._gaussian, scaled=self._scaled, axes=axes)
        return self.layout_.stored(items)

    def _rows(self, X: Any, y: Any = None, sample_weight: Any = None, *, reset: bool = False) -> Rows:
        """Validate items and wrap them."""
        table = self._table(X, y, reset=reset)
        single = table.dtype == np.float32 and not self._float64_only
        weights = None if sample_weight is None else check_weights(sample_weight, table.shape[0])
        dtype = torch.float32 if single else torch.float64
        targets = self._targets(y, reset=reset)
        return Rows(table, weights=weights, targets=targets, dtype=dtype, device=self.device)

    # Fit ------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Estimate the parameters by EM from `n_init` starts and keep the best. A fit that fails changes nothing.

        Args:
            X: rows `[n, d]`: NumPy (a memory map is read in chunks), pandas, torch, or SciPy sparse; or images `[n, C, H, W]`.
            y: ignored.
            sample_weight: non-negative weight of each row, `[n]`.

        Raises:
            DataError: values that the family cannot have, fewer distinct rows than components, bad weights.
            ConfigError: a parameter out of range or unknown.
        """
        fit_to(self, X, y, sample_weight)
        return self

    @available_if(_streams)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """One step of stepwise EM on a batch (Cappe & Moulines 2009); the first batch also sets the start.

        After `fit`, its rows count as seen. A step that fails changes nothing.

        Args:
            X: a batch of rows `[n, d]`.
            y: ignored.
            sample_weight: non-negative weight of each row.

        Raises:
            DataError: as `fit`; the first batch needs at least `n_components` distinct rows.
            ConfigError: if the model was written by a version that did not keep what it has seen.
        """
        continue_with(self, X, y, sample_weight)
        return self

    @available_if(_streams)  # type: ignore[untyped-decorator]
    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, then the most probable component of each row, `[n]`."""
        return self.fit(X, y, sample_weight).predict(X)

    def _settle(self, components: Components) -> None:
        self.components_ = components
        self.weights_ = components.parameters["weights"].cpu().numpy()
        self.converged_, self.n_iter_ = self.result_.converged, self.result_.n_iter
        self.lower_bounds_ = list(self.result_.log_likelihood)
        self.lower_bound_ = self.lower_bounds_[-1] if self.lower_bounds_ else -np.inf
        self._publish()

    # Use ------------------------------------------------------------------------------------------------------

    def _checked(self, X: Any, y: Any = None) -> Rows:
        rows = self._rows(X, y)
        self.components_.gaps = self._summary(rows).gaps
        self.components_.dtype = rows.dtype
        return rows

    def _each(self, X: Any, y: Any, of: Callable[[Any, Any, Any], np.ndarray]) -> np.ndarray:
        """`of(chunk, responsibilities [K, B], log evidence [B])` of all chunks, one after another."""
        rows = self._checked(X, y)
        self.components_.begin()
        chunks = self.components_.chunks(rows)
        return np.concatenate([of(chunk, *posterior(self.components_, chunk)[1:]) for chunk in chunks])

    def score_samples(self, X: Any) -> np.ndarray:
        """Log p(x) of each item in nats, `[n]`."""
        return self._each(X, None, self._log_evidence)

    def _log_evidence(self, chunk: Any, responsibilities: Any, log_evidence: Any) -> np.ndarray:  # noqa: ARG002
        h = self.components_.base_measure(chunk)
        return np.asarray((log_evidence if h is None else log_evidence + h).cpu().numpy())

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: ARG002
        """Mean log p(x) in nats an item, each as often as its weight says."""
        return mean_score(self.score_samples(X), sample_weight)

    def predict_proba(self, X: Any) -> np.ndarray:
        """p(k|x), the responsibilities, `[n, K]`."""
        return self._each(X, None, _responsibilities)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable component of each item, `[n]`."""
        return self.predict_proba(X).argmax(1)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw items `[n, d]` (of a mixture of images `[n, *event]`) and their components `[n]`, which come sorted."""
        check_is_fitted(self)
        rows, labels, _ = self._drawn(n_samples)
        return self.layout_.items(rows.cpu().numpy()), labels.cpu().numpy()

    def _drawn(self, n_samples: int) -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
        n_samples = whole("n_samples", n_samples, 1)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator(self.components_.device).manual_seed(seed)
        weights = self.components_.parameters["weights"]
        labels = torch.multinomial(weights, n_samples, replacement=True, generator=generator)
        labels = labels.sort().values if self._additive else labels
        return self.components_.sample(labels, generator), labels, generator

    def scores(self, X: Any, y: Any = None) -> Scores:
        """All criteria on a table from one pass: see `latentia.mixture.criteria.Scores`."""
        return scores(self.components_, self._checked(X, y))

    def aic(self, X: Any, y: Any = None) -> float:
        """Akaike's criterion (smaller is better): -2 l + 2 P."""
        return self.scores(X, y).aic

    def bic(self, X: Any, y: Any = None) -> float:
        """Bayesian information criterion (smaller is better): -2 l + P log n."""
        return self.scores(X, y).bic

    def icl(self, X: Any, y: Any = None) -> float:
        """Integrated completed likelihood (smaller is better): BIC plus twice the responsibilities' entropy."""
        return self.scores(X, y).icl

    def laplace(self, X: Any, y: Any = None) -> float:
        """-2 log evidence by Laplace's method (smaller is better): see `latentia.mixture.criteria.scores`."""
        return self.scores(X, y).laplace

    def verdict(self, X: Any, y: Any = None) -> tuple[ComponentFault, ...]:
        """What is wrong with the fit (singular, empty or duplicate components, no convergence); empty if nothing."""
        rows = self._checked(X, y)
        return verdict(self.components_, rows, self.result_, self.layout_.resolution(X))

    # Keep -----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()`, rebuild the fitted estimator through `from_state`."""
        check_is_fitted(self)
        seen = {} if self._stepwise is None else self._stepwise.state(self.components_)
        return self.components_.state() | result_state(self.result_) | seen

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put this (unfitted) estimator in the fitted state that `state()` gave."""
        components = self._family.from_state(state, device=self.device)
        self.result_ = result_from_state(state)
        self.n_features_in_ = components.n_features
        self.layout_ = Layout((components.n_features,), self._gaussian)
        self._stepwise = StepwiseEM.from_state(state, components)
        self._settle(components)
        return self

    def describe(self) -> tuple[dict[str, Any], dict[str, torch.Tensor], Curves]:
        """Entries of `config.json`, tensors and a row for each iteration."""
        words, tensors = as_tensors(self.state())
        return {"words": words, "layout": self.layout_.describe()}, tensors, curves_of(self.result_)

    @classmethod
    def rebuild(
        cls,
        config: dict[str, Any],
        tensors: dict[str, torch.Tensor],
        curves: Callable[[], Curves],  # noqa: ARG003  they are part of the state
    ) -> Self:
        """The inverse of `describe`."""
        self = cls(**params_of(config)).from_state(as_arrays(config["words"], tensors))
        if config.get("layout") is not None:
            self.layout_ = Layout.rebuild(config["layout"])
            self.n_features_in_ = int(np.prod(self.layout_.event_shape))
        return self


def _responsibilities(chunk: Any, responsibilities: Any, log_evidence: Any) -> np.ndarray:  # noqa: ARG001
    return np.asarray(responsibilities.T.cpu().numpy().copy())
