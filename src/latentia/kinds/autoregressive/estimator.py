"""The scikit-learn face of autoregressive densities: PixelCNN, PixelRNN and their relatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from latentia import training
from latentia.data import Dataset
from latentia.errors import DataError
from latentia.estimators.defaults import (
    default_averaging,
    default_density_batch_size,
    default_density_epochs,
    default_patience,
    default_precision,
)
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.forms.levels import Levels, choose_levels
from latentia.estimators.savable import Curves, params_of
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS, DensityEntry
from latentia.kinds.autoregressive.use import DensityEvaluation, DensityUse
from latentia.latent.autoregressive import build_density
from latentia.models import DensityModel
from latentia.objectives import negative_elbo
from latentia.training.randomness import seeded

__all__ = ["AutoregressiveModel", "DensityEvaluation"]

_SIZES = ("n_channels", "n_layers", "kernel_size", "first_kernel_size")


class AutoregressiveModel(DensityUse):
    r"""An exact density of images (or rows of few-valued numbers) as a product of conditionals, pixel by pixel.

    .. math:: \log p(x) = \sum_i \log p(x_i | x_{<i})

    It is trained by maximum likelihood; there is no latent variable and so no `transform`.

    Args:
        model: a name of `latentia.catalog.DENSITY_MODELS` (see `latentia models`).
        n_levels: group values into so many levels; None: the data's own values if at most 32, else 256.
        conditional: model p(x|class): `fit` then needs labels.
        n_channels: features of a layer; None: the model's default, as for the next three.
        n_layers: layers.
        kernel_size: of the layers after the first, where the model has kernels.
        first_kernel_size: of the first layer; it sees the image itself, so that a wide one costs little.
        max_epochs: passes over the data; None: by the number of rows and the size of a row.
        batch_size: None: a 16th of the data, within 8 to 16.
        optimizer: "muon" (hidden matrices and kernels by Muon, the rest by AdamW), "adamw" for all, or "sgd" (no momentum) for all.
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

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        run_dir: str | Path | None = None,
        resume: bool = False,
    ) -> AutoregressiveModel:
        """Fit to X from scratch.

        Args:
            X: images `[n, C, H, W]` or `[n, H, W]`, rows `[n, d]`, or a `latentia.data.Dataset` (its train part with its
                labels; its validation part chooses the epoch).
            y: class of each row, with `conditional`; else ignored.
            validation: rows like X (with `conditional`, a pair of rows and classes); None splits some off X.
            run_dir: where `metrics.jsonl` and checkpoints go while fitting; None keeps nothing on disk.
            resume: go on from the last checkpoint in `run_dir`, to the very weights of an uninterrupted run.

        Returns:
            Itself.
        """
        if isinstance(X, Dataset):
            if validation is None:
                validation = (X.validation.x, X.validation.y) if self.conditional else X.validation.x
            X, y = X.train.x, X.train.y
        rows, _ = as_rows(self, X, reset=True)
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.event_shape_ = tuple(rows.shape[1:])
        self.levels_, choice = choose_levels(rows, self.n_levels)
        self.choices_ = [choice]
        self.classes_ = self._find_classes(y, len(rows)) if self.conditional else np.empty(0)
        with seeded(self.seed_, torch.device("cpu")):
            self._compose()
        stored = self._stored(rows, y)
        if validation is None:
            stored, held_out = self._split(stored, self.seed_)
        else:
            pair = validation if self.conditional else (validation, None)
            held_out = self._stored(as_rows(self, pair[0], reset=False)[0], pair[1])
        config = self._config(len(stored), held_out is not None)
        self.settings_ = {
            name: getattr(config, name)
            for name in (
                "max_epochs",
                "batch_size",
                "optimizer",
                "learning_rate",
                "precision",
                "patience",
                "seed",
            )
        }
        if self.verbose:
            print(*self.choices_, sep="\n")
        history = training.fit(
            self.module_,
            negative_elbo(),
            training.Batches(stored, Tensor.long),
            None if held_out is None else training.Batches(held_out, Tensor.long),
            config,
            None if run_dir is None else Path(run_dir),
            resume=resume,
        )
        self._take_history(history, len(stored))
        return self

    def _entry(self) -> DensityEntry:
        return DENSITY_MODELS[self.model]

    def _find_classes(self, y: Any, n: int) -> NDArray[Any]:
        if y is None:
            raise DataError(
                "conditional=True needs the class of each row: fit(X, y), or a data set with labels"
            )
        labels = np.asarray(y)
        if labels.shape != (n,):
            raise DataError(f"y has shape {labels.shape}; expected one class for each of {n} rows")
        return np.unique(labels)

    def _compose(self) -> None:
        entry = self._entry()
        asked = {name: getattr(self, name) for name in _SIZES}
        options = {**entry.options, **{name: value for name, value in asked.items() if value is not None}}
        n_classes = len(self.classes_)
        density = build_density(
            entry.density,
            self.levels_.image_shape,
            self.levels_.n_levels,
            n_context=n_classes,
            ordered=True,
            **options,
        )
        self.module_ = DensityModel(density, n_classes)

    def _config(self, n: int, validated: bool) -> training.TrainingConfig:
        batch_size = default_density_batch_size(n) if self.batch_size is None else self.batch_size
        device = training.resolve_device(self.device)
        size = math.prod(self.event_shape_)
        max_epochs = (
            default_density_epochs(n, size, batch_size, device.type == "cpu")
            if self.max_epochs is None
            else self.max_epochs
        )
        patience = default_patience(max_epochs) if self.patience is None else self.patience
        rate = self._entry().learning_rate if self.learning_rate is None else self.learning_rate
        precision = (
            default_precision(self.event_shape_, device) if self.precision == "auto" else self.precision
        )
        return training.TrainingConfig(
            max_epochs=max_epochs,
            batch_size=batch_size,
            optimizer=self.optimizer,  # type: ignore[arg-type]
            learning_rate=rate,
            patience=patience if validated else None,
            averaging=default_averaging(max_epochs * max(1, n // batch_size)) if validated else None,
            gradient_clip=10.0 * math.sqrt(size),
            warmup_fraction=0.03,
            seed=self.seed_,
            device=self.device,
            precision=precision,  # type: ignore[arg-type]
            loggers=tuple(self.loggers),
            progress=self.verbose,
        )

    @staticmethod
    def load(folder: str | Path) -> AutoregressiveModel:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        from latentia.estimators.folder import load_as

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
    ) -> AutoregressiveModel:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = cls(**params_of(config))
        self.levels_ = Levels.rebuild(config["levels"])
        self.event_shape_ = self.levels_.event_shape
        self.n_features_in_ = math.prod(self.event_shape_)
        self.classes_ = np.asarray(config["classes"])
        self._compose()
        self._load_weights(self.module_, tensors)
        self._take_fit(config, curves())
        return self
