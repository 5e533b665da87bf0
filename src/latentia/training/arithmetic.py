"""How long an update takes about, told from its multiplications alone: for what is plain without a clock."""

from __future__ import annotations

import torch
from torch import nn

from latentia.core import Objective
from latentia.distributions.numerics import has_bfloat16_units
from latentia.draws import globally_seeded
from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig
from latentia.training.moved import passed_in_update
from latentia.training.optimizers import hidden_matrices
from latentia.training.prices import products, worthy_of

DISPATCH = 0.01
"""Seconds that the calls of an update take, whatever they compute."""
ORDINARY, ORDINARY_THREADS = 2e10, 2
"""Operations a second of a thread, which most processors reach, and threads of which this holds."""
FASTEST, FASTEST_WITH_UNITS = 2.5e11, 4e12
"""Operations a second of a thread, which none exceeds; the second with units for products of bfloat16."""
ORDINARY_CARD, FASTEST_CARD = 1e12, 1e15


def operations(
    model: nn.Module, objective: Objective, train: Batches, config: TrainingConfig, device: torch.device
) -> float:
    """Multiplications and additions of an update: forward, backward, and of Muon's directions.

    A weight of `[m, n]` through which T vectors pass takes 6 T m n; a direction 2 k^3 products(m, n), k = min(m, n)
    (`latentia.training.prices`). What is no layer's product is not counted.

    Args:
        model: as for `fit`, on the device of `train`.
        objective: as for `fit`.
        train: as for `fit`.
        config: of the fit.
        device: where it will be.
    """
    where = train.device
    with globally_seeded(config.seed, where):
        passed = passed_in_update(model, model, objective, train, config)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    hidden = hidden_matrices(model) if config.optimizer in ("auto", "muon") else set()
    if config.optimizer == "auto":
        hidden = worthy_of(weights, hidden, passed, min(config.batch_size, len(train)), device)
    total = 0.0
    for weight in weights:
        total += 6.0 * passed.get(id(weight), 0.0) * weight.numel()
        if id(weight) in hidden:
            rows, columns = len(weight), weight[0].numel()
            total += 2.0 * min(rows, columns) ** 3 * products(rows, columns)
    return total


def ordinary_seconds(operations: float, device: torch.device) -> float:
    """Seconds of an update on most machines with this device, or less.

    Example:
        >>> ordinary_seconds(1e12, torch.device("cuda"))
        1.01
    """
    if device.type != "cpu":
        return DISPATCH + operations / ORDINARY_CARD
    return DISPATCH + operations / (ORDINARY * min(torch.get_num_threads(), ORDINARY_THREADS))


def shortest_seconds(operations: float, device: torch.device) -> float:
    """Seconds of an update that no machine with this device undercuts.

    Example:
        >>> shortest_seconds(1e12, torch.device("cpu")) < ordinary_seconds(1e12, torch.device("cpu"))
        True
    """
    if device.type != "cpu":
        return operations / FASTEST_CARD
    pace = FASTEST_WITH_UNITS if has_bfloat16_units(device) else FASTEST
    return operations / (pace * torch.get_num_threads())
