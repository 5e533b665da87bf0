"""From items to an untrained module, its objective and the settings of its fit."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.utils import check_random_state
from torch import Tensor

from latentia import training
from latentia.estimators.contracts import check_objective, check_parts
from latentia.estimators.forms.arrays import Given
from latentia.estimators.inference import frozen
from latentia.estimators.sealed import for_training
from latentia.estimators.settings import training_config
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.training.pace import updates_of
from latentia.training.randomness import seeded


def build(estimator: Any, given: Given, streamed: bool = False, seed: int | None = None) -> None:
    """Choose what is left open, and put the untrained module together; `seed`: where one was drawn for this fit before."""
    entry = estimator._entry()
    parts = estimator._way.chosen(estimator, given, entry, streamed)
    estimator.form_, estimator.choices_ = parts.form, parts.choices
    estimator.schedule_ = estimator._schedule(entry)
    estimator.composition_ = estimator._composed(given, parts)
    if seed is None:
        seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    estimator.seed_ = seed
    with seeded(estimator.seed_, torch.device("cpu")), for_training():
        estimator._compose()
    check_parts(estimator.module_, _two_items(estimator, given.rows))
    estimator._built()


def _two_items(estimator: Any, rows: Any) -> Tensor:
    """The first two items, as the model sees them."""
    with seeded(0, torch.device("cpu")):
        return next(iter(estimator._way.batches(rows[:2], frozen(estimator.form_)).ordered(2)))


def configured(
    estimator: Any, rows: Any, seed: int, validated: bool, **overrides: Any
) -> training.TrainingConfig:
    """All settings of a fit to these rows."""
    defaults = estimator._way.defaults(estimator, rows)
    return training_config(estimator, len(rows), seed, validated, defaults, **overrides)


def take_objective(
    estimator: Any, rows: Any, batches: training.Batches, config: training.TrainingConfig
) -> None:
    """Build the objective of one fit, as the model, its options and the size of the fit make it."""
    n_updates = updates_of(config, batches.n_batches(config.batch_size))
    estimator.objective_setting_ = ObjectiveSetting(
        len(batches), estimator.latent_dim_, estimator.event_shape_, n_updates
    )
    estimator.objective_ = build_objective(
        estimator._entry().objective, estimator.objective_setting_, estimator._options()
    )
    weighed = batches.weight is not None
    check_objective(estimator.objective_, estimator.module_, _two_items(estimator, rows), weighed)
