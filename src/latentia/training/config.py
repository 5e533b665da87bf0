"""How a fit is run: `TrainingConfig`, the learning rate as a function of the step, and the device by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch

from latentia.errors import ConfigError
from latentia.training.optimizers import OPTIMIZERS, OptimizerName

Precision = Literal["float32", "bfloat16", "float16"]
LOGGERS = ("tensorboard", "csv", "mlflow", "wandb")


@dataclass(frozen=True)
class TrainingConfig:
    """All settings of one fit; two fits with equal settings, data and model give equal weights.

    The learning rate rises linearly over the first `warmup_fraction` of all steps and then falls to zero along a
    cosine (Loshchilov and Hutter 2017, equation 5, one period): see `learning_rate_at`.

    Args:
        max_epochs: passes over the training set; 0 only prepares and calibrates the model.
        max_updates: steps after which the fit ends, within an epoch if need be; None: after `max_epochs`. If it has fewer than eight epochs,
            the model is then judged at eight even marks instead of their ends, and what counts epochs (`patience`, schedules) counts
            these.
        batch_size: items per step; a training set smaller than that is one batch.
        optimizer: "adamw", or "muon" for the hidden matrices and kernels with AdamW for the other weights (see
            `latentia.training.optimizers`), "auto" for Muon where its step costs less than the layer's own pass or the machine has units for
            it (`latentia.training.prices`), or "sgd".
        learning_rate: the highest learning rate of AdamW or SGD alone; where there are weights that Muon moves it is 10 times as high for
            them and twice as high for the others.
        weight_decay: decoupled decay of weight matrices and kernels under AdamW; vectors and scalars do not decay.
        warmup_fraction: share of all steps, in [0, 1], over which the learning rate rises.
        gradient_clip: largest global norm of the gradient; None does not clip.
        patience: epochs without a better validation bound after which training stops, or, of a fit with `max_updates`, comes to rest: its
            learning rate falls to zero over a quarter as many updates as were done. None never stops early.
        seed: of everything random in the fit; the caller's random state is left as it was.
        device: "auto" (CUDA, else MPS, else CPU) or a torch device such as "cpu" or "cuda:1".
        precision: of the forward pass in training; weights and evaluation stay in float32.
        compile: whether the parts of the model are compiled with `torch.compile` while they train.
        graph: whether a step is recorded and replayed on a CUDA device (`latentia.training.graph`), where nothing but batch, noise and rate
            changes from one to the next; elsewhere its weights are those of steps that are not, to the bit. No card has measured it yet.
        averaging: decay in (0, 1) of an exponential moving average of the weights, which is then what is validated and
            kept; None keeps the weights themselves.
        loggers: names out of "tensorboard", "csv", "mlflow", "wandb".
        progress: whether a progress bar is drawn, if standard error is a terminal.
        checkpoint_seconds: time between two checkpoints within an epoch, besides the one at its end.

    Raises:
        ConfigError: if a value is out of its range; the message names it.

    Example:
        >>> TrainingConfig(max_epochs=10).batch_size
        128
        >>> TrainingConfig(max_epochs=-1)
        Traceback (most recent call last):
        latentia.errors.ConfigError: max_epochs must be at least 0, not -1
    """

    max_epochs: int
    max_updates: int | None = None
    batch_size: int = 128
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_fraction: float = 0.1
    gradient_clip: float | None = None
    patience: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: Precision = "float32"
    compile: bool = False
    graph: bool = False
    averaging: float | None = None
    loggers: tuple[str, ...] = field(default=())
    progress: bool = False
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        """Check every range, so that a bad value fails here and not after an hour."""
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # Python's own numbers are what generators and checkpoints take
                object.__setattr__(self, name, value.item())
        _require("max_epochs", self.max_epochs, self.max_epochs >= 0, "at least 0")
        updates = self.max_updates
        _require("max_updates", updates, updates is None or updates >= 1, "at least 1 or None")
        _require("batch_size", self.batch_size, self.batch_size >= 1, "at least 1")
        _require("optimizer", self.optimizer, self.optimizer in OPTIMIZERS, f"one of {OPTIMIZERS}")
        rate = self.learning_rate
        _require("learning_rate", rate, rate > 0 and math.isfinite(rate), "positive and finite")
        _require("weight_decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "at least 0")
        _require("warmup_fraction", self.warmup_fraction, 0 <= self.warmup_fraction <= 1, "in [0, 1]")
        clip = self.gradient_clip
        _require("gradient_clip", clip, clip is None or clip > 0, "positive or None")
        _require("patience", self.patience, self.patience is None or self.patience >= 1, "at least 1 or None")
        _require("seed", self.seed, 0 <= self.seed < 2**32, "in [0, 2**32)")
        _require(
            "precision",
            self.precision,
            self.precision in get_args(Precision),
            f"one of {get_args(Precision)}",
        )
        decay = self.averaging
        _require("averaging", decay, decay is None or 0 < decay < 1, "in (0, 1) or None")
        for name in self.loggers:
            _require("loggers", name, name in LOGGERS, f"out of {LOGGERS}")
        _require("checkpoint_seconds", self.checkpoint_seconds, self.checkpoint_seconds > 0, "positive")


def _require(name: str, value: object, valid: bool, expected: str) -> None:
    if not valid:
        raise ConfigError(f"{name} must be {expected}, not {value!r}")


def learning_rate_at(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The learning rate of step `step` (from 0) of `total_steps`.

    With peak r and W = warmup_fraction * total_steps warm-up steps, it is `r (step + 1) / W` for step < W, and
    `r (1 + cos(pi (step - W) / (total_steps - W))) / 2` after that.

    Example:
        >>> config = TrainingConfig(max_epochs=1, learning_rate=1.0, warmup_fraction=0.2)
        >>> [round(learning_rate_at(step, 10, config), 2) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.04]
    """
    warmup = round(config.warmup_fraction * total_steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, total_steps - warmup)
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))


def resolve_device(name: str) -> torch.device:
    """The torch device for `name`; "auto" is CUDA if there is one, else MPS, else the CPU.

    Raises:
        ConfigError: if there is no such device here.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"device must be auto, cpu, cuda, cuda:N or mps, not {name!r}") from None
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(mps)}.get(device.type, 0)
    if (device.index or 0) >= count:
        found = f"cpu{', mps' if mps else ''} and {torch.cuda.device_count()} CUDA devices"
        raise ConfigError(f"device {name!r} is not available; this machine has {found}")
    if device.type == "cuda" and ":" not in name:
        return torch.device("cuda", torch.cuda.current_device())
    return device
