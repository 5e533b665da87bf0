"""The scikit-learn face of models of series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.errors import ConfigError, DataError
from latentia.estimators.composition import Chosen
from latentia.estimators.forms.arrays import Given
from latentia.estimators.latent import LatentEstimator
from latentia.estimators.parameters import whole
from latentia.kinds.face import ServesOnnx
from latentia.kinds.loading import load_as
from latentia.kinds.series.catalog import SERIES_MODELS, SeriesEntry
from latentia.kinds.series.composition import SeriesComposition, SeriesWay, composed
from latentia.kinds.series.face import html_repr, report
from latentia.kinds.series.form import SeriesForm, as_array, as_series
from latentia.kinds.series.inference import SeriesInference


class SeriesVAE(ServesOnnx, LatentEstimator):
    r"""A variational autoencoder of series `[T_i, C]`, of unlike lengths and with gaps (NaN).

    .. math:: p(x|z) = \prod_{t, c} N(x_{tc}; f_{tc}(z), \sigma_c^2) \quad \text{over what is observed}

    The decoder sees the code and the time, no earlier number. Each column's variance is at its optimum. The length of a series is given, not
    modelled: draws take lengths of the training data. All figures are in the units of the data.

    Args:
        model: "series-vae", or "series-linear": probabilistic principal components with gaps.
        latent_dim: length of a code; None: a fifth of the numbers of a series, within 2 and 16.
        width: states of the LSTMs.
        max_epochs: passes over the data; None: about 1500 steps.
        batch_size: None: a 16th of the data, within 16 to 64.
        optimizer: "adamw", "muon" or "sgd", as in `latentia.VAE`.
        learning_rate: peak of the schedule.
        patience: epochs without a better validation bound before stopping; None: a quarter of `max_epochs`, but at least 10.
        validation_fraction: share of the series kept from training to choose the best epoch, where `fit` is not given validation data.
        n_importance: importance samples in `score_samples`.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training; "auto": float32.
        loggers: any of "tensorboard", "csv", "mlflow", "wandb" (with a run folder).
        verbose: show a progress bar and the automatic choices.
        random_state: seed of everything random.

    Attributes:
        module_: the fitted `latentia.models.VAE`, of rows `[T, 2C]`: numbers, and whether each is observed.
        history_: learning curves, one dict an epoch, in nats per series.
        choices_: automatic choices with their reasons.

    Raises:
        DataError: for series that cannot be used (a `ValueError`).
        ConfigError: in `fit`, for a wrong parameter (a `ValueError`).

    Example:
        >>> series = [np.sin(np.arange(4 + i % 3)) for i in range(20)]
        >>> model = SeriesVAE(latent_dim=2, width=8, max_epochs=1, random_state=0).fit(series)
        >>> model.transform(series).shape, model.reconstruct(series[:2])[1].shape
        ((20, 2), (5, 1))
    """

    def __init__(
        self,
        model: str | SeriesEntry = "series-vae",
        *,
        latent_dim: int | None = None,
        width: int = 64,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 3e-3,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        device: str = "auto",
        precision: str = "auto",
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.latent_dim = latent_dim
        self.width = width
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.device = device
        self.precision = precision
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    form_: SeriesForm
    _way = SeriesWay()

    def _entry(self) -> Any:
        entry = SERIES_MODELS[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, SeriesEntry):
            raise ConfigError(f"model={self.model!r}: expected {' or '.join(SERIES_MODELS)}")
        return entry

    def _composed(self, given: Given, parts: Chosen) -> Any:
        return composed(self, given, parts)

    def _composition_of(self, described: dict[str, Any]) -> Any:
        return SeriesComposition.of(described)

    def _compose(self) -> None:
        composition: Any = self.composition_
        self.module_ = composition.build(self._entry())

    def _inference(self) -> Any:
        check_is_fitted(self)
        return SeriesInference(self.module_.eval(), self.form_)

    def _codes_of(self, Z: Any) -> Tensor:
        codes = np.asarray(Z, dtype=np.float32)
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim_:
            raise DataError(f"codes of shape {codes.shape}; expected [n, {self.latent_dim_}]")
        if not np.isfinite(codes).all():
            raise DataError("codes contain NaN or infinity; every code must be finite")
        return torch.from_numpy(codes).to(self._device())

    def inverse_transform(self, Z: Any, lengths: Any = None) -> NDArray[Any]:
        """Series for codes: means of p(x|z), an array of `[T, C]`, of the greatest length unless `lengths` says otherwise."""
        check_is_fitted(self)
        found = self._inference().means(self._codes_of(Z))
        steps = np.full(len(found), self.form_.longest) if lengths is None else np.asarray(lengths)
        if steps.shape != (len(found),) or (steps < 1).any() or (steps > self.form_.longest).any():
            raise DataError(f"lengths: expected {len(found)} whole numbers within 1 and {self.form_.longest}")
        return as_array([each[:n] for each, n in zip(found, steps, strict=True)])

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """X by way of its codes, gaps filled: means of p(x|z) at the posterior means, an array of `[T_i, C]`."""
        check_is_fitted(self)
        items = as_series(X, self.form_.n_columns)
        return self.inverse_transform(self.transform(items), items.lengths)

    def sample(self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None) -> NDArray[Any]:
        """`n_samples` new series, an array of `[T_i, C]`; lengths are drawn from those of training.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|z) instead of a draw.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        n = whole("n_samples", n_samples, 1)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        found, lengths = self._inference().drawn(n, mean, None, seed), self.form_.drawn_lengths(n, seed)
        return as_array([each[:steps] for each, steps in zip(found, lengths, strict=True)])

    report, _html_repr = report, html_repr

    @staticmethod
    def load(folder: str | Path) -> SeriesVAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(SeriesVAE, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = tags.input_tags.allow_nan = True
        return tags
