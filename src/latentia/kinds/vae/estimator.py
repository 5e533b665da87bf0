"""The scikit-learn face of the VAE family."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.distributions import Mixture
from latentia.errors import ConfigError, DataError
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.entry import Entry
from latentia.estimators.folder import Curves
from latentia.estimators.forms.arrays import Given, as_rows
from latentia.estimators.latent import LatentEstimator
from latentia.estimators.parameters import whole
from latentia.estimators.table_face import TableFace, usual_scores
from latentia.kinds.face import ServesOnnx, html_repr, report
from latentia.kinds.loading import load_as
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.composing import composed
from latentia.kinds.vae.monitoring import Monitor
from latentia.kinds.vae.refining import check_refinement, refine, refinement_passes
from latentia.kinds.vae.sampler import (
    SAMPLERS,
    AggregatePosterior,
    fit_sampler_to,
    sampler_work,
    take_sampler,
)
from latentia.kinds.vae.schedules import information, resolve_schedule
from latentia.latent import Likelihood
from latentia.nn import Network
from latentia.objectives import OBJECTIVES
from latentia.training import Schedule


class VAE(ServesOnnx, TableFace, LatentEstimator):
    r"""A variational autoencoder fitted to arrays, tables, counts or images; the default has nothing to tune.

    It maximises the evidence lower bound E_q[log p(x|z)] - KL(q(z|x) || p(z)) (Kingma & Welling 2014), with, for real
    data, a Gaussian likelihood whose variance is the optimum for its residuals (Rybkin et al. 2021). Whatever is left at
    None or "auto" is chosen from the data; `choices_` says what was chosen and why.

    Args:
        model: a name of the catalog (`latentia models`), or a `latentia.estimators.entry.Entry`.
        latent_dim: length of a code; None: 2 to 64 by the size of a datum.
        objective: what is minimised: a name of `latentia.objectives.OBJECTIVES`, an objective, a factory of one, or "auto": that of
            the model.
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
        max_minutes: time that `fit` may take. A few updates are timed before the first; from them follow, once, the number of updates
            (`plan_`) and, where it is "auto", the network for images: the largest with enough updates in that time. "auto": no time, as
            long as the fit has a `max_epochs` or is not plainly longer (by a third) than half an hour; else 30. None: no time.
        batch_size: None: a 16th of the data, within 16 to 64.
        optimizer: "auto" (Muon for the hidden matrices and kernels that are worth its price on this machine, AdamW for the rest; Muon for all
            with the likelihood "dirichlet-multinomial" from 40 rows on), "muon" for all hidden matrices and kernels, "adamw" for all, or "sgd" (no momentum) for all.
        learning_rate: peak of the warm-up and cosine schedule of AdamW or SGD alone; with Muon see
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
        objective_: what was minimised.
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
        objective: Any = "auto",
        objective_options: Mapping[str, Any] | None = None,
        likelihood: str | Callable[[torch.Size], Likelihood] = "auto",
        network: str | Network = "auto",
        schedule: str | Schedule = "auto",
        schedule_options: Mapping[str, Any] | None = None,
        max_epochs: int | None = None,
        max_minutes: float | str | None = "auto",
        batch_size: int | None = None,
        optimizer: str = "auto",
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
        self.objective = objective
        self.objective_options = objective_options
        self.likelihood = likelihood
        self.network = network
        self.schedule = schedule
        self.schedule_options = schedule_options
        self.max_epochs = max_epochs
        self.max_minutes = max_minutes
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

    sampler_: AggregatePosterior | None

    # ------------------------------------------------------------------ what the family gives

    def _entry(self) -> Entry:
        entry = CATALOG[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, Entry):
            raise ConfigError(f"model={self.model!r}: expected a name or a latentia.estimators.entry.Entry")
        if self.objective == "auto":
            return entry
        named = isinstance(self.objective, str)
        return dataclasses.replace(entry, objective=OBJECTIVES[self.objective] if named else self.objective)

    def _composed(self, given: Given, parts: Chosen) -> Composition:
        return composed(self, given, parts)

    def _codes_of(self, Z: Any) -> Tensor:
        codes = np.asarray(Z, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim_:
            raise DataError(f"codes of shape {codes.shape}; expected [n, {self.latent_dim_}]")
        if not np.isfinite(codes).all():
            raise DataError("codes contain NaN or infinity; every code must be finite")
        asked = self._inference()
        return torch.as_tensor(codes, dtype=asked.dtype, device=asked.device)

    def _before(self, X: Any, y: Any) -> None:  # noqa: ARG002
        if self.sampler not in SAMPLERS:
            raise ConfigError(f"sampler={self.sampler!r} is unknown; expected one of {', '.join(SAMPLERS)}")
        check_refinement(self.refinement_steps, self._entry(), self.model)

    def _after(self, given: Given, rows: NDArray[Any], held_out: NDArray[Any] | None, **how: Any) -> None:  # noqa: ARG002
        refine(self, rows, held_out, how["weight"])
        take_sampler(self, rows, not how.get("streamed"), how["weight"])
        self.usual_scores_ = usual_scores(self, held_out)

    def _follows(self, n: int) -> tuple[float, float]:
        steps = self._entry().refinement_steps if self.refinement_steps == "auto" else self.refinement_steps
        sampled = sampler_work(n) if self.sampler != "prior" else (0.0, 0.0)
        return refinement_passes(int(steps), n) + sampled[0], sampled[1]

    def _schedule(self, entry: Entry) -> Schedule:
        return resolve_schedule(self.schedule, self.schedule_options, entry.schedule)

    def _options(self) -> Mapping[str, Any] | None:
        return self.objective_options

    def _watch(self) -> Monitor:
        return Monitor()

    def _information(self) -> Any:
        return information

    def _source(self, module: Any) -> Mixture | None:
        return None if self.sampler_ is None else self.sampler_.distribution(next(module.parameters()))

    # ------------------------------------------------------------------ of this family alone

    def fit_sampler(self, X: Any, *, n_components: int | None = None) -> Self:
        r"""Let `sample` draw its codes from a mixture of Gaussians fitted to codes of X, in place of the prior.

        One code is drawn from the encoder's q(z|x) for each of at most 20 000 rows, and the mixture fitted to them by EM: an estimate of
        the aggregate posterior \int q(z|x) p_{data}(x) dx. Where that is far from the prior, samples of the prior decode to nothing
        that the decoder has seen. Neither the model nor its likelihood changes.

        Args:
            X: training rows.
            n_components: number of Gaussians; None: by BIC among 1, 2, 4, ... 64.

        Returns:
            Itself.

        Source: Ghosh et al. 2020, From Variational to Deterministic Autoencoders, section 5.
        """
        check_is_fitted(self)
        rows = as_rows(self, X, reset=False).rows
        if n_components is not None:
            whole("n_components", n_components, 1)
        fit_sampler_to(self, rows, n_components)
        return self

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        entries, tensors, curves = super().describe()
        entries["sampler"] = None if self.sampler_ is None else self.sampler_.describe()
        entries["refinement_steps"] = self.module_.refinement_steps
        return entries, tensors if self.sampler_ is None else tensors | self.sampler_.tensors(), curves

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = super().rebuild(config, tensors, curves)
        # Folders that were written before there was a sampler, or refinement, have no such entry.
        self.module_.refinement_steps = config.get("refinement_steps", 0)
        described = config.get("sampler")
        self.sampler_ = None if described is None else AggregatePosterior.rebuild(described, tensors)
        return self

    report, _html_repr = report, html_repr

    @staticmethod
    def load(folder: str | Path) -> VAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(VAE, folder)
