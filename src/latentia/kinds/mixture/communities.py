"""Mixtures whose components differ in how much their own rows vary."""

from __future__ import annotations

from typing import Any

from latentia.kinds.mixture.discrete import DiscreteMixture
from latentia.kinds.mixture.totals import GivenTotals
from latentia.mixture.dirichlet_multinomial import DirichletMultinomialComponents


class DirichletMultinomialMixture(GivenTotals, DiscreteMixture):
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
        >>> import numpy as np
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
