"""How an estimator with an encoder and a decoder is fitted: from rows to a trained module, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sklearn.utils import check_random_state
from torch import Tensor

from latentia import training
from latentia.data import Dataset
from latentia.estimators.contracts import check_objective, check_parts
from latentia.estimators.forms.arrays import Given
from latentia.estimators.inference import frozen
from latentia.estimators.settings import KEPT, training_config
from latentia.estimators.whole import all_or_nothing
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.training.randomness import seeded


def fit_to(
    estimator: Any,
    X: Any,
    y: Any,
    validation: Any,
    run_dir: str | Path | None,
    resume: bool,
    channels: str = "auto",
) -> None:
    """What `LatentEstimator.fit` does; the arguments are its."""
    if isinstance(X, Dataset):
        y = X.train.y if y is None else y
        validation = X.validation.x if validation is None else validation
        X, channels = X.train.x, "first"
    with all_or_nothing(estimator):
        estimator._before(X, y)
        way = estimator._way
        given = way.given(estimator, X, reset=True, channels=channels)
        build(estimator, given)
        if validation is None:
            rows, held_out = estimator._split(given.rows, estimator.seed_)
        else:
            rows, held_out = given.rows, way.given(estimator, validation, reset=False).rows
        config = configured(estimator, rows, estimator.seed_, held_out is not None)
        estimator.settings_ = {name: getattr(config, name) for name in KEPT if name != "learning_rate"}
        batches = way.batches(rows, estimator.form_)
        held = None if held_out is None else way.batches(held_out, frozen(estimator.form_))
        _take_objective(estimator, rows, batches, config)
        if estimator.verbose:
            print(*estimator.choices_, sep="\n")
        estimator.form_.train()
        folder = None if run_dir is None else Path(run_dir)
        way.first(estimator, batches, held, config, folder, resume)
        history = training.fit(
            estimator.module_,
            estimator.objective_,
            batches,
            held,
            config,
            folder,
            resume=resume,
            watch=estimator._watch(),
            schedule=estimator.schedule_,
            information=estimator._information(),
        )
        estimator.form_.eval()
        estimator._take_history(history, len(rows))
        estimator._after(given, rows, held_out, validation=validation, run_dir=run_dir, resume=resume)


def continue_with(estimator: Any, X: Any, y: Any) -> None:
    """What `LatentEstimator.partial_fit` does; the arguments are its."""
    first = not estimator.__sklearn_is_fitted__()
    # a call that fails must leave the model that there was
    with all_or_nothing(estimator, () if first else ("module_", "form_", "objective_")):
        estimator._before(X, y)
        given = estimator._way.given(estimator, X, reset=first)
        rows = given.rows
        if first:
            build(estimator, given, streamed=True)
            estimator.n_train_, estimator.history_ = 0, []
        seed = (estimator.seed_ + 1 + len(estimator.history_)) % 2**32
        config = configured(estimator, rows, seed, False, max_epochs=1, warmup_fraction=0.0)
        batches = estimator._way.batches(rows, estimator.form_)
        if first:
            _take_objective(estimator, rows, batches, config)
        estimator.form_.train()
        estimator.module_.refinement_steps = 0
        history = training.fit(estimator.module_, estimator.objective_, batches, None, config, prepare=first)
        estimator.form_.eval()
        estimator.n_train_ += len(rows)
        estimator.best_epoch_ = None  # the weights are of no epoch of the fit any longer
        estimator.history_ = [*estimator.history_, *history.rows()]
        estimator._after(given, rows, None, streamed=True)


def build(estimator: Any, given: Given, streamed: bool = False) -> None:
    """Choose what is left open, and put the untrained module together."""
    entry = estimator._entry()
    parts = estimator._way.chosen(estimator, given, entry, streamed)
    estimator.form_, estimator.choices_ = parts.form, parts.choices
    estimator.schedule_ = estimator._schedule(entry)
    estimator.composition_ = estimator._composed(given, parts)
    estimator.seed_ = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    with seeded(estimator.seed_, torch.device("cpu")):
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


def _take_objective(
    estimator: Any, rows: Any, batches: training.Batches, config: training.TrainingConfig
) -> None:
    """Build the objective of one fit, as the model, its options and the size of the fit make it."""
    n_updates = config.max_epochs * batches.n_batches(config.batch_size)
    estimator.objective_setting_ = ObjectiveSetting(
        len(batches), estimator.latent_dim_, estimator.event_shape_, n_updates
    )
    estimator.objective_ = build_objective(
        estimator._entry().objective, estimator.objective_setting_, estimator._options()
    )
    check_objective(estimator.objective_, estimator.module_, _two_items(estimator, rows))
