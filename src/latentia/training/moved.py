"""Which weights of one fit Muon moves where the price decides, and what goes through each layer in an update."""

from __future__ import annotations

from torch import nn

from latentia.core import Objective
from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig
from latentia.training.optimizers import hidden_matrices
from latentia.training.prices import vectors_passed, worthy_of
from latentia.training.randomness import seeded
from latentia.training.task import Task
from latentia.training.validation import as_model, samples_of


def moved_by_muon(module: nn.Module, task: Task) -> set[int]:
    """`id` of the weights of `module`, which holds the task's model; a pass of two items counts what goes through each layer."""
    size = min(task.config.batch_size, len(task.train))
    passed = passed_in_update(module, task.model, task.objective, task.train, task.config)
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    return worthy_of(weights, hidden_matrices(module), passed, size, task.device)


def passed_in_update(
    module: nn.Module, model: nn.Module, objective: Objective, train: Batches, config: TrainingConfig
) -> dict[int, float]:
    """By `id` of a layer's weight, vectors that pass through it in an update; counted on two items. `module` holds `model`."""
    size = min(config.batch_size, len(train))
    with seeded(config.seed, train.device):
        x = next(iter(train.ordered(2, train.subset(2, config.seed))))
        return vectors_passed(module, lambda: as_model(model).trace(x, samples_of(objective)), size / len(x))
