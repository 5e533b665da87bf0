"""The plan of one fit: found by timing updates, or read from the run that is gone on with."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
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
from latentia.estimators.plan import Plan, Work, fewest_updates, in_words, planned
from latentia.nn import ladder
from latentia.training.arithmetic import operations, ordinary_seconds, shortest_seconds
from latentia.training.checkpoints import LAST
from latentia.training.pace import updates_of
from latentia.training.schedule import Alternating, Joint, Schedule
from latentia.training.timing import TIMED, WARM

AUTO = "auto"
FEW = 200
"""Updates that are over before anybody asks how long they take."""
BUDGET_MINUTES = 30.0
"""For a fit whose length nobody gave, where that is plainly longer (docs/default.md, "Minutes")."""
PLAINLY = 4 / 3
TIMING_SHARE = 0.02
"""Of the time that a fit may take; a network whose timing takes more is reckoned first."""


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
    kept = folder.plan_in(run_dir) if resume and run_dir is not None else None
    if minutes is None:
        return None
    if minutes != AUTO and not is_time(minutes):
        raise ConfigError(f'max_minutes={minutes!r}: expected a positive number, None or "auto"')
    if kept is not None:
        return Plan.of(kept)
    if minutes == AUTO:
        return None
    schedule = estimator._schedule(estimator._entry())
    if not one_step(schedule):
        raise ConfigError(
            f"max_minutes is for schedules with one step an update, not {schedule}: give max_epochs instead"
        )
    plan = _made(estimator, given, n_held, begun, minutes, {})
    _note(estimator, plan, run_dir)
    return plan


def is_time(minutes: Any) -> bool:
    """Whether a value of `max_minutes` is a time.

    >>> is_time(2), is_time("auto"), is_time(True), is_time(None)
    (True, False, False, False)
    """
    return not isinstance(minutes, bool) and isinstance(minutes, (int, float)) and 0 < minutes < math.inf


def budgeted(
    estimator: Any,
    given: Given,
    batches: training.Batches,
    config: training.TrainingConfig,
    n_held: int | None,
    begun: float,
    run_dir: Path | None,
    resume: bool,
) -> Plan | None:
    """The plan of a fit whose length nobody gave and that would plainly be longer than `BUDGET_MINUTES`; None: it stays as it is.

    Where the arithmetic of the model says on which side it is, no update is timed. A fit that was begun without a plan has none later.

    Args:
        estimator: built.
        given: training items.
        batches: the part of them that is learned from.
        config: of the fit as it would be.
        n_held: as for `plan_of`.
        begun: as for `plan_of`.
        run_dir: as for `plan_of`.
        resume: whether what was begun there is gone on with.
    """
    open_ = getattr(estimator, "max_minutes", None) == AUTO and estimator.max_epochs is None
    if not open_ or estimator.plan_ is not None or not one_step(estimator.schedule_):
        return None
    if resume and run_dir is not None and (run_dir / "checkpoints" / LAST).exists():
        return None
    updates, most = updates_of(config, batches.n_batches(config.batch_size)), 60 * BUDGET_MINUTES * PLAINLY
    least, about = _reckoned(estimator, batches, config)
    if updates * about <= most:
        return None
    network = _names(estimator, given)[0]
    known = {}
    if updates * least <= most:
        known = {network: seconds_with(estimator, given, estimator.network)}
        if updates * known[network] <= most:
            return None
    plan = _made(estimator, given, n_held, begun, BUDGET_MINUTES, known)
    plan = replace(plan, otherwise=updates * plan.seconds[network])
    _note(estimator, plan, run_dir)
    return plan


def _made(
    estimator: Any, given: Given, n_held: int | None, begun: float, minutes: float, known: dict[str, float]
) -> Plan:
    """The plan of a fit of so many minutes; `known`: seconds of an update by network, as far as they were timed before."""
    asked, n = estimator.network, len(given.rows)
    n_held = round(estimator.validation_fraction * n) if n_held is None else n_held
    names = _names(estimator, given)
    batch_size = default_batch_size(n) if estimator.batch_size is None else estimator.batch_size
    work = Work(n, n_held, whole("batch_size", batch_size, 1), *estimator._follows(n))

    def timed(name: str) -> float:
        if name in known:
            return known[name]
        within = math.inf if name == names[-1] else 60 * minutes
        return seconds_with(estimator, given, name if asked == AUTO else asked, within)

    return planned(minutes, names, timed, work, lambda: time.monotonic() - begun)


def _names(estimator: Any, given: Given) -> tuple[str, ...]:
    """The networks among which time decides, the largest first, which is the one of a fit without a plan."""
    entry, asked = estimator._entry(), estimator.network
    if asked != AUTO:
        return (asked if isinstance(asked, str) else type(asked).__name__,)
    event = tuple(given.rows.shape[1:])
    return ladder(event, len(given.rows), entry.image_network, entry.vector_network)


def _note(estimator: Any, plan: Plan, run_dir: Path | None) -> None:
    if run_dir is not None:
        folder.note_plan(estimator, run_dir, plan.describe())


def seconds_with(estimator: Any, given: Given, network: Any, within: float = math.inf) -> float:
    """Seconds of an update of an estimator with one network; it stays as it is.

    Args:
        estimator: whatever its state.
        given: training items.
        network: its name, or itself.
        within: seconds that the fit may take. They are reckoned, not timed, where timing would take much of these and no
            machine could take as many updates in them as the network needs.
    """
    trial = copy.copy(estimator)
    trial.network, trial.random_state = network, copy.deepcopy(estimator.random_state)
    batches, config = _built(trial, given)
    if within < math.inf:
        least, about = _reckoned(trial, batches, config)
        long = (WARM + TIMED + 1) * about > TIMING_SHARE * within
        if long and fewest_updates(network) * least > within:
            return about
    return training.update_seconds(trial.module_, trial.objective_, batches, config)


def _reckoned(built: Any, batches: training.Batches, config: training.TrainingConfig) -> tuple[float, float]:
    """Seconds of an update that no machine undercuts, and that most do."""
    device = training.resolve_device(config.device)
    count = operations(built.module_, built.objective_, batches, config, device)
    return shortest_seconds(count, device), ordinary_seconds(count, device)


def _built(trial: Any, given: Given) -> tuple[training.Batches, training.TrainingConfig]:
    """Build a copy of an estimator that is to be tried; its batches, and the settings of its fit."""
    trial.plan_ = None
    build(trial, given)
    config = configured(trial, given.rows, trial.seed_, True)
    batches = trial._way.batches(given.rows, trial.form_.train())
    take_objective(trial, given.rows, batches, config)
    return batches, config


def expected_seconds(estimator: Any, dataset: Dataset, limit: float) -> float:
    """About how long the updates of a fit will take that is not planned; 0 where a schedule takes several steps an update.

    Where their arithmetic says that it is far from `limit`, that is what is given, and no update is timed.
    """
    trial = copy.copy(estimator)
    trial.random_state = copy.deepcopy(estimator.random_state)
    trial._before(dataset.train.x, dataset.train.y)
    given = trial._way.given(trial, dataset.train.x, reset=True, channels="first")
    batches, config = _built(trial, given)
    updates = updates_of(config, batches.n_batches(config.batch_size))
    if updates < FEW or not one_step(trial.schedule_):
        return 0.0
    least, about = _reckoned(trial, batches, config)
    if updates * about < limit or updates * least > limit:
        return updates * about
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
