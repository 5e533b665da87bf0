"""The bound on data that no step was taken on, with the same noise each time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from latentia.training.batches import Batches
from latentia.training.randomness import seeded

if TYPE_CHECKING:
    from latentia.core import Objective, Trace, TrainableModel

EPOCH_ROWS = 2048  # training items that an epoch's calibration looks at
# And the one after the last epoch. The relative error of a variance over that many items is far below a percent, and the
# bound, flat at the optimum, does not feel it: more items only cost time.
FINAL_ROWS = 10_000
_WIDER = 4  # batches without gradients take less memory, so they are this many times larger
_PREPARED_NUMBERS = 2**26  # numbers of training data that a model is shown before the first step (256 MiB)


def as_model(module: nn.Module) -> TrainableModel:
    """`module`, with the methods that every trainable model has."""
    return cast("TrainableModel", module)


def traced(model: nn.Module, x: Tensor, n_samples: int, weight: Tensor | None) -> Trace:
    """The trace of a batch, with the weights of its items."""
    trace = as_model(model).trace(x, n_samples)
    return trace if weight is None else replace(trace, weight=weight)


def samples_of(objective: Objective, progress: float = 1.0) -> int:
    """Draws of z for each item that a training step makes: the objective's `n_samples`, a number or a ramp, or 1.

    Example:
        >>> from types import SimpleNamespace
        >>> objective = SimpleNamespace(n_samples=lambda progress: 1 + 49 * progress)
        >>> [samples_of(objective, t) for t in (0.0, 0.5, 1.0)]
        [1, 26, 50]
    """
    wanted = getattr(objective, "n_samples", 1)
    return max(1, math.floor((wanted(progress) if callable(wanted) else wanted) + 0.5))


def prepare(model: nn.Module, train: Batches, seed: int) -> None:
    """Show `model` up to 10 000 training items (fewer if they are large) before the first step."""
    first = train.whole(np.zeros(1, np.int64))
    size = min(FINAL_ROWS, max(1, _PREPARED_NUMBERS // first.numel()))
    rows = train.subset(size, seed)
    with torch.no_grad():
        as_model(model).prepare(train.whole(rows))


def calibrate(model: nn.Module, train: Batches, size: int, batch_size: int, seed: int) -> None:
    """Re-estimate what is not learned by gradient on a fixed choice of up to `size` training items."""
    model.eval()
    with seeded(seed, train.device), torch.no_grad():
        as_model(model).calibrate(train.ordered(_WIDER * batch_size, train.subset(size, seed)))


def validation_figures(
    model: nn.Module, data: Batches, batch_size: int, seed: int, objective: Objective
) -> tuple[dict[str, float], float | None]:
    """Means over the (weighed) items of `data` in nats per item, with noise from `seed`, and the score by which the epoch to keep is chosen.

    The figures are "elbo" = "log_likelihood" - "kl", and "loss" where the objective has a method
    `validation_loss(trace) -> scalar`, which is then what counts: an objective that is no bound must be judged by what it
    minimises. Where that method gives None, epochs cannot be compared and the score is None.

    Args:
        model: in training or evaluation mode; it is left in the latter.
        data: validation data.
        batch_size: of training; as an objective may compare the items of a batch, no batch here is smaller.
        seed: of the noise.
        objective: what is minimised; a draw of z for each of its `n_samples`.
    """
    model.eval()
    n_samples = samples_of(objective)
    judge = getattr(objective, "validation_loss", None)
    sums: list[Tensor] = []
    with seeded(seed, data.device), torch.no_grad():
        size, start = max(1, _WIDER // n_samples) * batch_size, 0
        for x in data.ordered(size):
            weight = None if data.weight is None else data.weights(slice(start, start + size))
            start += size
            trace = traced(model, x, n_samples, weight)
            terms = [trace.weighed(each.mean(0)).sum() for each in (trace.log_likelihood, trace.kl.sum(-1))]
            loss = None if judge is None else judge(trace)
            sums.append(torch.stack(terms if loss is None else [*terms, loss.to(terms[0]) * len(x)]))
    # summed in double precision on the host: the one wait for the device
    log_likelihood, kl, *losses = (torch.stack(sums).cpu().double().sum(0) / len(data)).tolist()
    figures = {"elbo": log_likelihood - kl, "log_likelihood": log_likelihood, "kl": kl}
    if judge is None:
        return figures, figures["elbo"]
    return ({**figures, "loss": losses[0]}, -losses[0]) if losses else (figures, None)
