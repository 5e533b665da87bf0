"""One step of all optimizers on a batch; nothing in it waits for the device."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from latentia.core import Loss, Paced
from latentia.training.graph import CudaRecorder, Direct, StepGraph
from latentia.training.schedule import Joint
from latentia.training.task import Task
from latentia.training.validation import samples_of, traced

logger = logging.getLogger("latentia")


class Step:
    """Trace, objective, gradients, optimizers.

    Args:
        task: what is to be done.
        optimizers: which together move every weight once.
        weights: that they move.
        scaler: of the loss, with float16.
    """

    def __init__(
        self,
        task: Task,
        optimizers: list[torch.optim.Optimizer],
        weights: list[nn.Parameter],
        scaler: Any,
    ) -> None:
        self._task, self._optimizers, self._weights, self._scaler = task, optimizers, weights, scaler
        self._on_card = is_recorded(task) and task.device.type == "cuda"
        self.graph: StepGraph | None = None
        if is_recorded(task):
            recorder = CudaRecorder(task.device) if self._on_card else Direct()
            self.graph = StepGraph(lambda x: self._move(x, None, 1.0), task.config.batch_size, recorder)
        elif task.config.graph:
            logger.warning("steps are taken one by one: what they compute changes as training goes on")

    def __call__(self, x: Any, weight: Tensor | None, rate: float, progress: float) -> Loss:
        """Move all weights once.

        Args:
            x: the batch, as the model sees it.
            weight: of its items.
            rate: of learning.
            progress: share of training that is done.
        """
        self._set_rate(rate)
        if isinstance(self._task.model, Paced):
            self._task.model.advance(progress)
        if self.graph is None or weight is not None or not isinstance(x, Tensor):
            return self._move(x, weight, progress)
        return self.graph(x)

    def _set_rate(self, rate: float) -> None:
        """Tell the optimizers; of a recorded step in memory that it reads."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                if not self._on_card:
                    group["lr"] = rate * group["factor"]
                    continue
                if not isinstance(group["lr"], Tensor) or group["lr"].device != self._task.device:
                    group["lr"] = torch.zeros((), device=self._task.device)
                group["lr"].fill_(rate * group["factor"])

    def _move(self, x: Any, weight: Tensor | None, progress: float) -> Loss:
        task, scaler = self._task, self._scaler
        trace = traced(task.model, x, samples_of(task.objective, progress), weight)
        loss = task.objective(trace, progress)
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        if scaler is None:
            loss.total.backward()
        else:
            scaler.scale(loss.total).backward()
            for optimizer in self._optimizers:
                scaler.unscale_(optimizer)
        if task.config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self._weights, task.config.gradient_clip)
        for optimizer in self._optimizers:
            if scaler is None:
                optimizer.step()
            else:
                scaler.step(optimizer)
        if scaler is not None:
            scaler.update()
        return loss


def is_recorded(task: Task) -> bool:
    """Whether steps of a fit are recorded: it was asked for, and only batch, noise and rate change from one to the next."""
    steady = bool(getattr(task.objective, "steady", False)) and not isinstance(task.model, Paced)
    return (
        task.config.graph
        and steady
        and isinstance(task.schedule, Joint)
        and task.config.precision != "float16"
    )
