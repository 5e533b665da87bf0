"""How an estimator with an encoder and a decoder is fitted: from rows to a trained module, whole or not at all."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

from latentia import training
from latentia.data import Dataset
from latentia.data.items import length
from latentia.estimators.building import build, configured, take_objective
from latentia.estimators.choices import Choice
from latentia.estimators.forms.arrays import Given
from latentia.estimators.inference import frozen
from latentia.estimators.plan import JUDGED
from latentia.estimators.planning import budgeted, plan_of, told_time
from latentia.estimators.settings import KEPT
from latentia.estimators.weights import Weights, split_weights, told_weights
from latentia.estimators.whole import all_or_nothing
from latentia.progress import stage, told


def fit_to(
    estimator: Any,
    X: Any,
    y: Any,
    validation: Any,
    run_dir: str | Path | None,
    resume: bool,
    channels: str = "auto",
    sample_weight: Any = None,
) -> None:
    """What `LatentEstimator.fit` does; the arguments are its."""
    begun = time.monotonic()
    folder = None if run_dir is None else Path(run_dir)
    if isinstance(X, Dataset):
        y = X.train.y if y is None else y
        validation = X.validation.x if validation is None else validation
        X, channels = X.train.x, "first"
    with all_or_nothing(estimator), told(bool(estimator.verbose)):
        way = estimator._way
        X, y, weight = way.weighed(estimator, X, y, sample_weight)
        estimator._before(X, y)
        given = way.given(estimator, X, reset=True, channels=channels)._replace(weight=weight)
        n_held = None if validation is None else length(validation)
        estimator.plan_ = plan_of(estimator, given, n_held, begun, folder, resume)
        build(estimator, given)
        ready = _ready(estimator, given, validation)
        plan = budgeted(estimator, given, ready.batches, ready.config, n_held, begun, folder, resume)
        if plan is not None:
            estimator.plan_ = plan
            build(estimator, given, seed=estimator.seed_)
            ready = _ready(estimator, given, validation)
        rows, held_out, weight, batches, held, config = ready
        estimator.choices_ += _told(estimator, config, weight)
        if estimator.verbose:
            print(*estimator.choices_, sep="\n")
            print(told_time(estimator, batches, config))
        estimator.form_.train()
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
        how = {"validation": validation, "run_dir": run_dir, "resume": resume, "weight": weight}
        with stage("what follows training"):
            estimator._after(given, rows, held_out, **how)


class _Ready(NamedTuple):
    """What a fit is made of, beside what stands on the estimator."""

    rows: Any
    held_out: Any
    weight: Weights | None
    batches: training.Batches
    held: training.Batches | None
    config: training.TrainingConfig


def _ready(estimator: Any, given: Given, validation: Any) -> _Ready:
    """Part the rows of a fit, and find its settings and its objective by the plan that the estimator has."""
    way, plan = estimator._way, estimator.plan_
    rows, held_out, weight, held_weight = given.rows, None, given.weight, None
    if validation is None:
        rows, held_out = estimator._split(rows, estimator.seed_)
        weight, held_weight = split_weights(estimator, weight)
    else:
        estimator._check_fraction()
        held_out = way.given(estimator, validation, reset=False).rows
    limit = {} if plan is None else {"max_updates": plan.updates}
    config = configured(estimator, rows, estimator.seed_, held_out is not None, **limit)
    estimator.settings_ = {name: getattr(config, name) for name in KEPT if name != "learning_rate"}
    batches = way.batches(rows, estimator.form_).weighed(weight)
    held = _held(estimator, held_out, held_weight)
    take_objective(estimator, rows, batches, config)
    return _Ready(rows, held_out, weight, batches, held, config)


def _told(estimator: Any, config: training.TrainingConfig, weight: Weights | None) -> list[Choice]:
    """What was decided of the fit itself."""
    found = told_weights(weight)
    if config.optimizer != estimator.optimizer:
        found.append(Choice("optimizer", config.optimizer, "held-out rows of tables with this likelihood"))
    return found if estimator.plan_ is None else [*found, *estimator.plan_.choices()]


def _held(estimator: Any, held_out: Any, weight: Weights | None) -> training.Batches | None:
    """Held-out rows as the fit is judged by them."""
    if held_out is None:
        return None
    if estimator.plan_ is not None:  # a part, evenly spread, says which mark is the best
        part = slice(None, None, math.ceil(len(held_out) / JUDGED))
        held_out, weight = held_out[part], None if weight is None else weight[part]
    held: training.Batches = estimator._way.batches(held_out, frozen(estimator.form_)).weighed(weight)
    return held


def continue_with(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> None:
    """What `LatentEstimator.partial_fit` does; the arguments are its."""
    first = not estimator.__sklearn_is_fitted__()
    # a call that fails must leave the model that there was
    with all_or_nothing(estimator, () if first else ("module_", "form_", "objective_")):
        X, y, weight = estimator._way.weighed(estimator, X, y, sample_weight)
        estimator._before(X, y)
        given = estimator._way.given(estimator, X, reset=first)._replace(weight=weight)
        rows = given.rows
        if first:
            estimator.plan_ = None
            build(estimator, given, streamed=True)
            estimator.n_train_, estimator.history_ = 0, []
        seed = (estimator.seed_ + 1 + len(estimator.history_)) % 2**32
        config = configured(estimator, rows, seed, False, max_epochs=1, warmup_fraction=0.0)
        batches = estimator._way.batches(rows, estimator.form_).weighed(weight)
        if first:
            take_objective(estimator, rows, batches, config)
        estimator.form_.train()
        estimator.module_.refinement_steps = 0
        history = training.fit(estimator.module_, estimator.objective_, batches, None, config, prepare=first)
        estimator.form_.eval()
        estimator.n_train_ += len(rows)
        estimator.best_epoch_ = None  # the weights are of no epoch of the fit any longer
        estimator.history_ = [*estimator.history_, *history.rows()]
        estimator._after(given, rows, None, streamed=True, weight=weight)
