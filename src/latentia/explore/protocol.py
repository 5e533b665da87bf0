"""What exploration asks of a fitted estimator: codes, and the way back."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentia.errors import DataError


class Coder(Protocol):
    """Goes from items to codes and back, as scikit-learn's transformers do (a VAE, but PCA as well)."""

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes `[n, D]` of items `[n, *event]`."""
        ...

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Items `[n, *event]` of codes `[n, D]`."""
        ...


class Scorer(Protocol):
    """Gives each item a log-density (a VAE, a mixture, any density estimator of scikit-learn)."""

    def score_samples(self, X: Any) -> NDArray[Any]:
        """Log-densities in nats, `[n]`."""
        ...


class LatentEstimator(Coder, Scorer, Protocol):
    """A fitted `latentia.VAE`: besides codes, its torch model.

    Attributes:
        module_: gives q(z|x), p(z) and p(x|z) of model-scaled data.
        form_: from given data to model-scaled ones, and by `inverse` back.
        event_shape_: shape of one datum.
        latent_dim_: length of a code.
    """

    module_: Any
    form_: Any
    event_shape_: tuple[int, ...]
    latent_dim_: int

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """Items by way of their codes."""
        ...

    def tensors(self, X: Any) -> tuple[Any, Tensor]:
        """The module in evaluation mode, and X `[n, *event]` as it sees them."""
        ...


def as_code(values: Any, what: str) -> NDArray[np.float64]:
    """One code `[D]` in float64.

    Raises:
        DataError: if it has another number of dimensions, none at all, or NaN or infinity in it.
    """
    return _finite(np.asarray(values, dtype=np.float64), what, 1)


def as_codes(values: Any, what: str) -> NDArray[np.float64]:
    """Codes `[n, D]` in float64, n >= 1.

    Raises:
        DataError: as `as_code`.
    """
    return _finite(np.asarray(values, dtype=np.float64), what, 2)


def _finite(array: NDArray[np.float64], what: str, ndim: int) -> NDArray[np.float64]:
    shape = "[D]" if ndim == 1 else "[n, D]"
    if array.ndim != ndim or array.size == 0:
        raise DataError(f"{what} has shape {list(array.shape)}; expected {shape}, not empty")
    if not np.isfinite(array).all():
        raise DataError(f"{what} contains NaN or infinity; every number of a code must be finite")
    return array
