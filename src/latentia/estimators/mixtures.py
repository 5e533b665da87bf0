"""Mixtures as scikit-learn estimators: Gaussian, Bernoulli, categorical, Poisson, multinomial, Dirichlet-multinomial."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.utils import Tags

from latentia.errors import ConfigError
from latentia.estimators._mixture import BaseMixture
from latentia.estimators.mixture_classifier import GaussianMixtureClassifier
from latentia.mixture.components import Components
from latentia.mixture.dirichlet_multinomial import DirichletMultinomialComponents
from latentia.mixture.discrete import (
    BernoulliComponents,
    CategoricalComponents,
    CountComponents,
    MultinomialComponents,
    PoissonComponents,
)
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.rows import Rows, Summary, summarize

__all__ = [
    "BernoulliMixture",
    "CategoricalMixture",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "GaussianMixtureClassifier",
    "MultinomialMixture",
    "PoissonMixture",
]


class GaussianMixture(BaseMixture):
    """Mixture of K Gaussians, p(x) = sum_k w_k N(x; mu_k, Sigma_k), fitted by EM.

    Args:
        n_components: K.
        covariance_type: "full", "tied", "diag" or "spherical".
        tol: threshold of the stopping rule (see `criterion`).
        reg_covar: variance added to every feature, in squared units of the data.
        max_iter: most EM iterations.
        n_init: number of starts; the best is kept.
        init_params: "kmeans", "k-means++", "random" or "random_from_data".
        criterion: "log-likelihood" (change of the mean, nats a row) or "q" (relative change of Q).
        weights_init: start of the weights, `[K]`.
        means_init: start of the means, `[K, d]`.
        precisions_init: start of the precisions, shaped as `precisions_`.
        warm_start: whether `fit` goes on from the former fit.
        random_state: seed; the same seed gives the same fit.
        device: "cpu" or a CUDA device.
        verbose: whether to print each iteration.

    Attributes:
        weights_, means_, covariances_, precisions_, precisions_cholesky_: fitted parameters (float64).
        converged_, n_iter_, lower_bound_, lower_bounds_: as in scikit-learn; `result_` holds more (`EMResult`).

    Raises:
        DataError, ConfigError: on `fit`, for data or parameters that cannot be used.
        TrainingError: on `fit`, for a singular covariance.

    Source: Dempster, Laird & Rubin (1977); Bishop (2006), section 9.2.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2)) + np.repeat([[0.0], [9.0]], 100, axis=0)
        >>> mixture = GaussianMixture(2, random_state=0).fit(x)
        >>> np.round(mixture.weights_, 2).tolist()
        [0.5, 0.5]
    """

    _family = GaussianComponents

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        criterion: str = "log-likelihood",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.criterion = criterion
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def _settings(self) -> dict[str, Any]:
        if not self.reg_covar >= 0:
            raise ConfigError(f"reg_covar={self.reg_covar!r}: a number of at least 0 was expected")
        return {"covariance_type": self.covariance_type, "reg_covar": float(self.reg_covar)}

    def _override(self, components: Components) -> None:
        assert isinstance(components, GaussianComponents)
        k, d = components.n_components, components.n_features
        p = dict(components.parameters)
        if self.weights_init is not None:
            p["weights"] = self._given("weights_init", (k,))
            if bool((p["weights"] < 0).any()) or abs(float(p["weights"].sum()) - 1) > 1e-6:
                raise ConfigError("weights_init: non-negative numbers that sum to 1 were expected")
        if self.means_init is not None:
            p["means"] = self._given("means_init", (k, d))
        if self.precisions_init is not None:
            shape = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[
                self.covariance_type
            ]
            precisions = self._given("precisions_init", shape)
            if self.covariance_type in ("full", "tied"):
                if bool((torch.linalg.cholesky_ex(precisions).info != 0).any()):
                    raise ConfigError("precisions_init: symmetric positive definite matrices were expected")
                p["covariances"] = torch.linalg.inv(precisions)
            elif not bool((precisions > 0).all()):
                raise ConfigError("precisions_init: numbers above 0 were expected")
            else:
                p["covariances"] = 1 / precisions
        components.set_parameters(p["weights"], p["means"], p["covariances"])

    def _given(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        value = np.array(getattr(self, name), dtype=np.float64)
        if value.shape != shape:
            raise ConfigError(f"{name} has shape {value.shape}; {shape} was expected")
        return torch.from_numpy(value).to(self.device)

    def _publish(self) -> None:
        p = self.components_.parameters
        assert isinstance(self.components_, GaussianComponents)
        self.means_, self.covariances_ = p["means"].cpu().numpy(), p["covariances"].cpu().numpy()
        factor = self.components_.precision_factor.cpu().numpy()
        self.precisions_cholesky_ = factor
        square = self.covariance_type in ("full", "tied")
        self.precisions_ = factor @ np.swapaxes(factor, -1, -2) if square else factor**2


class _DiscreteMixture(BaseMixture):
    """Constructor and tags of the mixtures of discrete rows."""

    def __init__(
        self,
        n_components: int = 1,
        *,
        smoothing: float = 0.1,
        strict: bool = True,
        tol: float = 1e-3,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        criterion: str = "log-likelihood",
        warm_start: bool = False,
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.smoothing = smoothing
        self.strict = strict
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.criterion = criterion
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def _settings(self) -> dict[str, Any]:
        return {"smoothing": float(self.smoothing)}

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows, nonnegative=True, integer=self.strict)

    def _new_components(self, n_features: int, dtype: torch.dtype) -> Components:
        components = super()._new_components(n_features, dtype)
        if isinstance(components, CountComponents):
            components.empty_rows = not self.strict
        return components

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        return tags


class CategoricalMixture(_DiscreteMixture):
    """Latent class model: p(x) = sum_k w_k prod_j p_kj[x_j], each column a category number 0, 1, 2, ...

    Args:
        n_components: K.
        smoothing: pseudo-counts of each category (Dirichlet(1 + a) prior); 0 is maximum likelihood.
        strict: whether fractional values are refused; False cuts them to the whole number below.
        tol, max_iter, n_init, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`; category_probabilities_: a list of d arrays `[K, L_j]`.

    Raises:
        DataError: negative or fractional values; on predicting, a category that was not seen in fitting.

    Source: Lazarsfeld & Henry (1968); Goodman (1974), Biometrika 61(2).

    Example:
        >>> x = np.repeat([[0, 0, 1], [2, 1, 0]], 20, axis=0)
        >>> CategoricalMixture(2, random_state=0).fit(x).n_categories_.tolist()
        [3, 2, 2]
    """

    _family = CategoricalComponents

    def _publish(self) -> None:
        assert isinstance(self.components_, CategoricalComponents)
        self.n_categories_ = self.components_.levels.cpu().numpy()
        p = self.components_.parameters["probabilities"].cpu().numpy()
        self.category_probabilities_ = np.split(p, np.cumsum(self.n_categories_)[:-1], axis=1)


class PoissonMixture(_DiscreteMixture):
    """Mixture of independent Poisson counts, p(x) = sum_k w_k prod_j Poisson(x_j; lambda_kj).

    Args:
        n_components: K.
        smoothing: pseudo-counts at the column's mean (Gamma prior); 0 is maximum likelihood.
        strict: whether fractional counts are refused; False takes them as they are (factorials become gammas).
        tol, max_iter, n_init, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`; rates_: `[K, d]`, counts a row.

    Raises:
        DataError: negative or fractional values.

    Source: McLachlan & Peel (2000), Finite Mixture Models, section 5.4.

    Example:
        >>> x = np.repeat([[1, 9], [8, 0]], 50, axis=0)
        >>> np.round(np.sort(PoissonMixture(2, random_state=0).fit(x).rates_, 0)).tolist()
        [[1.0, 0.0], [8.0, 9.0]]
    """

    _family = PoissonComponents

    def _publish(self) -> None:
        self.rates_ = self.components_.parameters["rates"].cpu().numpy()


class MultinomialMixture(_DiscreteMixture):
    """Mixture of multinomial rows given their totals, p(x|n) = sum_k w_k Multinomial(x; n, p_k).

    Args:
        n_components: K.
        smoothing: pseudo-counts of each column (Dirichlet(1 + a) prior); 0 is maximum likelihood.
        strict: whether fractional counts and rows without a count are refused; False takes them as they are.
        tol, max_iter, n_init, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`; probabilities_: `[K, d]`.

    Raises:
        DataError: negative or fractional values, rows without a count, a single column.

    Source: Nigam et al. (2000), Machine Learning 39, section 3.

    Example:
        >>> x = np.repeat([[9, 1, 0], [0, 2, 8]], 30, axis=0)
        >>> MultinomialMixture(2, random_state=0).fit(x).weights_.round(2).tolist()
        [0.5, 0.5]
    """

    _family = MultinomialComponents

    def _publish(self) -> None:
        self.probabilities_ = self.components_.parameters["probabilities"].cpu().numpy()


class BernoulliMixture(BaseMixture):
    """Mixture of independent binary columns, p(x) = sum_k w_k prod_j p_kj^x_j (1 - p_kj)^(1 - x_j).

    Args:
        n_components: K.
        binarize: values above it count as 1, others as 0; None: the table must hold zeros and ones.
        smoothing: pseudo-counts of each outcome (Beta(1 + a, 1 + a) prior); 0 is maximum likelihood.
        tol, max_iter, n_init, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`; probabilities_: `[K, d]`, of a one.

    Raises:
        DataError: with `binarize=None`, values other than 0 and 1.

    Source: Bishop (2006), section 9.3.3.

    Example:
        >>> x = np.repeat([[1, 1, 0], [0, 0, 1]], 30, axis=0)
        >>> BernoulliMixture(2, random_state=0).fit(x).probabilities_.round().sum()
        np.float64(3.0)
    """

    _family = BernoulliComponents

    def __init__(
        self,
        n_components: int = 1,
        *,
        binarize: float | None = 0.5,
        smoothing: float = 0.1,
        tol: float = 1e-3,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        criterion: str = "log-likelihood",
        warm_start: bool = False,
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.smoothing = smoothing
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.criterion = criterion
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self.binarize = binarize

    def _settings(self) -> dict[str, Any]:
        return {"smoothing": float(self.smoothing)}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, X: Any, sample_weight: Any = None, *, reset: bool = False) -> Rows:
        return super()._rows(X, sample_weight, reset=reset).thresholded(self.binarize)

    def _publish(self) -> None:
        self.probabilities_ = self.components_.parameters["probabilities"].cpu().numpy()


class DirichletMultinomialMixture(_DiscreteMixture):
    """Mixture of Dirichlet-multinomial counts: discrete community types with variation inside each.

    p(x|n) = sum_k w_k n!/prod x_j! B(alpha_k + x) / B(alpha_k), with a Gamma(eta, nu) prior on each alpha. The precision
    theta_k = sum_j alpha_kj says how tight a type is. `aic, bic, icl, laplace` are on the scale of the paper: NLE + P,
    NLE + P/2 log n, and so on, with NLE = -(log-likelihood + log prior).

    Args:
        n_components: K.
        prior_shape: eta of the Gamma prior.
        prior_rate: nu of the Gamma prior.
        strict: whether fractional counts and rows without a count are refused; False takes them (to 1/1024 of a count).
        n_init: number of starts; the likelihood has many optima, hence 5.
        tol, max_iter, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`; alphas_: `[K, d]`; theta_: `[K]`, their sums.

    Raises:
        DataError: negative or fractional values, rows without a count, a single column.

    Source: Holmes, Harris & Quince (2012), PLoS ONE 7(2) e30126.

    Example:
        >>> x = np.random.default_rng(0).multinomial(50, [0.5, 0.3, 0.2], size=40)
        >>> DirichletMultinomialMixture(1).fit(x).theta_.shape
        (1,)
    """

    _family = DirichletMultinomialComponents
    _float64_only = True

    def __init__(
        self,
        n_components: int = 1,
        *,
        prior_shape: float = 0.1,
        prior_rate: float = 0.1,
        strict: bool = True,
        tol: float = 1e-6,
        max_iter: int = 500,
        n_init: int = 5,
        init_params: str = "kmeans",
        criterion: str = "log-likelihood",
        warm_start: bool = False,
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.prior_shape = prior_shape
        self.prior_rate = prior_rate
        self.strict = strict
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.criterion = criterion
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def _settings(self) -> dict[str, Any]:
        return {"prior_shape": float(self.prior_shape), "prior_rate": float(self.prior_rate)}

    def _publish(self) -> None:
        self.alphas_ = self.components_.parameters["alphas"].cpu().numpy()
        self.theta_ = self.alphas_.sum(1)
