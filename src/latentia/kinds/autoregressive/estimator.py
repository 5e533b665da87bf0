"""The scikit-learn face of autoregressive densities: PixelCNN, PixelRNN and their relatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia import training
from latentia.estimators.folder import Curves, params_of
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.forms.levels import Levels
from latentia.estimators.network import NetworkEstimator
from latentia.estimators.parameters import whole
from latentia.estimators.settings import training_config
from latentia.estimators.weights import mean_score
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS, DensityEntry
from latentia.kinds.autoregressive.defaults import defaults_for
from latentia.kinds.autoregressive.fitting import fit_to
from latentia.kinds.autoregressive.use import (
    DensityEvaluation,
    composed,
    contexts,
    drawn,
    known_levels,
    log_probabilities,
    with_classes,
)
from latentia.kinds.face import html_repr, report
from latentia.kinds.loading import load_as
from latentia.models import DensityModel

__all__ = ["AutoregressiveModel", "DensityEvaluation"]

_SIZES = ("n_channels", "n_layers", "kernel_size", "first_kernel_size")


class AutoregressiveModel(NetworkEstimator):
    r"""An exact density of images (or rows of few-valued numbers) as a product of conditionals, pixel by pixel.

    .. math:: \log p(x) = \sum_i \log p(x_i | x_{<i})

    It is trained by maximum likelihood; there is no latent variable and so no `transform`.

    Args:
        model: a name of `latentia.kinds.autoregressive.catalog.DENSITY_MODELS` (see `latentia models`).
        n_levels: group values into so many levels; None: the data's own values if at most 32, else 256.
        conditional: model p(x|class): `fit` then needs labels.
        n_channels: features of a layer; None: the model's default, as for the next three.
        n_layers: layers.
        kernel_size: of the layers after the first, where the model has kernels.
        first_kernel_size: of the first layer; it sees the image itself, so that a wide one costs little.
        max_epochs: passes over the data; None: by the number of rows and the size of a row.
        batch_size: None: a 16th of the data, within 8 to 16.
        optimizer: "auto" (Muon for the hidden matrices and kernels that are worth its price on this machine, AdamW for the rest), "muon" for
            all hidden matrices and kernels, "adamw" for all, or "sgd" (no momentum) for all.
        learning_rate: peak of the warm-up and cosine schedule of AdamW or SGD alone; None: the model's default.
        patience: epochs without a better validation likelihood before stopping; None: a quarter of `max_epochs`, but
            at least 10.
        validation_fraction: share of the rows kept from training to choose the best epoch, where `fit` is not given
            validation data.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training, or "auto": bfloat16 for images on a
            CPU with matrix units for it (AMX), else float32. All figures are taken in float32.
        loggers: any of "tensorboard", "csv", "mlflow", "wandb" (with a run folder).
        verbose: show a progress bar and the automatic choices.
        random_state: seed of initial weights, order of the data and the validation split.

    Attributes:
        module_: the fitted `latentia.models.DensityModel`; `module_.density` is the density.
        levels_: how numbers become levels.
        classes_: class labels, where `conditional`.
        history_: learning curves, one dict an epoch, in nats; `validation_elbo` is the exact log-likelihood.
        choices_: automatic choices with their reasons.
        event_shape_: shape of one datum.
        n_features_in_: numbers in one datum.

    Raises:
        DataError: in `fit` and all others, for data that cannot be used (a `ValueError`).
        ConfigError: in `fit`, for a wrong parameter (a `ValueError`).

    Example:
        >>> X = (np.random.default_rng(0).random((64, 1, 6, 6)) < 0.3).astype(np.uint8)
        >>> model = AutoregressiveModel("pixelcnn", n_channels=4, n_layers=2, max_epochs=1, random_state=0).fit(X)
        >>> model.sample(3, random_state=0).shape, model.score_samples(X).shape
        ((3, 1, 6, 6), (64,))
    """

    def __init__(
        self,
        model: str = "gated-pixelcnn",
        *,
        n_levels: int | None = None,
        conditional: bool = False,
        n_channels: int | None = None,
        n_layers: int | None = None,
        kernel_size: int | None = None,
        first_kernel_size: int | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "muon",
        learning_rate: float | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        device: str = "auto",
        precision: str = "auto",
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.n_levels = n_levels
        self.conditional = conditional
        self.n_channels = n_channels
        self.n_layers = n_layers
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.precision = precision
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    report, _html_repr = report, html_repr
    module_: DensityModel
    levels_: Levels
    classes_: NDArray[Any]

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        run_dir: str | Path | None = None,
        resume: bool = False,
        channels: str = "auto",
        sample_weight: Any = None,
    ) -> Self:
        """Fit to X from scratch. A fit that fails or is interrupted leaves the estimator as it was before.

        Args:
            X: images `[n, C, H, W]`, `[n, H, W, C]` or `[n, H, W]`, rows `[n, d]`, or a `latentia.data.Dataset` (its train part with its
                labels; its validation part chooses the epoch).
            y: class of each row, with `conditional`; else ignored.
            validation: rows like X (with `conditional`, a pair of rows and classes); None splits some off X.
            run_dir: where `metrics.jsonl` and checkpoints go while fitting; None keeps nothing on disk.
            resume: go on from the last checkpoint in `run_dir`, to the very weights of an uninterrupted run.
            channels: where images have them: "first", "last", or "auto": the only axis that they can be.
            sample_weight: how often each row of X counts, `[n]`; of weight 0: not at all (docs/default.md, "Weights").
        """
        fit_to(self, X, y, validation, run_dir, resume, channels, sample_weight)
        return self

    def _entry(self) -> DensityEntry:
        return DENSITY_MODELS[self.model]

    def _compose(self) -> None:
        sizes = {name: getattr(self, name) for name in _SIZES}
        self.module_ = composed(self._entry(), self.levels_, len(self.classes_), sizes)

    def _config(self, n: int, validated: bool) -> training.TrainingConfig:
        defaults = defaults_for(math.prod(self.event_shape_), self._entry().learning_rate, self.learning_rate)
        return training_config(self, n, self.seed_, validated, defaults)

    @property
    def event_shape_(self) -> tuple[int, ...]:
        """Shape of one item."""
        return self.levels_.event_shape

    def _stored(self, rows: NDArray[Any], y: Any) -> NDArray[Any]:
        """What training holds of each row: its levels, and the number of its class, `[n, C H W (+ 1)]`."""
        flat = self.levels_.stored(rows).reshape(len(rows), -1)
        return with_classes(flat, y, self.classes_) if self.conditional else flat

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Exact log p(x) (or log p(x|class)) in nats of each row, `[n]`: a probability of its levels."""
        rows = as_rows(self, X, reset=False, dense=True).rows
        return log_probabilities(self.module_.eval(), self._stored(rows, y), self.levels_.n_levels)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Weighed mean of `score_samples(X, y)`: nats per row, greater is better."""
        return mean_score(self.score_samples(X, y), sample_weight)

    def evaluate(self, X: Any, y: Any = None) -> DensityEvaluation:
        """The exact likelihood of rows, in nats and in bits per number."""
        return DensityEvaluation.of(
            self.score_samples(X, y), self.levels_.n_levels, math.prod(self.event_shape_)
        )

    def sample(
        self, n_samples: int = 1, *, labels: Any = None, temperature: float = 1.0, random_state: Any = None
    ) -> NDArray[Any]:
        """`n_samples` draws in the units and type of the data, `[n, *event]`.

        Args:
            n_samples: how many.
            labels: with `conditional`, the class of each, or one for all; None takes the classes in turn.
            temperature: below 1 draws more likely values than the model's; 0 the most likely one at each pixel.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        n = whole("n_samples", n_samples, 1)
        context = contexts(n, labels, self.classes_, self.conditional)
        return self.levels_.items(drawn(self.module_, n, context, None, None, temperature, random_state))

    def complete(
        self, X: Any, mask: Any, *, labels: Any = None, temperature: float = 1.0, random_state: Any = None
    ) -> NDArray[Any]:
        """X with the numbers outside `mask` drawn from the model, each given all numbers before it.

        Where `mask` keeps the first rows of an image this is a draw from p(rest | given). What is kept after a drawn
        number stays as it is, but the number was drawn without knowledge of it.

        Args:
            X: rows; numbers outside `mask` are not looked at, but must be values that the data have.
            mask: True where X is kept, broadcastable to the shape of X.
            labels: with `conditional`, the class of each row, or one for all; None takes the classes in turn.
            temperature: as in `sample`.
            random_state: seed; None draws anew each time.
        """
        found = as_rows(self, X, reset=False, dense=True)
        given, keep = known_levels(self.levels_, found, mask)
        context = contexts(len(given), labels, self.classes_, self.conditional)
        levels = drawn(self.module_, len(given), context, given, keep, temperature, random_state)
        return self.levels_.items(levels, found.axes)

    @staticmethod
    def load(folder: str | Path) -> AutoregressiveModel:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(AutoregressiveModel, folder)

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        entries = {
            "levels": self.levels_.describe(),
            "classes": self.classes_.tolist(),
            **self._describe_fit(),
        }
        return entries, dict(self.module_.state_dict()), self.history_

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = cls(**params_of(config))
        self.levels_ = Levels.rebuild(config["levels"])
        self.n_features_in_ = math.prod(self.event_shape_)
        self.classes_ = np.asarray(config["classes"])
        self._compose()
        self._load_weights(self.module_, tensors)
        self._take_fit(config, curves())
        return self
