"""Mixtures of Gaussians as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.utils import Tags

from latentia.errors import ConfigError
from latentia.kinds.mixture.base import BaseMixture
from latentia.kinds.mixture.gaps import FillsGaps
from latentia.mixture.components import Components
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.rows import Rows
from latentia.mixture.summary import Summary, summarize


class GaussianMixture(FillsGaps, BaseMixture):
    """Mixture of K Gaussians, p(x) = sum_k w_k N(x; mu_k, Sigma_k), fitted by EM.

    NaN in a table is a missing cell. The fit is then the exact EM for the likelihood of the observed cells, which is what may be maximised
    where cells are missing at random (which ones depends on nothing but known cells); scores and responsibilities are of the observed cells.

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

    Source: Dempster, Laird & Rubin (1977); Bishop (2006), section 9.2; with gaps Ghahramani & Jordan (1994), section 3.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2)) + np.repeat([[0.0], [9.0]], 100, axis=0)
        >>> mixture = GaussianMixture(2, random_state=0).fit(x)
        >>> np.round(mixture.weights_, 2).tolist()
        [0.5, 0.5]
    """

    _family = GaussianComponents
    _gaussian = _scaled = True

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

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows, gaps=not self.layout_.is_image)

    def _start(self, components: Components, rows: Rows, random: Any) -> None:
        super()._start(components, rows, random)
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags
