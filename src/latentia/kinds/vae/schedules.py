"""The schedule of a fit: what a person asks for, or the model's own, and the measure that may rule it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from latentia.diagnostics import mutual_information
from latentia.errors import ConfigError
from latentia.training import SCHEDULES, Schedule, build_schedule


def resolve_schedule(
    schedule: str | Schedule, options: Mapping[str, Any] | None, of_model: Schedule
) -> Schedule:
    """The schedule to train by.

    Args:
        schedule: a name of `latentia.training.SCHEDULES`, a schedule, or "auto": that of the model.
        options: of the schedule called by name; with "auto", what is to be changed of the model's.
        of_model: the schedule of the catalog entry.

    Raises:
        ConfigError: for an unknown name or option, and for options beside a schedule that is given as an object.

    Example:
        >>> from latentia.training import Aggressive, Joint
        >>> resolve_schedule("auto", {"epochs": 2}, Aggressive(ratio=5))
        Aggressive(ratio=5, epochs=2, patience=1)
        >>> resolve_schedule("joint", None, Aggressive(ratio=5))
        Joint()
    """
    if options is not None and not isinstance(options, Mapping):
        raise ConfigError(f"schedule_options={options!r}: a mapping of names to values is expected")
    if isinstance(schedule, str) and schedule != "auto":
        return build_schedule(schedule, options)
    chosen = of_model if isinstance(schedule, str) else schedule
    if not options:
        return chosen
    name = next((name for name, kind in SCHEDULES.items() if kind is type(chosen)), None)
    if not isinstance(schedule, str) or name is None:
        raise ConfigError(
            f"schedule_options={dict(options)!r} beside the schedule {chosen!r}: put the options into the object"
        )
    own = {field.name: getattr(chosen, field.name) for field in dataclasses.fields(chosen)}  # type: ignore[arg-type]
    return build_schedule(name, {**own, **options})


def information(model: Any, x_batches: Iterable[Tensor]) -> float:
    """I_q(x; z) in nats, for schedules that are ruled by it.

    Raises:
        ConfigError: for deterministic codes, of which it is infinite.
    """
    measured = mutual_information(model, x_batches)
    if measured is None:
        raise ConfigError(
            "the schedule is ruled by the mutual information, which deterministic codes do not have: give it a number of"
            " epochs, for example schedule_options={'epochs': 5}"
        )
    return measured.value
