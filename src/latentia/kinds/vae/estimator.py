"""The scikit-learn face of the VAE family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from sklearn.utils import Tags

from latentia import training
from latentia.core import Objective
from latentia.data import Dataset
from latentia.estimators.defaults import (
    default_averaging,
    default_batch_size,
    default_epochs,
    default_gradient_clip,
    default_patience,
    default_precision,
)
from latentia.estimators.entry import Entry
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.latent_scores import VAEScores
from latentia.estimators.parameters import whole
from latentia.kinds.vae.monitoring import Monitor
from latentia.kinds.vae.schedules import information
from latentia.latent import Likelihood
from latentia.nn import Network
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.training import Schedule


class VAE(VAEScores):
    r"""A variational autoencoder fitted to arrays, tables, counts or images; the default has nothing to tune.

    It maximises the evidence lower bound E_q[log p(x|z)] - KL(q(z|x) || p(z)) (Kingma & Welling 2014), with, for real
    data, a Gaussian likelihood whose variance is the optimum for its residuals (Rybkin et al. 2021). Whatever is left at
    None or "auto" is chosen from the data; `choices_` says what was chosen and why.

    Args:
        model: a name of the catalog (`latentia models`), or a `latentia.catalog.Entry`.
        latent_dim: length of a code; None: 2 to 64 by the size of a datum.
        objective_options: options of the model's objective, such as `{"beta": 8}`; weights may be ramps, such as
            `{"beta": {"ramp": "linear", "until": 0.3}}`. An unknown one is refused with the list of those there are.
        likelihood: a name of `latentia.latent.LIKELIHOODS`, what builds one from the event shape, or "auto".
        network: "mlp", "conv", a `latentia.nn.Network`, or "auto": by the shape of a datum and the number of rows.
        schedule: how encoder and decoder take turns: "joint", "aggressive", "alternating", a `latentia.training.Schedule`, or
            "auto": that of the model.
        schedule_options: options of the schedule called by name, such as `{"ratio": 5, "epochs": 0.5}`; with "auto" they
            replace options of the model's own schedule.
        max_epochs: passes over the data; None: 6000 updates (20 000 on a GPU) for 50 000 items or more, fewer by the
            square root of their number, within 5 to 300 epochs.
        batch_size: None: a 16th of the data, within 16 to 64.
        optimizer: "muon" (hidden matrices and kernels by Muon, the rest by AdamW), "adamw" for all, or "sgd" (no momentum) for all.
        learning_rate: peak of the warm-up and cosine schedule of AdamW or SGD alone; with "muon" see
            `latentia.training.optimizers.optimizers_for`.
        patience: epochs without a better validation bound before stopping; None: a quarter of `max_epochs`,
            but at least 10.
        validation_fraction: share of the rows kept from training to choose the best epoch, where `fit` is not
            given validation data.
        n_importance: importance samples in `score_samples` and `score`.
        sampler: where `sample` draws codes: "prior" from p(z), or "aggregate-posterior" from a mixture of Gaussians
            that is fitted, after training, to codes of the training data (`fit_sampler`): for priors with holes. "auto": as the
            model has it ("sigma-vae": the mixture, where rows are enough for one; all others: the prior).
        refinement_steps: steps toward each item's own posterior that follow the encoder wherever the fitted model encodes
            (`latentia.models.refinement`): sharper reconstructions and a tighter bound for some time. "auto": as the model has
            it ("sigma-vae": 5, where the rate has weight 1 and held-out rows gain by them; all others: 0).
        binarize: for grey images: draw binary pixels anew at each look (dynamic binarization), Bernoulli likelihood.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training, or "auto": bfloat16 for images on a
            CPU with matrix units for it (AMX), else float32. All figures are taken in float32.
        compile: compile encoder and decoder with `torch.compile` for training.
        loggers: any of "tensorboard", "csv", "mlflow", "wandb" (with a run folder).
        verbose: show a progress bar and the automatic choices.
        random_state: seed of initial weights, order of the data, noise and the validation split.

    Attributes:
        module_: the fitted `latentia.models.VAE`, a torch module on model-scaled data.
        form_: the scaling between given data and `module_`.
        objective_: what was minimised, built for this fit; not kept in run folders.
        history_: learning curves, one dict an epoch, in nats of the model-scaled data (see `form_`).
        choices_: automatic choices with their reasons.
        sampler_: the mixture that codes are drawn from (`latentia.kinds.vae.sampler.AggregatePosterior`); None: the prior.
        schedule_: how encoder and decoder took turns; the options are in `schedule_options`, or the model's own.
        latent_dim_: length of a code.
        event_shape_: shape of one datum.
        n_features_in_: numbers in one datum.

    Raises:
        DataError: in `fit` and all others, for data that cannot be used (a `ValueError`).
        ConfigError: in `fit`, for a wrong parameter (a `ValueError`).

    Example:
        >>> from sklearn.datasets import load_wine
        >>> X = load_wine().data
        >>> vae = VAE(latent_dim=2, max_epochs=3, random_state=0).fit(X)
        >>> vae.transform(X).shape
        (178, 2)
        >>> vae.inverse_transform(vae.transform(X)).shape
        (178, 13)
    """

    def __init__(
        self,
        model: str | Entry = "sigma-vae",
        *,
        latent_dim: int | None = None,
        objective_options: Mapping[str, Any] | None = None,
        likelihood: str | Callable[[torch.Size], Likelihood] = "auto",
        network: str | Network = "auto",
        schedule: str | Schedule = "auto",
        schedule_options: Mapping[str, Any] | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "muon",
        learning_rate: float = 2e-3,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        sampler: str = "auto",
        refinement_steps: int | str = "auto",
        binarize: bool = False,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,  # noqa: A002  the word that torch's users know
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.latent_dim = latent_dim
        self.objective_options = objective_options
        self.likelihood = likelihood
        self.network = network
        self.schedule = schedule
        self.schedule_options = schedule_options
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.sampler = sampler
        self.refinement_steps = refinement_steps
        self.binarize = binarize
        self.device = device
        self.precision = precision
        self.compile = compile
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any = None,  # noqa: ARG002  scikit-learn's signature
        *,
        validation: Any = None,
        run_dir: str | Path | None = None,
        resume: bool = False,
    ) -> VAE:
        """Fit to X from scratch.

        Args:
            X: `[n, d]` (NumPy, torch, pandas, SciPy sparse), images `[n, C, H, W]` or `[n, H, W]`, or a
                `latentia.data.Dataset` (its train part; its validation part chooses the epoch).
            y: ignored.
            validation: rows like X; None splits `validation_fraction` off X.
            run_dir: where `metrics.jsonl` and checkpoints go while fitting; None keeps nothing on disk.
            resume: go on from the last checkpoint in `run_dir`, to the very weights of an uninterrupted run.

        Returns:
            Itself.
        """
        if isinstance(X, Dataset):
            validation = X.validation.x if validation is None else validation
            X = X.train.x
        rows, was_sparse = as_rows(self, X, reset=True)
        seed = self._build(rows, was_sparse)
        if validation is None:
            rows, held_out = self._split(rows, seed)
        else:
            held_out = as_rows(self, validation, reset=False)[0]
        config = self._config(len(rows), seed, held_out is not None)
        self.settings_ = {
            name: getattr(config, name)
            for name in ("max_epochs", "batch_size", "optimizer", "precision", "patience", "seed")
        }
        batches = training.Batches(rows, self.form_)
        self.objective_ = self._objective(batches, config)
        self._say()
        self.form_.train()
        history = training.fit(
            self.module_,
            self.objective_,
            batches,
            None if held_out is None else training.Batches(held_out, self._frozen_form()),
            config,
            None if run_dir is None else Path(run_dir),
            resume=resume,
            watch=Monitor(),
            schedule=self.schedule_,
            information=information,
        )
        self.form_.eval()
        self._take_history(history, len(rows))
        self._refine(rows, held_out)
        self._fit_sampler(rows, whole_data=True)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> VAE:  # noqa: ARG002
        """One more pass over a chunk of data, for streams that do not fit in memory; encoder and decoder move together.

        The first call fixes scaling, likelihood and network from its chunk, so it should be a representative one. Each
        call starts at the full learning rate and ends with the variance calibrated on its own chunk.
        """
        first = not hasattr(self, "module_")
        rows, was_sparse = as_rows(self, X, reset=first)
        if first:
            self._build(rows, was_sparse, streamed=True)
            self.n_train_ = 0
            self.history_ = []
        seed = (self.seed_ + 1 + len(self.history_)) % 2**32
        config = self._config(len(rows), seed, False, max_epochs=1, warmup_fraction=0.0)
        batches = training.Batches(rows, self.form_)
        if first or not hasattr(self, "objective_"):
            self.objective_ = self._objective(batches, config)
        self.form_.train()
        self.module_.refinement_steps = 0
        history = training.fit(
            self.module_,
            self.objective_,
            batches,
            None,
            config,
            prepare=first,
        )
        self.form_.eval()
        self.n_train_ += len(rows)
        self.history_ = [*self.history_, *history.rows()]
        self._refine(rows, None)
        self._fit_sampler(rows, whole_data=False)
        return self

    def _objective(self, batches: training.Batches, config: training.TrainingConfig) -> Objective:
        """The objective of one fit, as the model, its options and the size of the fit make it."""
        n_updates = config.max_epochs * batches.n_batches(config.batch_size)
        setting = ObjectiveSetting(len(batches), self.latent_dim_, self.event_shape_, n_updates)
        return build_objective(self._entry().objective, setting, self.objective_options)

    def _config(self, n: int, seed: int, validated: bool, **overrides: Any) -> training.TrainingConfig:
        batch_size = (
            default_batch_size(n) if self.batch_size is None else whole("batch_size", self.batch_size, 1)
        )
        device = training.resolve_device(self.device)
        if self.max_epochs is None:
            max_epochs = default_epochs(n, batch_size, device.type == "cpu")
        else:
            max_epochs = whole("max_epochs", self.max_epochs, 0)
        patience = default_patience(max_epochs) if self.patience is None else self.patience
        averaging = default_averaging(max_epochs * max(1, n // batch_size))
        settings: dict[str, Any] = {
            "max_epochs": max_epochs,
            "batch_size": batch_size,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "gradient_clip": default_gradient_clip(self.event_shape_),
            "patience": patience if validated else None,
            "averaging": averaging if validated else None,
            "seed": seed,
            "device": self.device,
            "precision": default_precision(self.event_shape_, device)
            if self.precision == "auto"
            else self.precision,
            "compile": self.compile,
            "loggers": tuple(self.loggers),
            "progress": self.verbose,
        }
        return training.TrainingConfig(**{**settings, **overrides})

    def _say(self) -> None:
        if self.verbose:
            for choice in self.choices_:
                print(choice)

    @staticmethod
    def load(folder: str | Path) -> VAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        from latentia.estimators.folder import load_as

        return load_as(VAE, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
