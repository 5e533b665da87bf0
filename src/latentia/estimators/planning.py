"""The plan of one fit: found by timing updates, or read from the run that is gone on with."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path
from typing import Any

from latentia import training
from latentia.data import Dataset
from latentia.errors import ConfigError
from latentia.estimators import folder
from latentia.estimators.building import build, configured, take_objective
from latentia.estimators.defaults import default_batch_size
from latentia.estimators.forms.arrays import Given
from latentia.estimators.parameters import whole
from latentia.estimators.plan import Plan, Work, planned
from latentia.nn import ladder
from latentia.training.pace import updates_of
from latentia.training.schedule import Alternating, Joint, Schedule

FEW = 200
"""Updates that are over before anybody asks how long they take."""


def plan_of(
    estimator: Any, given: Given, n_held: int | None, begun: float, run_dir: Path | None, resume: bool
) -> Plan | None:
    """How long a fit with `max_minutes` is to be; None for all others.

    Args:
        estimator: not yet built.
        given: training items.
        n_held: rows that a person holds out; None: a share of the items.
        begun: when the fit began (`time.monotonic`).
        run_dir: where the plan is kept, before it is carried out.
        resume: whether the one that is kept there is gone on with: it is never made twice.

    Raises:
        ConfigError: if the minutes are no positive number, or the model's schedule takes several steps an update.
    """
    minutes = getattr(estimator, "max_minutes", None)
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not 0 < minutes < math.inf:
        raise ConfigError(f"max_minutes={minutes!r}: expected a positive number, or None")
    kept = folder.plan_in(run_dir) if resume and run_dir is not None else None
    if kept is not None:
        return Plan.of(kept)
    entry, asked = estimator._entry(), estimator.network
    schedule = estimator._schedule(entry)
    if not one_step(schedule):
        raise ConfigError(
            f"max_minutes is for schedules with one step an update, not {schedule}: give max_epochs instead"
        )
    n = len(given.rows)
    n_held = round(estimator.validation_fraction * n) if n_held is None else n_held
    event = tuple(given.rows.shape[1:])
    names = ladder(event, n, entry.image_network, entry.vector_network)
    if asked != "auto":
        names = (asked if isinstance(asked, str) else type(asked).__name__,)
    batch_size = default_batch_size(n) if estimator.batch_size is None else estimator.batch_size
    work = Work(n, n_held, whole("batch_size", batch_size, 1), *estimator._follows(n))
    plan = planned(
        minutes,
        names,
        lambda name: seconds_with(estimator, given, name if asked == "auto" else asked),
        work,
        lambda: time.monotonic() - begun,
    )
    if run_dir is not None:
        folder.note_plan(estimator, run_dir, plan.describe())
    return plan


def seconds_with(estimator: Any, given: Given, network: Any) -> float:
    """Seconds of an update of an estimator with one network; it stays as it is."""
    trial = copy.copy(estimator)
    trial.network, trial.random_state = network, copy.deepcopy(estimator.random_state)
    batches, config = _built(trial, given)
    return training.update_seconds(trial.module_, trial.objective_, batches, config)


def _built(trial: Any, given: Given) -> tuple[training.Batches, training.TrainingConfig]:
    """Build a copy of an estimator that is to be tried; its batches, and the settings of its fit."""
    trial.plan_ = None
    build(trial, given)
    config = configured(trial, given.rows, trial.seed_, True)
    batches = trial._way.batches(given.rows, trial.form_.train())
    take_objective(trial, given.rows, batches, config)
    return batches, config


def expected_seconds(estimator: Any, dataset: Dataset) -> float:
    """About how long the updates of a fit will take that is not planned; 0 where a schedule takes several steps an update."""
    trial = copy.copy(estimator)
    trial.random_state = copy.deepcopy(estimator.random_state)
    trial._before(dataset.train.x, dataset.train.y)
    given = trial._way.given(trial, dataset.train.x, reset=True, channels="first")
    batches, config = _built(trial, given)
    updates = updates_of(config, batches.n_batches(config.batch_size))
    if updates < FEW or not one_step(trial.schedule_):
        return 0.0
    return updates * training.update_seconds(trial.module_, trial.objective_, batches, config)


def one_step(schedule: Schedule) -> bool:
    """Whether each update of a schedule is one step."""
    return isinstance(schedule, (Joint, Alternating))


def told_time(estimator: Any, batches: training.Batches, config: training.TrainingConfig) -> str:
    """How long the updates of a fit will take about, in words."""
    updates = updates_of(config, batches.n_batches(config.batch_size))
    if updates < FEW:
        return f"{updates} updates"
    if estimator.plan_ is not None:
        seconds = estimator.plan_.seconds[estimator.plan_.network]
    else:
        seconds = training.update_seconds(estimator.module_, estimator.objective_, batches, config)
    return f"{updates} updates, about {in_words(updates * seconds)}; Ctrl-C ends them early, and well"


def in_words(seconds: float) -> str:
    """A time to two digits or so.

    >>> in_words(4.2), in_words(95), in_words(1500), in_words(9000)
    ('5 seconds', '2 minutes', '25 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{math.ceil(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
