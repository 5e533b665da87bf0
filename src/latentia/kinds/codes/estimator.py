"""The scikit-learn face of the VQ-VAE family."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia import training
from latentia.data import Dataset
from latentia.errors import ConfigError, DataError
from latentia.estimators.defaults import default_code_dim, default_groups, default_n_codes
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.forms.scaled import Choice
from latentia.estimators.parameters import whole
from latentia.kinds.codes.catalog import DISCRETE, DiscreteEntry
from latentia.kinds.codes.use import VQVAECodes
from latentia.latent import LIKELIHOODS, Likelihood
from latentia.latent.code_priors import CODE_PRIORS, CodePrior
from latentia.models import PriorOnly, build_vqvae
from latentia.models.discrete import code_prior
from latentia.nn import Network
from latentia.objectives import joint_bound, negative_elbo
from latentia.training.randomness import seeded

PRIOR_TRAININGS = ("two-stage", "concurrent", "joint")


class VQVAE(VQVAECodes):
    r"""An autoencoder with discrete codes and a prior over them, fitted to images, tables or counts.

    Images become a map of codes, rows a short list of them, each one out of K. The bound is
    log p(x|code) + log p(code) (van den Oord et al. 2017); its second part, the rate, is the length of the codes under the prior.

    What is not named here is as in `latentia.VAE`.

    Args:
        model: a name of the catalog: "vq-vae", "vq-vae-ema", "vq-vae-rotation", "gumbel-vae", "fsq-vae", "vq-vae-2",
            "pixel-vae++"; or a `latentia.catalog.DiscreteEntry`.
        n_codes: K; None: 512 for images and 64 for rows, fewer for few data. FSQ takes the nearest product of levels.
        latent_dim: D, length of a code's vector; None: 64 for images, 16 for rows.
        n_groups: codes of a row; None: 1 to 8 by its length. Images have as many as their map has positions.
        quantizer: a name of `latentia.latent.quantizers.QUANTIZERS` in place of the model's.
        prior: over codes: "uniform", "independent", or an autoregressive density ("gated-pixelcnn", ...); None:
            "gated-pixelcnn".
        prior_training: "two-stage": on the codes of the finished autoencoder; "concurrent": beside it, without a gradient to the
            encoder; "joint": codes are drawn from q(k|x), and one bound trains all (see
            `latentia.objectives.joint_bound`). None: as the model has it, "joint" for "pixel-vae++", else "two-stage".
        prior_by_class: learn the prior for each class of `y` (two-stage, one map); `sample(y=...)` then draws from a class.
        prior_epochs: epochs of the second stage; None: as many as of the first.

    Attributes:
        module_: the fitted `latentia.models.VQVAE`.
        code_shapes_: (h, w) of each map of codes.
        prior_history_: learning curves of the second stage.
        classes_: classes of a prior by class.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> X = (load_digits().images * 15).astype("uint8")
        >>> model = VQVAE(n_codes=16, max_epochs=2, random_state=0).fit(X)
        >>> model.transform(X).shape, model.transform(X).max() < 16
        ((1797, 4), np.True_)
        >>> model.inverse_transform(model.transform(X[:5])).shape, model.sample(3).shape
        ((5, 1, 8, 8), (3, 1, 8, 8))
    """

    def __init__(
        self,
        model: str | DiscreteEntry = "vq-vae",
        *,
        n_codes: int | None = None,
        latent_dim: int | None = None,
        n_groups: int | None = None,
        quantizer: str | None = None,
        prior: str | None = None,
        prior_training: str | None = None,
        prior_by_class: bool = False,
        prior_epochs: int | None = None,
        likelihood: str | Callable[[torch.Size], Likelihood] = "auto",
        network: str | Network = "auto",
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "muon",
        learning_rate: float = 2e-3,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        binarize: bool = False,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,  # noqa: A002  the word that torch's users know
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            model,
            latent_dim=latent_dim,
            likelihood=likelihood,
            network=network,
            max_epochs=max_epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            patience=patience,
            validation_fraction=validation_fraction,
            n_importance=n_importance,
            binarize=binarize,
            device=device,
            precision=precision,
            compile=compile,
            loggers=loggers,
            verbose=verbose,
            random_state=random_state,
        )
        self.n_codes = n_codes
        self.n_groups = n_groups
        self.quantizer = quantizer
        self.prior = prior
        self.prior_training = prior_training
        self.prior_by_class = prior_by_class
        self.prior_epochs = prior_epochs

    # ------------------------------------------------------------------ fitting

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        run_dir: str | Path | None = None,
        resume: bool = False,
    ) -> VQVAE:
        """Fit to X from scratch; see `VAE.fit`. `y` holds the classes `[n]` of X for `prior_by_class`, and is else ignored."""
        if isinstance(X, Dataset):
            y = X.train.y if y is None else y
            validation = X.validation.x if validation is None else validation
            X = X.train.x
        self._check()
        labels = self._labels(y, len(X)) if self.prior_by_class else None
        super().fit(X, validation=validation, run_dir=run_dir, resume=resume)
        if self._two_stage():
            self._fit_prior(X, labels, validation, run_dir, resume)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> VQVAE:
        """One more pass over a chunk of data; see `VAE.partial_fit`.

        Raises:
            ConfigError: if the prior is to be trained in a second stage, which a stream does not have.
        """
        self._check()
        if self._two_stage():
            raise ConfigError(
                "partial_fit has no second stage: give prior_training='concurrent' or 'joint', or prior='uniform'"
            )
        super().partial_fit(X, y)
        return self

    def _check(self) -> None:
        training = self._prior_training()
        if training not in PRIOR_TRAININGS:
            raise ConfigError(
                f"prior_training={training!r}: expected one of {', '.join(map(repr, PRIOR_TRAININGS))}"
            )
        entry, prior = self._entry(), self._prior_name()
        CODE_PRIORS[prior]  # raises for an unknown name
        if self.prior_by_class and (training != "two-stage" or prior == "uniform"):
            raise ConfigError(
                "prior_by_class needs prior_training='two-stage' and a prior that is learned, not 'uniform'"
            )
        if training == "concurrent" and entry.quantizer == "gumbel":
            raise ConfigError(
                "prior_training='concurrent' leaves the encoder alone, but drawn codes are weighed by the prior: "
                "give 'joint' or 'two-stage'"
            )

    def _listed(self) -> DiscreteEntry:
        entry = DISCRETE[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, DiscreteEntry):
            raise ConfigError(f"model={self.model!r}: expected a name or a latentia.catalog.DiscreteEntry")
        return entry

    def _prior_training(self) -> str:
        return self._listed().prior_training if self.prior_training is None else self.prior_training

    def _entry(self) -> DiscreteEntry:
        entry = self._listed()
        if self.quantizer is not None:
            entry = dataclasses.replace(entry, quantizer=self.quantizer)
        if self._prior_training() != "joint":
            return entry
        if entry.levels > 1 or entry.quantizer == "fsq":
            raise ConfigError(
                f"prior_training='joint' draws codes by their distance, which model {self.model!r} has no way to: "
                "give 'two-stage' or 'concurrent', or another model"
            )
        drawn = entry.quantizer if entry.quantizer == "gumbel" else "vq-stochastic"
        return dataclasses.replace(entry, quantizer=drawn, objective=joint_bound())

    def _prior_name(self) -> str:
        return "gated-pixelcnn" if self.prior is None else self.prior

    def _two_stage(self) -> bool:
        return self._prior_training() == "two-stage" and self._prior_name() != "uniform"

    def _labels(self, y: Any, n: int) -> NDArray[np.int64]:
        """Classes as numbers `[n]`."""
        if y is None:
            raise ConfigError("prior_by_class=True needs the classes of the rows: fit(X, y)")
        y = np.asarray(y)
        if y.shape != (n,):
            raise DataError(f"y of shape {y.shape}; expected the class of each of the {n} rows")
        self.classes_, numbers = np.unique(y, return_inverse=True)
        return numbers.astype(np.int64)

    def _build(self, rows: NDArray[Any], was_sparse: bool, streamed: bool = False) -> int:
        seed = super()._build(rows, was_sparse, streamed)
        self._final_prior: CodePrior | None = None
        if self._two_stage():
            # the first stage counts its codes as under a uniform prior
            self._final_prior, self.module_.prior = (
                self.module_.prior,
                code_prior(self.module_.coder, "uniform"),
            )
        return seed

    def _choose_size(self, rows: NDArray[Any]) -> None:
        event = tuple(rows.shape[1:])
        self.n_groups_ = (
            default_groups(event) if self.n_groups is None else whole("n_groups", self.n_groups, 1)
        )
        if self.latent_dim is None:
            self.latent_dim_ = default_code_dim(event)
            self.choices_.append(Choice("latent_dim", str(self.latent_dim_), "length of a code's vector"))
        else:
            self.latent_dim_ = whole("latent_dim", self.latent_dim, 1)
        if self.n_codes is None:
            self.n_codes_ = default_n_codes(event, len(rows))
            self.choices_.append(Choice("n_codes", str(self.n_codes_), f"{len(rows)} rows of shape {event}"))
        else:
            self.n_codes_ = whole("n_codes", self.n_codes, 2)

    def _compose(self) -> None:
        likelihood = self.likelihood_
        likelihood = LIKELIHOODS[likelihood] if isinstance(likelihood, str) else likelihood
        entry = self._entry()
        if not isinstance(self.network_, str):
            raise ConfigError("network must be 'conv', 'mlp' or 'auto' for models with discrete codes")
        self.module_ = build_vqvae(
            self.event_shape_,
            likelihood(torch.Size(self.event_shape_)),
            quantizer=entry.quantizer,
            n_codes=self.n_codes_,
            dim=self.latent_dim_,
            levels=entry.levels,
            n_groups=self.n_groups_,
            network=self.network_,
            prior=self._prior_name(),
            n_classes=len(self.classes_) if self.prior_by_class else 0,
            inputs=self.form_.encoder_inputs(self.typical_size_),
        )
        self.code_shapes_ = self.module_.coder.shapes

    def _fit_prior(
        self, X: Any, labels: NDArray[Any] | None, validation: Any, run_dir: str | Path | None, resume: bool
    ) -> None:
        """The second stage: train the prior on the codes of the rows on which the autoencoder was trained."""
        assert self._final_prior is not None
        rows, _ = as_rows(self, X, reset=False)
        codes = self._codes(rows, labels)
        # the same seed gives the same split as in the first stage
        train, held_out = (
            self._split(codes, self.seed_)
            if validation is None
            else (codes, self._codes(as_rows(self, validation, reset=False)[0], None))
        )
        if held_out is not None and held_out.shape[1] != train.shape[1]:
            held_out = None  # validation data without classes
        overrides: dict[str, Any] = {}
        if self.prior_epochs is not None:
            overrides["max_epochs"] = whole("prior_epochs", self.prior_epochs, 0)
        config = self._config(len(train), (self.seed_ + 1) % 2**32, held_out is not None, **overrides)
        as_numbers = methodcaller("long")
        history = training.fit(
            PriorOnly(self._final_prior),
            negative_elbo(),
            training.Batches(train, as_numbers),
            None if held_out is None else training.Batches(held_out, as_numbers),
            config,
            None if run_dir is None else Path(run_dir) / "prior",
            resume=resume,
        )
        self.prior_history_ = history.rows()
        self.module_.prior = self._final_prior.eval()
        self._final_prior = None

    def _codes(self, rows: NDArray[Any], labels: NDArray[Any] | None) -> NDArray[np.int32]:
        """Codes of rows, `[n, positions]`, drawn where q is a distribution; the class in a last column, if there is one."""
        module, batches = self._inference(rows)
        with torch.inference_mode(), seeded(self.seed_, self._device()):
            codes = np.concatenate([module.encode(x).sample().cpu().numpy() for x in batches]).astype(
                np.int32
            )
        return codes if labels is None else np.concatenate([codes, labels[:, None].astype(np.int32)], 1)

    # ------------------------------------------------------------------ keeping

    def composition(self) -> dict[str, Any]:
        """What rebuilds the untrained module; see `VAE.composition`."""
        return {
            **super().composition(),
            "n_codes": self.n_codes_,
            "n_groups": self.n_groups_,
            "classes": self.classes_.tolist() if self.prior_by_class else None,
            "prior_history": getattr(self, "prior_history_", []),
        }

    def take_composition(self, composition: dict[str, Any]) -> None:
        """Set what `composition` told."""
        super().take_composition(composition)
        self.n_codes_ = composition["n_codes"]
        self.n_groups_ = composition["n_groups"]
        self.prior_history_ = composition["prior_history"]
        if composition["classes"] is not None:
            self.classes_ = np.asarray(composition["classes"])
