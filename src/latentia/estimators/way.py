"""How items of one nature go into a fit of a model with an encoder and a decoder, and are looked at after it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia import training
from latentia.data.items import length
from latentia.distributions.numerics import has_bfloat16_units
from latentia.estimators.composition import Chosen, chosen
from latentia.estimators.defaults import (
    default_batch_size,
    default_epochs,
    default_gradient_clip,
    times_of_rows,
)
from latentia.estimators.forms.arrays import Given, as_rows
from latentia.estimators.forms.mixed import MixedForm
from latentia.estimators.forms.scaled import Scaled
from latentia.estimators.settings import Defaults
from latentia.estimators.weights import refuse_weights, weighed_rows
from latentia.latent.likelihoods.base import Likelihood


def _moves_by_price(estimator: Any, mover: str) -> bool:
    """Whether AdamW moves a perceptron of rows where Muon would be dear: it then has the time for more updates."""
    automatic = mover == "auto" and getattr(estimator, "optimizer", mover) == "auto"
    device = training.resolve_device(estimator.device)
    return automatic and len(estimator.event_shape_) == 1 and not has_bfloat16_units(device)


class Way:
    """The way of arrays: tables, counts and images. Items of another nature have a way of their own, with the same face.

    Attributes:
        weighs: whether a fit takes weights of items.
    """

    weighs = True

    def given(self, estimator: Any, X: Any, *, reset: bool, channels: str = "auto") -> Given:
        """What a person handed over, checked against what the estimator was fitted to (or, with `reset`, noted on it)."""
        return as_rows(estimator, X, reset=reset, channels=channels)

    def weighed(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any
    ) -> tuple[Any, Any, NDArray[np.float64] | None]:
        """Rows, classes and weights of a fit; see `weighed_rows`.

        Raises:
            ConfigError: for weights of items that are not weighed.
        """
        if not self.weighs:
            refuse_weights(sample_weight, type(estimator).__name__)
        return weighed_rows(X, y, sample_weight)

    def chosen(self, estimator: Any, given: Given, entry: Any, streamed: bool) -> Chosen:
        """Form, likelihood and network for data; `streamed`: whether more items will follow."""
        plan = estimator.plan_
        return chosen(given, entry, estimator, streamed, None if plan is None else plan.network)

    def form_of(self, described: dict[str, Any]) -> Any:
        """The form that a run folder keeps."""
        return MixedForm.rebuild(described) if described["kind"] == MixedForm.kind else Scaled(**described)

    def batches(self, rows: Any, form: Any) -> training.Batches:
        """Items as the training loop takes them."""
        return training.Batches(rows, form)

    def defaults(self, estimator: Any, rows: Any) -> Defaults:
        """Settings of a fit to these items that a person leaves open."""
        clip = default_gradient_clip(estimator.event_shape_)
        likelihood = getattr(
            estimator.module_, "likelihood", None
        )  # models of scenes have one of another kind, or none
        mover = likelihood.optimizer(length(rows)) if isinstance(likelihood, Likelihood) else "auto"
        times = times_of_rows(length(rows)) if _moves_by_price(estimator, mover) else 1.0
        longer = partial(default_epochs, times=times) if times > 1 else default_epochs
        return Defaults(default_batch_size, longer, estimator.learning_rate, clip, optimizer=mover)

    def first(
        self,
        estimator: Any,
        batches: training.Batches,
        held_out: training.Batches | None,
        config: training.TrainingConfig,
        folder: Path | None,
        resume: bool,
    ) -> None:
        """What the module is trained as before it is trained as what it is; of arrays: nothing."""
