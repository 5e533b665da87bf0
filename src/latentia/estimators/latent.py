"""What all estimators with an encoder and a decoder share: fit, codes, reconstructions, draws, likelihoods, diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.distributions import Distribution

from latentia.core import Objective
from latentia.data.column import Column
from latentia.diagnostics import Diagnosis, Evaluation, evaluate
from latentia.errors import ConfigError
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.entry import Entry
from latentia.estimators.fitting import continue_with, fit_to
from latentia.estimators.folder import Curves, params_of
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.unlike import given_back
from latentia.estimators.hints import diagnosed
from latentia.estimators.inference import Inference, log_volumes
from latentia.estimators.kept import described, restore
from latentia.estimators.network import NetworkEstimator
from latentia.estimators.parameters import whole
from latentia.estimators.way import Way
from latentia.estimators.weights import mean_score
from latentia.latent.totals import check_total
from latentia.objectives import ObjectiveSetting
from latentia.training import Schedule
from latentia.training.watching import Measure


class LatentEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """A model with codes, around items that become arrays `[n, *event]`.

    A kind of model gives what stands under "what a kind gives": its entry, its composition, what comes before and after training.
    """

    model: Any
    learning_rate: float
    n_importance: int
    composition_: Composition
    form_: Any
    schedule_: Schedule
    objective_: Objective
    objective_setting_: ObjectiveSetting
    _way = Way()

    # ------------------------------------------------------------------ what a kind gives

    def _entry(self) -> Entry:
        """The entry of the catalog."""
        raise NotImplementedError

    def _composed(self, given: Given, parts: Chosen) -> Composition:
        """What is left to choose, by the data; choices go to `parts.choices`."""
        raise NotImplementedError

    def _composition_of(self, described: dict[str, Any]) -> Composition:
        """The composition of a run folder."""
        return Composition.of(described)

    def _codes_of(self, Z: Any) -> Tensor:
        """Codes that a person gives, checked, as the module takes them."""
        raise NotImplementedError

    def _before(self, X: Any, y: Any) -> None:
        """Check what a fit needs beside its rows."""

    def _built(self) -> None:
        """What is to be done to the untrained module."""

    def _after(self, given: Given, rows: NDArray[Any], held_out: NDArray[Any] | None, **how: Any) -> None:
        """What follows training: `how` has `validation, run_dir, resume` of `fit`, or `streamed`."""

    def _schedule(self, entry: Entry) -> Schedule:
        return entry.schedule

    def _options(self) -> Mapping[str, Any] | None:
        """Options of the objective."""
        return None

    def _watch(self) -> Measure | None:
        """What is watched while training."""
        return None

    def _information(self) -> Any:
        """For schedules that are ruled by the mutual information."""
        return None

    def _judged(self, diagnosis: Diagnosis, X: Any, evaluation: Evaluation | None) -> Diagnosis:  # noqa: ARG002
        """The diagnosis, with what this kind of model adds to it."""
        return diagnosis

    def _source(self, module: Any) -> Distribution | None:  # noqa: ARG002
        """Where samples' codes are drawn from, if not from the prior."""
        return None

    # ------------------------------------------------------------------ fitting

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
            X: `[n, d]` (NumPy, torch, frames, SciPy sparse), images `[n, C, H, W]`, `[n, H, W, C]`, `[n, H, W]`, or a `latentia.data.Dataset`
                 (its train part; its validation part chooses the epoch).
            y: classes `[n]`, for models that learn something by class; else ignored.
            validation: rows like X; None splits `validation_fraction` off X.
            run_dir: where `metrics.jsonl` and checkpoints go while fitting; None keeps nothing on disk.
            resume: go on from the last checkpoint in `run_dir`, to the very weights of an uninterrupted run.
            channels: where images have them: "first", "last", or "auto": the only axis that they can be.
            sample_weight: how often each row of X counts, `[n]`; of weight 0: not at all (docs/default.md, "Weights").

        Returns:
            Itself.
        """
        fit_to(self, X, y, validation, run_dir, resume, channels, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """One more pass over a chunk of data, for streams that do not fit in memory; encoder and decoder move together.

        The first call fixes scaling, likelihood and network from its chunk, so it should be a representative one. Each
        call starts at the full learning rate and ends with the variance calibrated on its own chunk.
        """
        continue_with(self, X, y, sample_weight)
        return self

    def _compose(self) -> None:
        inputs = self.form_.encoder_inputs(self.composition_.typical_size)
        self.module_ = self.composition_.build(self._entry(), inputs)

    # ------------------------------------------------------------------ what is composed

    @property
    def latent_dim_(self) -> int:
        """Length of a code (of discrete codes: of the vector of one)."""
        return self.composition_.latent_dim

    @property
    def event_shape_(self) -> tuple[int, ...]:
        """Shape of one item."""
        return self.composition_.event_shape if self.columns_ is None else tuple(self.form_.event_shape)

    @property
    def columns_(self) -> tuple[Column, ...] | None:
        """What the columns of a table of unlike columns are; None for other data."""
        return getattr(self.form_, "columns", None)

    @property
    def likelihood_(self) -> Any:
        """The likelihood: its name, or what builds one."""
        return self.composition_.likelihood

    @property
    def network_(self) -> Any:
        """The network: its name, or itself."""
        return self.composition_.network

    # ------------------------------------------------------------------ codes, and back

    def _inference(self) -> Inference:
        return Inference.of(self.module_, self.form_, self.composition_.typical_size)

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes of X: means of q(z|x), `[n, latent_dim]`; the same for an item whatever stands beside it."""
        return self._inference().codes(self._way.given(self, X, reset=False).rows)

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Items for codes `[n, latent_dim]`: the mean of p(x|z) in the units, type and shape of the training data; counts of median size."""
        check_is_fitted(self)
        return given_back(self._inference().decoded(self._codes_of(Z)), self.form_)

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """X by way of its codes: the mean of p(x|z) at the posterior mean, in the units, type and shape of X."""
        given = self._way.given(self, X, reset=False)
        return given_back(self._inference().rebuilt(given.rows, given.axes), self.form_, X)

    def sample(self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None) -> NDArray[Any]:
        """`n_samples` draws from the model: a code from the prior (or what stands in its place), then x from p(x|z), in the units of the data.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|z) instead of a draw: for images, without the pixel noise.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        whole("n_samples", n_samples, 1)
        seed, asked = int(check_random_state(random_state).randint(2**31 - 1)), self._inference()
        drawn = asked.drawn(n_samples, mean, self._source(asked.module), seed)
        return given_back(drawn, self.form_, seed=seed)

    def tensors(self, X: Any) -> tuple[Any, Tensor]:
        """The torch module in evaluation mode, and X `[n, *event]` as it sees them: for what no method here does."""
        rows, asked = self._way.given(self, X, reset=False).rows, self._inference()
        return asked.module, torch.cat(list(asked.batches(rows)))

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    # ------------------------------------------------------------------ likelihoods and diagnosis

    def score_samples(self, X: Any, *, total: str = "given", n_importance: int | None = None) -> NDArray[Any]:
        """Importance-weighted log p(x) in nats of each row, `[n]`: a density in the units of X, on [0, 1] for pixels, a probability for counts.

        Args:
            X: rows.
            total: of counts: "given" (the score is conditional on a row's total, NaN where that is 0) or "modelled" (`latentia.latent.totals`).
            n_importance: samples for each row; None: the estimator's `n_importance`.

        Raises:
            ConfigError: for models with deterministic codes, which define no density.
        """
        samples = whole("n_importance", self.n_importance if n_importance is None else n_importance, 1)
        check_total(total)
        rows = self._way.given(self, X, reset=False).rows
        modelled = {"total": total} if self.conditions_on_total else {}
        if (scores := self._inference().log_density(rows, samples, **modelled)) is None:
            raise ConfigError(f"model {self.model!r} has deterministic codes and so no log-likelihood")
        return scores

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: ARG002
        """Weighed mean of `score_samples(X)`: nats per item (that has counts, where these are scored), greater is better."""
        return mean_score(self.score_samples(X), sample_weight)

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> Evaluation:
        """All figures of the fit on X: the bound and its parts, errors, active units (see `Evaluation`).

        Args:
            X: rows.
            n_importance: importance samples for the log-likelihood; None: the estimator's; 0: none.
            importance_items: most rows for which they are drawn; None: all.
        """
        rows, asked = self._way.given(self, X, reset=False).rows, self._inference()
        return evaluate(
            asked.module,
            asked.batches(rows, 250),
            n_importance=self.n_importance if n_importance is None else n_importance,
            importance_items=importance_items,
            log_volume=float(np.mean(log_volumes(self.form_, rows))),
        )

    def diagnose(
        self,
        X: Any,
        *,
        train: Any = None,
        evaluation: Evaluation | None = None,
        thorough: bool = True,
        columns: Sequence[str] | None = None,
    ) -> Diagnosis:
        """Whether the fit can be trusted, judged on held-out rows: the verdict, all figures, and remedies.

        Args:
            X: held-out rows (the first 10 000 are looked at).
            train: training rows; with them overfitting is judged.
            evaluation: what `evaluate(X)` gave, if it is there already.
            thorough: also take the measures that need an optimisation for each of some rows.
            columns: names of the columns, if X was fitted without them.
        """
        return self._judged(diagnosed(self, X, train, evaluation, thorough, columns), X, evaluation)

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        return described(self)

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = cls(**params_of(config))
        restore(self, config, tensors, curves)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags
