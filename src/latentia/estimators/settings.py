"""How a fit is run: what a person asks for, and the defaults of a kind of model where that is left open."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from latentia import training
from latentia.estimators.defaults import default_averaging, default_patience, default_precision
from latentia.estimators.parameters import whole

KEPT = (
    "max_epochs",
    "max_updates",
    "batch_size",
    "optimizer",
    "learning_rate",
    "precision",
    "patience",
    "seed",
)


@dataclass(frozen=True)
class Defaults:
    """What a kind of model takes where a person leaves it open.

    Attributes:
        batch_size: by the number of items.
        epochs: by the number of items, the size of a batch, and whether the device is a CPU.
        learning_rate: peak of the schedule.
        gradient_clip: norm at which gradients are cut.
        warmup_fraction: share of the steps over which the learning rate rises.
        optimizer: what "auto" is.
    """

    batch_size: Callable[[int], int]
    epochs: Callable[[int, int, bool], int]
    learning_rate: float
    gradient_clip: float
    warmup_fraction: float = 0.1
    optimizer: str = "auto"


def training_config(
    estimator: Any,
    n: int,
    seed: int,
    validated: bool,
    defaults: Defaults,
    *,
    max_updates: int | None = None,
    **overrides: Any,
) -> training.TrainingConfig:
    """All settings of one fit to n items.

    Args:
        estimator: with `event_shape_` and the parameters that all estimators around a torch module have.
        n: items to learn from.
        seed: of everything random.
        validated: whether there are held-out items.
        defaults: of the kind of model.
        max_updates: that a plan allows; None: as many as the epochs have.
        overrides: settings that are neither.
    """
    batch_size = (
        defaults.batch_size(n)
        if estimator.batch_size is None
        else whole("batch_size", estimator.batch_size, 1)
    )
    device = training.resolve_device(estimator.device)
    an_epoch = max(1, n // batch_size)
    if estimator.max_epochs is None and max_updates is not None:
        max_epochs = math.ceil(max_updates / an_epoch)
    elif estimator.max_epochs is None:
        max_epochs = defaults.epochs(n, batch_size, device.type == "cpu")
    else:
        max_epochs = whole("max_epochs", estimator.max_epochs, 0)
    patience = default_patience(max_epochs) if estimator.patience is None else estimator.patience
    precision = estimator.precision
    settings: dict[str, Any] = {
        "max_epochs": max_epochs,
        "max_updates": max_updates,
        "batch_size": batch_size,
        "optimizer": defaults.optimizer if estimator.optimizer == "auto" else estimator.optimizer,
        "learning_rate": defaults.learning_rate,
        "gradient_clip": defaults.gradient_clip,
        "warmup_fraction": defaults.warmup_fraction,
        "patience": patience if validated else None,
        "averaging": default_averaging(min(max_epochs * an_epoch, max_updates or math.inf))
        if validated
        else None,
        "seed": seed,
        "device": estimator.device,
        "precision": default_precision(estimator.event_shape_, device) if precision == "auto" else precision,
        "compile": getattr(estimator, "compile", False),
        "loggers": tuple(estimator.loggers),
        "progress": estimator.verbose,
    }
    return training.TrainingConfig(**{**settings, **overrides})
