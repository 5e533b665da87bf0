"""The scikit-learn face of the VQ-VAE family."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.folder import Curves
from latentia.estimators.forms.arrays import Given, as_rows
from latentia.estimators.gaps import ScoresGaps
from latentia.estimators.latent import LatentEstimator
from latentia.estimators.parameters import whole
from latentia.kinds.codes import prior as stages
from latentia.kinds.codes.catalog import DiscreteEntry, entry_of
from latentia.kinds.codes.composition import CodesComposition, codes_composed
from latentia.kinds.codes.figures import DiscreteEvaluation, use_of, with_codes, with_usage
from latentia.kinds.codes.use import checked_codes, class_numbers, completed, drawn, labels_of
from latentia.kinds.face import ServesOnnx, html_repr, report
from latentia.kinds.loading import load_as
from latentia.latent import Likelihood
from latentia.latent.code_priors import CodePrior
from latentia.latent.quantizers import CodeUsage
from latentia.models import VQVAE as VQVAEModule
from latentia.models.discrete import code_prior
from latentia.nn import Network


class VQVAE(ServesOnnx, ScoresGaps, LatentEstimator):
    r"""An autoencoder with discrete codes and a prior over them, fitted to images, tables or counts.

    Images become a map of codes, rows a short list of them, each one out of K. The bound is
    log p(x|code) + log p(code) (van den Oord et al. 2017); its second part, the rate, is the length of the codes under the prior.
    What is not named here is as in `latentia.VAE`.

    Args:
        model: a name of the catalog: "vq-vae", "vq-vae-ema", "vq-vae-rotation", "gumbel-vae", "fsq-vae", "vq-vae-2",
            "pixel-vae++"; or a `latentia.kinds.codes.catalog.DiscreteEntry`.
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
        ((5, 8, 8), (3, 8, 8))
    """

    takes_columns = True

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
        self.model = model
        self.n_codes = n_codes
        self.latent_dim = latent_dim
        self.n_groups = n_groups
        self.quantizer = quantizer
        self.prior = prior
        self.prior_training = prior_training
        self.prior_by_class = prior_by_class
        self.prior_epochs = prior_epochs
        self.likelihood = likelihood
        self.network = network
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.binarize = binarize
        self.device = device
        self.precision = precision
        self.compile = compile
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    report, _html_repr = report, html_repr
    module_: VQVAEModule
    classes_: NDArray[Any]
    composition_: CodesComposition

    def _entry(self) -> DiscreteEntry:
        entry = entry_of(self.model)
        if self.quantizer is not None:
            entry = dataclasses.replace(entry, quantizer=self.quantizer)
        return stages.joint(entry) if self._prior_training() == "joint" else entry

    def _prior_training(self) -> str:
        return entry_of(self.model).prior_training if self.prior_training is None else self.prior_training

    def _prior_name(self) -> str:
        return stages.PRIOR if self.prior is None else self.prior

    def _two_stage(self) -> bool:
        return self._prior_training() == "two-stage" and self._prior_name() != "uniform"

    def _before(self, X: Any, y: Any) -> None:
        stages.check(self._prior_training(), self._prior_name(), self._entry(), self.prior_by_class)
        self.__dict__.pop("prior_history_", None)
        self._labels: NDArray[np.int64] | None = None
        if self.prior_by_class:
            self.classes_, self._labels = labels_of(y, len(X))

    def _composed(self, given: Given, parts: Chosen) -> CodesComposition:
        classes = tuple(self.classes_.tolist()) if self.prior_by_class else None
        return codes_composed(self, given, parts, self._prior_name(), classes)

    def _composition_of(self, described: dict[str, Any]) -> Composition:
        if described["classes"] is not None:
            self.classes_ = np.asarray(described["classes"])
        if described["prior_history"]:
            self.prior_history_ = described["prior_history"]
        return CodesComposition.of(described | {"prior": self._prior_name()})

    def _compose(self) -> None:
        super()._compose()
        self._final_prior: CodePrior | None = None

    def _codes_of(self, Z: Any) -> Tensor:
        return checked_codes(Z, self.module_.coder).to(self._device())

    def _built(self) -> None:
        """Where the prior has a stage of its own, the first counts its codes as under a uniform one."""
        if self._two_stage():
            self._final_prior = self.module_.prior
            self.module_.prior = code_prior(self.module_.coder, "uniform")

    def _after(self, given: Given, rows: NDArray[Any], held_out: NDArray[Any] | None, **how: Any) -> None:  # noqa: ARG002
        if self._two_stage() and not how.get("streamed"):
            stages.fit_prior(self, given, self._labels, how["validation"], how["run_dir"], how["resume"])
        del self._labels

    @property
    def n_codes_(self) -> int:
        """K, as it was chosen."""
        return self.composition_.n_codes

    @property
    def n_groups_(self) -> int:
        """Codes of a row, as it was chosen."""
        return self.composition_.n_groups

    @property
    def _n_features_out(self) -> int:
        return self.module_.coder.n_positions

    @property
    def code_shapes_(self) -> tuple[tuple[int, int], ...]:
        """(h, w) of each map of codes."""
        return self.module_.coder.shapes

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """One more pass over a chunk of data; see `VAE.partial_fit`.

        Raises:
            ConfigError: if the prior is to be trained in a second stage, which a stream does not have.
        """
        if self._two_stage():
            other = "prior_training='concurrent' or 'joint', or prior='uniform'"
            raise ConfigError(f"partial_fit has no second stage: give {other}")
        return super().partial_fit(X, y, sample_weight)

    def embed(self, X: Any) -> NDArray[Any]:
        """The vectors of the codes of X, joined: `[n, positions * D]`, for maps of the data and for other models."""
        indices = torch.from_numpy(self.transform(X)).to(self._device())
        module = self._inference().module
        with torch.inference_mode():
            parts = [module.coder.decoder_input(part).flatten(1).cpu().numpy() for part in indices.split(512)]
        return np.concatenate(parts)

    def sample(
        self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None, y: Any = None
    ) -> NDArray[Any]:
        """`n_samples` draws from the model: codes from the prior, then x from p(x|k), in the units of the data.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|k) instead of a draw.
            random_state: seed; None draws anew each time.
            y: a class, or the class of each draw `[n_samples]`, for a model fitted with `prior_by_class`.
        """
        if y is None:
            return super().sample(n_samples, mean=mean, random_state=random_state)
        check_is_fitted(self)
        whole("n_samples", n_samples, 1)
        return drawn(
            self._inference(), n_samples, None, class_numbers(self, y, n_samples), mean, random_state
        )

    def complete(
        self, X: Any, mask: Any, *, mean: bool = False, random_state: Any = None, y: Any = None
    ) -> NDArray[Any]:
        """X with the codes outside `mask` drawn from the prior, each given all codes before it, and decoded.

        Where `mask` keeps the first rows of a map of codes this is a draw from p(rest | kept). A code that is kept after a
        drawn one stays as it is, but the other was drawn without knowledge of it. Pixels of kept codes change a little:
        they are decoded too, and the decoder looks beyond a code's own pixels.

        Args:
            X: rows in the units of the training data.
            mask: True where a code is kept, broadcastable to `[n, positions]`; `code_shapes_` are the maps that positions
                make up, row by row.
            mean: give the mean of p(x|k) instead of a draw.
            random_state: seed; None draws anew each time.
            y: as in `sample`; None takes the class as unknown.
        """
        return completed(self, as_rows(self, X, reset=False), mask, mean, random_state, y)

    def code_usage(self, X: Any) -> CodeUsage:
        """How the rows use the codebook: counts, perplexity, used and dead codes."""
        rows, asked = as_rows(self, X, reset=False).rows, self._inference()
        return CodeUsage(asked.module.code_counts(asked.batches(rows)))

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> DiscreteEvaluation:
        """All figures of the fit on X, with those of its codes; see `VAE.evaluate`.

        Where the encoder allows one code only, the bound is all there is: no importance samples are drawn.
        """
        check_is_fitted(self)
        n_importance = 0 if self.module_.coder.deterministic else n_importance
        figures = super().evaluate(X, n_importance=n_importance, importance_items=importance_items)
        return with_usage(figures, self.code_usage(X), self._n_features_out, math.prod(self.event_shape_))

    def _judged(self, diagnosis: Diagnosis, X: Any, evaluation: Evaluation | None) -> Diagnosis:
        """Adds whether most codes are dead."""
        use = use_of(evaluation) or use_of(self.code_usage(X))
        verdict = with_codes(diagnosis.verdict, use, stages.stage_of(self))
        return dataclasses.replace(diagnosis, verdict=verdict)

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        found = super().describe()
        found[0]["composition"]["prior_history"] = getattr(self, "prior_history_", [])
        return found

    @staticmethod
    def load(folder: str | Path) -> VQVAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(VQVAE, folder)
