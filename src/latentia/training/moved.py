"""Which weights of one fit Muon moves where the price decides."""

from __future__ import annotations

from torch import nn

from latentia.training.optimizers import hidden_matrices
from latentia.training.prices import vectors_passed, worthy_of
from latentia.training.randomness import seeded
from latentia.training.task import Task
from latentia.training.validation import as_model, samples_of


def moved_by_muon(module: nn.Module, task: Task) -> set[int]:
    """`id` of the weights of `module`, which holds the task's model; a pass of two items counts what goes through each layer."""
    size = min(task.config.batch_size, len(task.train))
    with seeded(task.config.seed, task.device):
        x = next(iter(task.train.ordered(2, task.train.subset(2, task.config.seed))))
        passed = vectors_passed(
            module, lambda: as_model(task.model).trace(x, samples_of(task.objective)), size / len(x)
        )
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    return worthy_of(weights, hidden_matrices(module), passed, size, task.device)
