"""The scikit-learn face of autoregressive densities: PixelCNN, PixelRNN and their relatives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia import training
from latentia.catalog import DENSITY_MODELS, DensityEntry
from latentia.data import Dataset
from latentia.errors import ConfigError, DataError, RunFolderError
from latentia.estimators.arrays import as_rows
from latentia.estimators.defaults import (
    default_averaging,
    default_density_batch_size,
    default_density_epochs,
    default_patience,
)
from latentia.estimators.form import Choice
from latentia.estimators.levels import Levels, choose_levels
from latentia.latent.autoregressive import build_density
from latentia.models import DensityModel
from latentia.objectives import negative_elbo
from latentia.training.randomness import seeded

SAMPLED_TOGETHER = 128
_SCORED_NUMBERS = 2**22
_SIZES = ("n_channels", "n_layers", "kernel_size", "first_kernel_size")


@dataclass(frozen=True)
class DensityEvaluation:
    """What an autoregressive density says of rows; its likelihood is exact.

    Attributes:
        n: rows.
        n_levels: K.
        log_likelihood: mean log-probability of a row in nats.
        log_likelihood_se: its standard error over rows.
        bits_per_dim: -log_likelihood / (numbers in a row) / ln 2.
    """

    n: int
    n_levels: int
    log_likelihood: float
    log_likelihood_se: float | None
    bits_per_dim: float


class AutoregressiveModel(BaseEstimator):
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
        learning_rate: peak of the warm-up and cosine schedule of AdamW; None: the model's default.
        patience: epochs without a better validation likelihood before stopping; None: a quarter of `max_epochs`, but
            at least 10.
        validation_fraction: share of the rows kept from training to choose the best epoch, where `fit` is not given
            validation data.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training.
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
        learning_rate: float | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        device: str = "auto",
        precision: str = "float32",
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
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.precision = precision
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fitting

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
            stored, held_out = self._split(stored)
        else:
            pair = validation if self.conditional else (validation, None)
            held_out = self._stored(as_rows(self, pair[0], reset=False)[0], pair[1])
        config = self._config(len(stored), held_out is not None)
        self.settings_ = {
            name: getattr(config, name)
            for name in ("max_epochs", "batch_size", "learning_rate", "patience", "seed")
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
        self.history_ = history.rows()
        self.best_epoch_ = history.best_epoch
        self.stopped_early_ = history.stopped_early
        self.n_train_ = len(stored)
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

    def _stored(self, rows: NDArray[Any], y: Any) -> NDArray[Any]:
        """What training holds of each row: its levels, and the number of its class, `[n, C H W (+ 1)]`."""
        flat = self.levels_.encode(rows).reshape(len(rows), -1)
        if not self.conditional:
            return flat
        if y is None:
            raise DataError(
                f"this model is conditional on {len(self.classes_)} classes: give the class of each row"
            )
        labels = np.asarray(y)
        if labels.shape != (len(rows),):
            raise DataError(f"labels of shape {labels.shape}; expected one for each of {len(rows)} rows")
        numbers = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        if (self.classes_[numbers] != labels).any():
            unknown = labels[self.classes_[numbers] != labels][0]
            raise DataError(
                f"label {unknown!r} is none of the classes {self.classes_.tolist()} of the training data"
            )
        return np.concatenate([flat, numbers[:, None].astype(flat.dtype)], 1)

    def _split(self, stored: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        fraction = self.validation_fraction
        if not 0 <= fraction < 1:
            raise ConfigError(
                f"validation_fraction={fraction} must lie in [0, 1); 0 keeps no validation rows"
            )
        n_held = round(fraction * len(stored))
        if n_held < 1 or len(stored) < 10:
            return stored, None
        order = np.random.default_rng([self.seed_, 1]).permutation(len(stored))
        return stored[np.sort(order[n_held:])], stored[np.sort(order[:n_held])]

    def _config(self, n: int, validated: bool) -> training.TrainingConfig:
        batch_size = default_density_batch_size(n) if self.batch_size is None else self.batch_size
        on_cpu = training.resolve_device(self.device).type == "cpu"
        size = math.prod(self.event_shape_)
        max_epochs = (
            default_density_epochs(n, size, batch_size, on_cpu)
            if self.max_epochs is None
            else self.max_epochs
        )
        patience = default_patience(max_epochs) if self.patience is None else self.patience
        rate = self._entry().learning_rate if self.learning_rate is None else self.learning_rate
        return training.TrainingConfig(
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=rate,
            patience=patience if validated else None,
            averaging=default_averaging(max_epochs * max(1, n // batch_size)) if validated else None,
            gradient_clip=10.0 * math.sqrt(size),
            warmup_fraction=0.03,
            seed=self.seed_,
            device=self.device,
            precision=self.precision,  # type: ignore[arg-type]
            loggers=tuple(self.loggers),
            progress=self.verbose,
        )

    # ------------------------------------------------------------------ using

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Exact log p(x) (or log p(x|class)) in nats of each row, `[n]`: a probability of its levels."""
        rows, _ = as_rows(self, X, reset=False)
        stored = self._stored(rows, y)
        module = self.module_.eval()
        at_once = max(1, _SCORED_NUMBERS // (stored.shape[1] * max(64, self.levels_.n_levels)))
        with torch.inference_mode():
            scores = [
                module.log_prob(torch.from_numpy(np.ascontiguousarray(part)).to(self._device()).long())
                .double()
                .cpu()
                for part in _parts(stored, at_once)
            ]
        return torch.cat(scores).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples(X, y)`: nats per row, greater is better."""
        return float(self.score_samples(X, y).mean())

    def evaluate(self, X: Any, y: Any = None) -> DensityEvaluation:
        """The exact likelihood of rows, in nats and in bits per number."""
        scores = self.score_samples(X, y)
        n = len(scores)
        mean = float(scores.mean())
        return DensityEvaluation(
            n=n,
            n_levels=self.levels_.n_levels,
            log_likelihood=mean,
            log_likelihood_se=float(scores.std(ddof=1) / math.sqrt(n)) if n > 1 else None,
            bits_per_dim=-mean / math.prod(self.event_shape_) / math.log(2),
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
        if isinstance(n_samples, bool) or int(n_samples) != n_samples or n_samples < 1:
            raise ConfigError(f"n_samples={n_samples!r}: expected a whole number of at least 1")
        return self._drawn(
            n_samples, self._contexts(n_samples, labels), None, None, temperature, random_state
        )

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
        rows, _ = as_rows(self, X, reset=False)
        kept = np.asarray(mask, dtype=bool)
        try:
            kept = np.broadcast_to(kept, rows.shape)
        except ValueError:
            raise DataError(
                f"mask of shape {kept.shape} does not broadcast to rows of shape {rows.shape}"
            ) from None
        shape = (len(rows), *self.levels_.image_shape)
        given = torch.from_numpy(self.levels_.encode(rows)).long()
        keep = torch.from_numpy(np.ascontiguousarray(kept)).reshape(shape)
        return self._drawn(
            len(rows), self._contexts(len(rows), labels), given, keep, temperature, random_state
        )

    def _contexts(self, n: int, labels: Any) -> Tensor | None:
        if not self.conditional:
            if labels is not None:
                raise ConfigError("labels are for models that were fitted with conditional=True")
            return None
        turn = self.classes_[np.arange(n) % len(self.classes_)] if labels is None else np.asarray(labels)
        wanted = np.broadcast_to(turn, (n,))
        numbers = np.searchsorted(self.classes_, wanted).clip(max=len(self.classes_) - 1)
        if (self.classes_[numbers] != wanted).any():
            raise ConfigError(f"labels must be among the classes {self.classes_.tolist()}")
        return torch.eye(len(self.classes_))[torch.from_numpy(numbers)]

    def _drawn(
        self,
        n: int,
        contexts: Tensor | None,
        given: Tensor | None,
        keep: Tensor | None,
        temperature: float,
        random_state: Any,
    ) -> NDArray[Any]:
        seed, device = int(check_random_state(random_state).randint(2**31 - 1)), self._device()
        density = self.module_.eval().density
        parts = []
        with seeded(seed, device):
            for start in range(0, n, SAMPLED_TOGETHER):
                chosen = slice(start, min(n, start + SAMPLED_TOGETHER))
                context, known, kept = (
                    None if each is None else each[chosen].to(device) for each in (contexts, given, keep)
                )
                size = chosen.stop - start
                parts.append(
                    density.sample(size, context, known, kept, temperature=temperature).cpu().numpy()
                )
        return self.levels_.decode(np.concatenate(parts))

    # ------------------------------------------------------------------ keeping

    def save(self, folder: str | Path) -> Path:
        """Write a run folder that `latentia.load` reads; no pickle."""
        from latentia.estimators.folder import save

        check_is_fitted(self)
        return save(self, Path(folder))

    @staticmethod
    def load(folder: str | Path) -> AutoregressiveModel:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        from latentia.estimators.folder import load

        estimator = load(folder)
        if not isinstance(estimator, AutoregressiveModel):
            raise RunFolderError(f"{folder} holds a {type(estimator).__name__}: use latentia.load")
        return estimator

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], list[dict[str, Any]]]:
        """Entries of `config.json`, tensors and learning curves."""
        entries = {
            "levels": self.levels_.describe(),
            "classes": self.classes_.tolist(),
            "choices": [[choice.what, choice.value, choice.reason] for choice in self.choices_],
            "fit": {
                "seed": self.seed_,
                "n_train": self.n_train_,
                "best_epoch": self.best_epoch_,
                "stopped_early": self.stopped_early_,
                "settings": self.settings_,
            },
        }
        return entries, dict(self.module_.state_dict()), self.history_

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], history: list[dict[str, Any]]
    ) -> AutoregressiveModel:
        """The inverse of `describe`, from a run folder's configuration, weights and learning curves.

        Raises:
            RunFolderError: if the weights are not those of the model.
        """
        self = cls(**{**config["params"], "loggers": tuple(config["params"]["loggers"])})
        self.levels_ = Levels.rebuild(config["levels"])
        self.event_shape_ = self.levels_.event_shape
        self.n_features_in_ = math.prod(self.event_shape_)
        self.classes_ = np.asarray(config["classes"])
        self.choices_ = [Choice(*choice) for choice in config["choices"]]
        fit = config["fit"]
        self.seed_, self.n_train_, self.settings_ = fit["seed"], fit["n_train"], fit["settings"]
        self.best_epoch_, self.stopped_early_ = fit["best_epoch"], fit["stopped_early"]
        self.history_ = history
        self._compose()
        try:
            self.module_.load_state_dict(tensors)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise RunFolderError(f"the weights do not fit the model of config.json: {first}") from error
        self.module_.eval()
        if self.device != "cpu":
            self.module_.to(training.resolve_device("auto"))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def _device(self) -> torch.device:
        return next(self.module_.parameters()).device


def _parts(rows: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
