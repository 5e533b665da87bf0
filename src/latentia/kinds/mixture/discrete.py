"""Mixtures of discrete rows as scikit-learn estimators: Bernoulli, categorical, Poisson, multinomial, Dirichlet-multinomial."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Tags

from latentia.kinds.mixture.base import BaseMixture
from latentia.kinds.mixture.totals import GivenTotals
from latentia.mixture.components import Components
from latentia.mixture.discrete import (
    BernoulliComponents,
    CategoricalComponents,
    CountComponents,
    MultinomialComponents,
    PoissonComponents,
)
from latentia.mixture.rows import Rows
from latentia.mixture.summary import Summary, summarize


class DiscreteMixture(BaseMixture):
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

    def _new_components(self, rows: Rows, random: Any) -> Components:
        components = super()._new_components(rows, random)
        if isinstance(components, CountComponents):
            components.empty_rows = not self.strict
        return components

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        return tags


class CategoricalMixture(DiscreteMixture):
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


class PoissonMixture(DiscreteMixture):
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


class MultinomialMixture(GivenTotals, DiscreteMixture):
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
    _scaled = True

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

    def _rows(self, X: Any, y: Any = None, sample_weight: Any = None, *, reset: bool = False) -> Rows:
        return super()._rows(X, y, sample_weight, reset=reset).thresholded(self.binarize)

    def _publish(self) -> None:
        self.probabilities_ = self.components_.parameters["probabilities"].cpu().numpy()
