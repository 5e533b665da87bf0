"""What happens to a model at the end of an epoch: it is calibrated, its bound is taken, the best weights are kept."""

from __future__ import annotations

import torch

from latentia.errors import TrainingError
from latentia.training.averaging import Average, Weights, copy_of
from latentia.training.task import Position, Task
from latentia.training.validation import EPOCH_ROWS, calibrate, validation_figures


class Judge:
    """The judge of one fit's epochs.

    Args:
        task: what is to be done.
        average: of the weights, where that is judged in their place.

    Attributes:
        best: the weights with the best bound so far.
        watched: what the task's watch gave at the last epoch; empty where it did not look.
    """

    def __init__(self, task: Task, average: Average | None) -> None:
        self.task, self.average = task, average
        self.best: Weights | None = None
        self.watched: dict[str, float] = {}

    def judge(self, position: Position, epoch: float, progress: float) -> dict[str, float]:
        """Figures of the validation set, or nothing where there is none.

        Args:
            position: where the fit stands; its best score and leg are set.
            epoch: passes over the training set that are done.
            progress: share of the steps that are done.

        Raises:
            TrainingError: if a figure is not a number.
        """
        if self.task.validation is None:
            return {}
        if self.average is None:
            figures = self._judge(position, epoch, progress)
        else:
            with self.average.applied(self.task.model):
                figures = self._judge(position, epoch, progress)
            self.average.follow(self.task.model)
        self.task.model.train()
        return figures

    def _judge(self, position: Position, epoch: float, progress: float) -> dict[str, float]:
        task, config, data = self.task, self.task.config, self.task.validation
        assert data is not None
        calibrate(task.model, task.train, EPOCH_ROWS, config.batch_size, config.seed)
        figures, score = validation_figures(task.model, data, config.batch_size, config.seed, task.objective)
        self.watched = {}
        if task.watch is not None:
            self.watched = task.watch.look(
                task.model,
                data,
                config.batch_size,
                epoch=epoch,
                progress=progress,
                trained=self._trained(position),
            )
        if any(value != value for value in figures.values()):
            broken = ", ".join(name for name, value in figures.items() if value != value and name != "elbo")
            raise TrainingError(
                f"{broken or 'the bound'} of the validation set is not a number after epoch {epoch}; look"
                " for extreme values in the data, or use a lower learning_rate; the last good checkpoint, if any, is kept"
            )
        if score is not None and (position.best_score is None or score > position.best_score):
            position.best_score, position.best_leg = score, position.leg + 1
            self.best = copy_of(task.model)
        return figures

    def _trained(self, position: Position) -> tuple[int, int]:
        """Items that had been trained on at the end of the last epoch, and now."""
        before = position.records[-1].step if position.records else 0
        size = min(self.task.config.batch_size, len(self.task.train))
        return before * size, position.step * size


def on_device(weights: Weights | None, device: torch.device) -> Weights | None:
    """Weights, moved."""
    return None if weights is None else {name: tensor.to(device) for name, tensor in weights.items()}
