"""The scikit-learn face of the VAE family."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from latentia import training
from latentia.catalog import CATALOG, Entry, compose
from latentia.core import Objective
from latentia.data import Dataset
from latentia.diagnostics import Diagnosis, Evaluation, diagnose, evaluate
from latentia.distributions import Delta, Mixture, item_keys, per_item_noise
from latentia.errors import ConfigError, DataError, RunFolderError
from latentia.estimators.arrays import as_rows
from latentia.estimators.defaults import (
    default_averaging,
    default_batch_size,
    default_epochs,
    default_gradient_clip,
    default_latent_dim,
    default_patience,
)
from latentia.estimators.form import Choice, Form, choose, defining_likelihood
from latentia.estimators.hints import last_gain, rate_weight
from latentia.estimators.monitoring import Monitor
from latentia.estimators.sampler import CODES, SAMPLERS, AggregatePosterior, fit_aggregate_posterior
from latentia.estimators.schedules import information, resolve_schedule
from latentia.latent import Likelihood
from latentia.models import VAE as VAEModule
from latentia.nn import Network, pick_network
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.training import Schedule
from latentia.training.randomness import seeded

DIAGNOSED_ROWS = 10_000


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
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
        network: "mlp", "conv", a `latentia.nn.Network`, or "auto": by the shape of a datum.
        schedule: how encoder and decoder take turns: "joint", "aggressive", "alternating", a `latentia.training.Schedule`, or
            "auto": that of the model.
        schedule_options: options of the schedule called by name, such as `{"ratio": 5, "epochs": 0.5}`; with "auto" they
            replace options of the model's own schedule.
        max_epochs: passes over the data; None: 4400 updates (20 000 on a GPU) for 50 000 items or more, fewer by the
            square root of their number, within 5 to 300 epochs.
        batch_size: None: a 16th of the data, within 16 to 64.
        learning_rate: peak of the warm-up and cosine schedule of AdamW.
        patience: epochs without a better validation bound before stopping; None: a quarter of `max_epochs`,
            but at least 10.
        validation_fraction: share of the rows kept from training to choose the best epoch, where `fit` is not
            given validation data.
        n_importance: importance samples in `score_samples` and `score`.
        sampler: where `sample` draws codes: "prior" from p(z), or "aggregate-posterior" from a mixture of Gaussians
            that is fitted, after training, to codes of the training data (`fit_sampler`): for priors with holes.
        binarize: for grey images: draw binary pixels anew at each look (dynamic binarization), Bernoulli likelihood.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training.
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
        sampler_: the mixture that codes are drawn from (`latentia.estimators.sampler.AggregatePosterior`); None: the prior.
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

    choices_: list[Choice]
    form_: Form
    schedule_: Schedule
    sampler_: AggregatePosterior | None
    seed_: int

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
        learning_rate: float = 2e-3,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        sampler: str = "prior",
        binarize: bool = False,
        device: str = "auto",
        precision: str = "float32",
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
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.sampler = sampler
        self.binarize = binarize
        self.device = device
        self.precision = precision
        self.compile = compile
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fitting

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
            name: getattr(config, name) for name in ("max_epochs", "batch_size", "patience", "seed")
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
        self.history_ = history.rows()
        self.best_epoch_ = history.best_epoch
        self.stopped_early_ = history.stopped_early
        self.n_train_ = len(rows)
        self._fit_sampler(rows)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> VAE:  # noqa: ARG002
        """One more pass over a chunk of data, for streams that do not fit in memory; encoder and decoder move together.

        The first call fixes scaling, likelihood and network from its chunk, so it should be a representative one. Each
        call starts at the full learning rate and ends with the variance calibrated on its own chunk.
        """
        first = not hasattr(self, "module_")
        rows, was_sparse = as_rows(self, X, reset=first)
        if first:
            self._build(rows, was_sparse)
            self.n_train_ = 0
            self.history_ = []
        seed = (self.seed_ + 1 + len(self.history_)) % 2**32
        config = self._config(len(rows), seed, False, max_epochs=1, warmup_fraction=0.0)
        batches = training.Batches(rows, self.form_)
        if first or not hasattr(self, "objective_"):
            self.objective_ = self._objective(batches, config)
        self.form_.train()
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
        self._fit_sampler(rows)
        return self

    def _entry(self) -> Entry:
        return CATALOG[self.model] if isinstance(self.model, str) else self.model

    def _objective(self, batches: training.Batches, config: training.TrainingConfig) -> Objective:
        """The objective of one fit, as the model, its options and the size of the fit make it."""
        n_updates = config.max_epochs * batches.n_batches(config.batch_size)
        setting = ObjectiveSetting(len(batches), self.latent_dim_, self.event_shape_, n_updates)
        return build_objective(self._entry().objective, setting, self.objective_options)

    def _build(self, rows: NDArray[Any], was_sparse: bool) -> int:
        """Choose what is left open, and compose the untrained model; gives the seed of the run."""
        entry = self._entry()
        if self.sampler not in SAMPLERS:
            raise ConfigError(f"sampler={self.sampler!r} is unknown; expected one of {', '.join(SAMPLERS)}")
        event = tuple(rows.shape[1:])
        self.choices_ = []
        self.sampler_ = None
        name = self.likelihood if isinstance(self.likelihood, str) else "auto"
        if entry.likelihoods is not None and name == "auto" and isinstance(self.likelihood, str):
            name = defining_likelihood(rows, was_sparse, self.binarize, entry.likelihoods, self.model)
        self.form_, chosen, choices = choose(rows, name, was_sparse, self.binarize, entry.gaussian)
        self.likelihood_: str | Callable[[torch.Size], Likelihood] = chosen
        if isinstance(self.likelihood, str):
            self.choices_ += choices
        else:
            self.likelihood_ = self.likelihood
        self.network_: str | Network = self.network
        if isinstance(self.network, str) and self.network == "auto":
            self.network_, reason = pick_network(event, entry.image_network, entry.vector_network)
            self.choices_.append(Choice("network", self.network_, reason))
        self.schedule_ = resolve_schedule(self.schedule, self.schedule_options, entry.schedule)
        self._choose_size(rows)
        self.event_shape_ = event
        self.typical_size_ = _typical_size(rows) if self.form_.kind == "counts" else 0.0
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        with seeded(self.seed_, torch.device("cpu")):
            self._compose()
        return self.seed_

    def _choose_size(self, rows: NDArray[Any]) -> None:
        """Set the length of a code for rows `[n, *event]`."""
        event = tuple(rows.shape[1:])
        size = math.prod(event)
        if self.latent_dim is None:
            self.latent_dim_ = default_latent_dim(event)
            self.choices_.append(Choice("latent_dim", str(self.latent_dim_), f"{size} numbers in a datum"))
        else:
            self.latent_dim_ = whole("latent_dim", self.latent_dim, 1)
        if self.latent_dim_ > size:
            raise ConfigError(
                f"latent_dim={self.latent_dim_} is larger than a datum, which holds {size} numbers: "
                f"give 1 to {size}"
            )

    def _compose(self) -> None:
        self.module_: VAEModule = compose(
            self._entry(),
            self.event_shape_,
            self.latent_dim_,
            likelihood=self.likelihood_,
            network=self.network_,
            inputs=self.form_.encoder_inputs(self.typical_size_),
        )

    def _split(self, rows: NDArray[Any], seed: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        fraction = self.validation_fraction
        if not 0 <= fraction < 1:
            raise ConfigError(
                f"validation_fraction={fraction} must lie in [0, 1); 0 keeps no validation rows"
            )
        n_held = round(fraction * len(rows))
        if n_held < 1 or len(rows) < 10:
            return rows, None
        order = np.random.default_rng([seed, 1]).permutation(len(rows))
        return rows[np.sort(order[n_held:])], rows[np.sort(order[:n_held])]

    def _config(self, n: int, seed: int, validated: bool, **overrides: Any) -> training.TrainingConfig:
        batch_size = (
            default_batch_size(n) if self.batch_size is None else whole("batch_size", self.batch_size, 1)
        )
        if self.max_epochs is None:
            on_cpu = training.resolve_device(self.device).type == "cpu"
            max_epochs = default_epochs(n, batch_size, on_cpu)
        else:
            max_epochs = whole("max_epochs", self.max_epochs, 0)
        patience = default_patience(max_epochs) if self.patience is None else self.patience
        averaging = default_averaging(max_epochs * max(1, n // batch_size))
        settings: dict[str, Any] = {
            "max_epochs": max_epochs,
            "batch_size": batch_size,
            "learning_rate": self.learning_rate,
            "gradient_clip": default_gradient_clip(self.event_shape_),
            "patience": patience if validated else None,
            "averaging": averaging if validated else None,
            "seed": seed,
            "device": self.device,
            "precision": self.precision,
            "compile": self.compile,
            "loggers": tuple(self.loggers),
            "progress": self.verbose,
        }
        return training.TrainingConfig(**{**settings, **overrides})

    def _say(self) -> None:
        if self.verbose:
            for choice in self.choices_:
                print(choice)

    def _frozen_form(self) -> Form:
        """The form in evaluation mode: validation data are binarized the same way in every epoch."""
        return copy.deepcopy(self.form_).eval()

    def _fit_sampler(self, rows: NDArray[Any]) -> None:
        """What `sampler` asks for, after training; a mixture on codes of a model that has moved since is dropped."""
        self.sampler_ = None
        self.choices_ = [choice for choice in self.choices_ if choice.what != "sampler"]
        if self.sampler == "aggregate-posterior":
            self.fit_sampler(rows)

    # ------------------------------------------------------------------ using

    def fit_sampler(self, X: Any, *, n_components: int | None = None) -> VAE:
        r"""Let `sample` draw its codes from a mixture of Gaussians fitted to codes of X, in place of the prior.

        One code is drawn from q(z|x) for each of at most 20 000 rows, and the mixture fitted to them by EM: an estimate of
        the aggregate posterior \int q(z|x) p_{data}(x) dx. Where that is far from the prior, samples of the prior decode to nothing
        that the decoder has seen. Neither the model nor its likelihood changes.

        Args:
            X: training rows.
            n_components: number of Gaussians; None: by BIC among 1, 2, 4, ... 64.

        Returns:
            Itself.

        Source: Ghosh et al. 2020, From Variational to Deterministic Autoencoders, section 5.
        """
        rows, _ = as_rows(self, X, reset=False)
        if n_components is not None:
            whole("n_components", n_components, 1)
        chosen = np.sort(np.random.default_rng([self.seed_, 2]).permutation(len(rows))[:CODES])
        module, batches = self._inference(rows[chosen])
        drawn = []
        with torch.inference_mode():
            for x in batches:
                with per_item_noise(item_keys(x), self.seed_):
                    drawn.append(module.encode(x).rsample(torch.Size([1]))[0].double().cpu().numpy())
        self.sampler_ = fit_aggregate_posterior(np.concatenate(drawn), self.seed_, n_components)
        many = "s" if self.sampler_.n_components > 1 else ""
        reason = f"a mixture of {self.sampler_.n_components} Gaussian{many} on {len(chosen)} codes"
        reason += ", their number by BIC" if n_components is None else ""
        self.choices_ = [choice for choice in self.choices_ if choice.what != "sampler"]
        self.choices_.append(Choice("sampler", "aggregate-posterior", reason))
        if self.verbose:
            print(self.choices_[-1])
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes of X: means of q(z|x), `[n, latent_dim]`; the same for an item whatever stands beside it."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        with torch.inference_mode():
            return np.concatenate([module.encode(x).mean.cpu().numpy() for x in batches])

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Data for codes `[n, latent_dim]`: the mean of p(x|z) in the units and type of the training data.

        Count rows are given the median size of the training rows.
        """
        check_is_fitted(self)
        codes = np.asarray(Z, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim_:
            raise DataError(f"codes of shape {codes.shape}; expected [n, {self.latent_dim_}]")
        if not np.isfinite(codes).all():
            raise DataError("codes contain NaN or infinity; every code must be finite")
        module, dtype = self._module()
        typical = self._typical_row(dtype)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(codes), 512):
                z = torch.as_tensor(codes[start : start + 512], dtype=dtype, device=self._device())
                parts.append(self.form_.inverse(module.likelihood(module.outputs(z), typical).mean))
        return np.concatenate(parts) if parts else np.empty((0, *self.event_shape_))

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """X by way of its codes: the mean of p(x|z) at the posterior mean, in the units and type of X."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        with torch.inference_mode():
            return np.concatenate(
                [
                    self.form_.inverse(module.conditional(module.encode(x).mean[None], x).mean[0])
                    for x in batches
                ]
            )

    def sample(self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None) -> NDArray[Any]:
        """`n_samples` draws from the model: z from the prior (see `sampler`), then x from p(x|z), in the units of the data.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|z) instead of a draw: for images, without the pixel noise.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        whole("n_samples", n_samples, 1)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        module, _ = self._module()
        prior = self._source(module)
        source = {} if prior is None else {"prior": prior}
        with seeded(seed, self._device()):
            return np.concatenate(
                [
                    self.form_.inverse(module.sample(min(512, n_samples - start), mean=mean, **source))
                    for start in range(0, n_samples, 512)
                ]
            )

    def _source(self, module: nn.Module) -> Mixture | None:
        """Where samples' codes are drawn from, in the type and on the device of a module; None: the prior."""
        return None if self.sampler_ is None else self.sampler_.distribution(next(module.parameters()))

    def tensors(self, X: Any) -> tuple[Any, Tensor]:
        """The torch module in evaluation mode, and X `[n, *event]` as it sees them: for what no method here does."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        return module, torch.cat(list(batches))

    def score_samples(self, X: Any) -> NDArray[Any]:
        """Importance-weighted log p(x) in nats of each row, `[n]`, with `n_importance` samples.

        A density in the units of X for real-valued tables, on [0, 1] for pixels, a probability for binary and count data.

        Raises:
            ConfigError: for models with deterministic codes, which define no density.
        """
        rows, _ = as_rows(self, X, reset=False)
        n_importance = whole("n_importance", self.n_importance, 1)
        module, batches = self._inference(rows, 128)
        scores = []
        with torch.inference_mode():
            for x in batches:
                if isinstance(module.encode(x[:1]), Delta):
                    raise ConfigError(
                        f"model {self.model!r} has deterministic codes and so no log-likelihood"
                    )
                scores.append(module.log_prob(x, n_importance).double().cpu().numpy())
        return np.concatenate(scores) - self.form_.log_volume

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Mean of `score_samples(X)`: nats per item, greater is better."""
        return float(self.score_samples(X).mean())

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> Evaluation:
        """All figures of the fit on X: the bound and its parts, errors, active units (see `Evaluation`).

        Args:
            X: rows.
            n_importance: importance samples for the log-likelihood; None: the estimator's; 0: none.
            importance_items: most rows for which they are drawn; None: all.
        """
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows, 250)
        return evaluate(
            module,
            batches,
            n_importance=self.n_importance if n_importance is None else n_importance,
            importance_items=importance_items,
            log_volume=self.form_.log_volume,
        )

    def diagnose(
        self, X: Any, *, train: Any = None, evaluation: Evaluation | None = None, thorough: bool = True
    ) -> Diagnosis:
        """Whether the fit can be trusted, judged on held-out rows: the verdict, all figures, and remedies.

        Args:
            X: held-out rows (the first 10 000 are looked at).
            train: training rows; with them overfitting is judged.
            evaluation: what `evaluate(X)` gave, if it is there already.
            thorough: also take the measures that need an optimisation for each of some rows.
        """
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows[:DIAGNOSED_ROWS], 250)
        bounds = [_score(row) for row in self.history_ if row.get("validation_elbo") is not None]
        return diagnose(
            module,
            batches,
            evaluation=evaluation,
            train=None if train is None else self.evaluate(train, n_importance=0),
            history=bounds,
            last_gain=last_gain(self.history_),
            rate_weight=rate_weight(self._known_objective()),
            sampler=self._source(module),
            thorough=thorough,
        )

    def _known_objective(self) -> Objective:
        """What was minimised; of a loaded model built again, for as far as its weights do not depend on the length of the fit."""
        if hasattr(self, "objective_"):
            return self.objective_
        setting = ObjectiveSetting(self.n_train_, self.latent_dim_, self.event_shape_, 1)
        return build_objective(self._entry().objective, setting, self.objective_options)

    # ------------------------------------------------------------------ keeping

    def save(self, folder: str | Path) -> Path:
        """Write a run folder (weights, configuration, learning curves) that `latentia.load` reads; no pickle."""
        from latentia.estimators.folder import save

        check_is_fitted(self)
        return save(self, Path(folder))

    @staticmethod
    def load(folder: str | Path) -> VAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        from latentia.estimators.folder import load

        estimator = load(folder)
        if not isinstance(estimator, VAE):
            raise RunFolderError(f"{folder} holds a {type(estimator).__name__}, not a VAE: use latentia.load")
        return estimator

    def composition(self) -> dict[str, Any]:
        """What rebuilds the untrained module, as plain values: the inverse of `take_composition`."""
        return {
            "model": self.model,
            "latent_dim": self.latent_dim_,
            "likelihood": self.likelihood_,
            "network": self.network_,
            "event_shape": list(self.event_shape_),
            "typical_size": self.typical_size_,
        }

    def take_composition(self, composition: dict[str, Any]) -> None:
        """Set what `composition` told."""
        self.event_shape_ = tuple(composition["event_shape"])
        self.latent_dim_ = composition["latent_dim"]
        self.likelihood_ = composition["likelihood"]
        self.network_ = composition["network"]
        self.typical_size_ = composition["typical_size"]

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Rebuild the module from a run folder's weights, named `model.*` and `form.*`.

        Raises:
            RunFolderError: if the weights are not those of the composition.
        """
        self._compose()
        self.schedule_ = resolve_schedule(self.schedule, self.schedule_options, self._entry().schedule)
        self.n_features_in_ = math.prod(self.event_shape_)
        for part, module in (("model", self.module_), ("form", self.form_)):
            prefix = f"{part}."
            state = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            try:
                module.load_state_dict(state)
            except RuntimeError as error:
                first = str(error).splitlines()[-1].strip()
                raise RunFolderError(f"the weights do not fit the model of config.json: {first}") from error
        self.module_.eval()
        self.form_.eval()
        if self.device != "cpu":
            device = training.resolve_device("auto")
            self.module_.to(device)
            self.form_.to(device)

    # ------------------------------------------------------------------ helpers

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _device(self) -> torch.device:
        return next(self.module_.parameters()).device

    def _module(self) -> tuple[Any, torch.dtype]:
        """The module for inference and its type: vectors are done in float64, so that rows do not depend on batches."""
        if len(self.event_shape_) == 1 and self._device().type != "mps":
            return copy.deepcopy(self.module_).double().eval(), torch.float64
        return self.module_.eval(), torch.float32

    def _inference(self, rows: NDArray[Any], batch_size: int = 500) -> tuple[Any, Iterator[Tensor]]:
        module, dtype = self._module()
        form, device = self._frozen_form(), self._device()
        form.to(device).output = dtype

        def batches() -> Iterator[Tensor]:
            for start in range(0, len(rows), batch_size):
                stored = np.array(rows[start : start + batch_size])
                x = form(torch.from_numpy(stored).to(device))
                yield x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x

        return module, batches()

    def _typical_row(self, dtype: torch.dtype) -> Tensor | None:
        if self.form_.kind != "counts":
            return None
        size = math.prod(self.event_shape_)
        return torch.full((1, size), self.typical_size_ / size, dtype=dtype, device=self._device())


def _score(row: Mapping[str, Any]) -> float:
    """What an epoch was judged by: minus the objective's loss, where that is known, else the bound; of held-out rows."""
    loss = row.get("validation_loss")
    return float(row["validation_elbo"] if loss is None else -loss)


def _typical_size(rows: NDArray[Any]) -> float:
    return float(np.median(rows.sum(1, dtype=np.float64)))


def whole(name: str, value: Any, least: int) -> int:
    """The value of a parameter as an int; raises `ConfigError`, which names it, for anything but a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{name}={value!r}: expected a whole number of at least {least}")
    return int(value)
