"""The training loop as a Lightning module: what a step is, and what happens at the end of an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from latentia import draws
from latentia.core import Choosing, Loss
from latentia.distributions.weighing import weighing
from latentia.training.averaging import Average
from latentia.training.checkpoints import learned, taken
from latentia.training.judging import Judge, on_device
from latentia.training.moved import moved_by_muon
from latentia.training.optimizers import optimizers_for
from latentia.training.pace import Cooling, Pace
from latentia.training.progress import ProgressBar
from latentia.training.randomness import seeded
from latentia.training.records import EpochRecord, Meter, check_weights
from latentia.training.resting import Rest
from latentia.training.schedule import Side
from latentia.training.sides import sides, warn_if_uneven
from latentia.training.step import Step, is_recorded
from latentia.training.task import Interrupted, Position, Task
from latentia.training.validation import FINAL_ROWS, calibrate
from latentia.training.weights import parts_of

INFORMATION_ROWS = 2000  # items on which a schedule's measure of information is taken


class Loop(LightningModule):
    """One fit. Lightning runs the epochs and steps, places the module and scales mixed precision.

    Resuming does not lean on Lightning's own restart: the state is put back before the first step, and `EpochBatches`
    begins at the batch after the last one done.

    Args:
        task: what is to be done.
        state: a checkpoint to go on from.
    """

    def __init__(self, task: Task, state: dict[str, Any] | None) -> None:
        super().__init__()
        self.automatic_optimization = False  # a step costs a third less of Lightning's own time this way
        self.model = task.model
        # an objective may have multipliers that are learned; then it is a module, and moves and is saved with the model
        self.objective_module = task.objective if isinstance(task.objective, nn.Module) else None
        self.task = task
        self.position = Position()
        cooling = None
        if state is not None:
            with taken(self.task.checkpoints):
                records = [EpochRecord(**record) for record in state["position"]["records"]]
                self.position = Position(**{**state["position"], "records": records})
                cooling = None if self.position.cooling is None else Cooling(*self.position.cooling)
        self.pace = Pace(task.config, task.train.n_batches(task.config.batch_size), cooling)
        if isinstance(task.model, Choosing):
            task.model.n_backward = getattr(task.objective, "n_backward", 0)
            warn_if_uneven(task.model)
        self.course = task.schedule.start(max(1, self.pace.marks), math.ceil(self.pace.leg))
        self.meter = Meter()
        decay = task.config.averaging
        self.average = None if decay is None else Average(task.model, self.pace.decay(decay))
        self.judge = Judge(task, self.average)
        self.bar: ProgressBar | None = None
        self._other_batches: Iterator[Any] = iter(())
        self._still: dict[Side, list[nn.Parameter]] = {"all": []}
        self._restored = state
        self.rest = Rest(self.position, self.pace, self.average)
        self._began = self._saved = time.monotonic()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """What the configuration names; see `optimizers_for`."""
        config = self.task.config
        self._weights = [weight for weight in self.parameters() if weight.requires_grad]
        # the fused kernel would undo the loss scale of float16 by itself, after the gradient was clipped
        fused = self.task.device.type in ("cpu", "cuda") and config.precision != "float16"
        moved = moved_by_muon(self, self.task) if config.optimizer == "auto" else set()
        self._optimizers = optimizers_for(
            self,
            config.optimizer,
            config.learning_rate,
            config.weight_decay,
            self.pace.planned,
            fused,
            moved,
            capturable=is_recorded(self.task) and self.task.device.type == "cuda",
        )
        return self._optimizers

    def on_train_start(self) -> None:
        """Put a checkpoint's state back, now that model and optimizer are on the device."""
        self._scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        self._take = Step(self.task, self._optimizers, self._weights, self._scaler)
        state, self._restored = self._restored, None
        if state is not None:
            with taken(self.task.checkpoints):
                self._put_back(state)
        self._began = self._saved = time.monotonic()
        self.rest.start()

    def _put_back(self, state: dict[str, Any]) -> None:
        self._restore_weights(state)
        for optimizer, kept in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        if self._scaler is not None:
            self._scaler.load_state_dict(state["scaler"])
        self.meter.sums, self.meter.items = dict(state["sums"]), state["items"]
        self.course.load(dict(state["course"]))
        draws.restore(state["random"])

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:  # noqa: ARG002
        """Batches are on the device already."""
        return batch

    def training_step(self, stored: Any, batch_idx: int) -> None:  # noqa: ARG002  (Lightning's signature)
        """One iteration: the steps that the schedule wants, of which the last is on the iteration's own batch."""
        position, last = self.position, False
        while not last:
            turn = self.course.turn(position.step)
            last = turn.last
            rows, weight = parts_of(stored if turn.own_batch else self._another_batch())
            x = self.task.train.ready(rows)
            with self._only(turn.moves), weighing(weight):
                loss = self._step(x, weight)
            self.course.stepped(turn, loss.total, len(x))
            if last:
                if self.average is not None:
                    self.average.update()
                position.step += 1
                self.meter.add(loss, len(x), position.step)
            self._between_steps()

    def _step(self, x: Tensor, weight: Tensor | None) -> Loss:
        """One step of the optimizers."""
        step = self.position.step
        try:
            return self._take(x, weight, self.pace.rate(step), self.pace.progress(step))
        except ValueError:  # a distribution that checks its parameters: say which term broke them, if one did
            self.meter.fetch()
            raise

    def _between_steps(self) -> None:
        """The bar, a checkpoint if it is time, and what Ctrl-C asks for."""
        if self.rest.stops(self.task.interrupted()):
            self.save()
            raise Interrupted
        if time.monotonic() - self._saved >= self.task.config.checkpoint_seconds:
            self.save()
        if self.bar is not None and self.meter.started and self.bar.due():
            self.bar.show(self.position.step, self.meter.means())

    def on_train_epoch_end(self) -> None:
        """Validate, keep the best weights, decide whether to stop, save, and only then tell."""
        position, task = self.position, self.task
        means = self.meter.means()
        check_weights(self._weights, position.step)
        notes = self.course.epoch_ended(position.leg + 1, self._information)
        epoch = self.pace.epochs_at(position.step)
        validation = self.judge.judge(position, epoch, self.pace.progress(position.step))
        record = EpochRecord(
            epoch=epoch,
            step=position.step,
            train=means,
            validation=validation,
            learning_rate=self.pace.rate(max(0, position.step - 1)),
            seconds=position.seconds + time.monotonic() - self._began,
            watched=self.judge.watched,
            schedule=notes,
        )
        position.leg, position.seconds = position.leg + 1, 0.0
        position.records.append(record)
        self.meter.reset()
        self._began = time.monotonic()
        patience = task.config.patience
        timed = task.config.max_updates is not None and position.step < self.pace.total
        if patience is not None and timed and position.cooling is None and position.ended(patience):
            self.rest.tires(patience)
        self.trainer.should_stop = position.ended(patience) or position.step >= self.pace.total
        self.save()
        if self.bar is not None:
            self.bar.finish_leg(record)
        for listener in task.listeners:
            listener(record)
        if self.rest.stops(task.interrupted()):
            raise Interrupted

    def _restore_weights(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if self.objective_module is not None:
            self.objective_module.load_state_dict(state["objective"])
        self.judge.best = on_device(state["best"], self.task.device)
        if self.average is not None:
            self.average.load(state["average"], self.model)

    def _another_batch(self) -> Any:
        """The next batch of a second stream, which goes through the training set in an order of its own."""
        task, position = self.task, self.position
        batch = next(self._other_batches, None)
        if batch is None:
            epoch, start = divmod(position.drawn, self.pace.n_batches)
            self._other_batches = task.train.epoch(
                task.config.seed, epoch, task.config.batch_size, start, stream=1
            )
            batch = next(self._other_batches)
        position.drawn += 1
        return batch

    @contextmanager
    def _only(self, side: Side) -> Iterator[None]:
        """Within the block only the weights of one side have gradients, so that those of the other are never computed."""
        if side not in self._still:
            self._still |= sides(self.model, self._weights)
        for weight in self._still[side]:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in self._still[side]:
                weight.requires_grad_(True)

    def _information(self) -> float:
        """What the task's measure of information says of held-out data, or of training data where there are none."""
        task, config = self.task, self.task.config
        assert task.information is not None  # `fit` has checked it
        data = task.train if task.validation is None else task.validation
        rows = data.subset(INFORMATION_ROWS, config.seed)
        self.model.eval()
        with seeded(config.seed, task.device), torch.no_grad():
            value = task.information(self.model, data.ordered(config.batch_size, rows))
        self.model.train()
        return value

    def finish(self) -> None:
        """Give the model the weights to keep, calibrate it on the training set, and note that all is done."""
        task = self.task
        if self._restored is not None:  # killed between the last epoch and this
            self._restore_weights(self._restored)
        if self.judge.best is not None:
            self.model.load_state_dict(self.judge.best)
        elif self.average is not None:
            self.average.apply(self.model)
        self.model.to(task.device)  # Lightning moves it to the CPU when it is done
        calibrate(self.model, task.train, FINAL_ROWS, task.config.batch_size, task.config.seed)
        self.position.finished = True
        if task.checkpoints is not None:
            task.checkpoints.save(
                {**learned(self.model, self.objective_module), "position": self.position.plain()}
            )

    def reload(self) -> None:
        """Give the model the weights of a run that is finished."""
        assert self._restored is not None
        self.model.load_state_dict(self._restored["model"])
        self.model.eval()

    def save(self) -> None:
        """Write a checkpoint of this moment, which must lie between two steps."""
        self._saved = time.monotonic()
        if self.task.checkpoints is None:
            return
        self.meter.fetch()  # raises if the loss was not finite: a broken state never replaces a good one
        check_weights(self._weights, self.position.step)
        now = time.monotonic()
        position = self.position.plain()
        position["seconds"] += now - self._began
        self.task.checkpoints.save(
            {
                "position": position,
                **learned(self.model, self.objective_module),
                "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
                "scaler": None if self._scaler is None else self._scaler.state_dict(),
                "best": self.judge.best,
                "average": None if self.average is None else self.average.state(),
                "sums": self.meter.sums,
                "items": self.meter.items,
                "course": self.course.state(),
                "random": draws.states(),
            }
        )
