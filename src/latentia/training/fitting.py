"""`fit`: from a model, an objective and data to trained weights; and what surrounds the loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from latentia.core import Objective
from latentia.draws import globally_seeded
from latentia.errors import ConfigError
from latentia.training.batches import Batches
from latentia.training.checkpoints import Checkpoints, identity_of
from latentia.training.config import TrainingConfig, resolve_device
from latentia.training.extension import handed_over, in_all, take_up, take_weights
from latentia.training.randomness import reproducible_kernels, seeded
from latentia.training.records import EpochRecord, History, MetricsFile
from latentia.training.schedule import Joint, Schedule
from latentia.training.surroundings import (
    deferred_interrupts,
    quiet_lightning,
    training_form,
    unchecked_distributions,
)
from latentia.training.validation import prepare as prepare_model
from latentia.training.watching import Measure, Watch

if TYPE_CHECKING:
    from latentia.training.loop import Loop
    from latentia.training.task import Information, Task

_PRECISION: dict[str, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


def fit(
    model: nn.Module,
    objective: Objective,
    train: Batches,
    validation: Batches | None,
    config: TrainingConfig,
    folder: Path | None = None,
    *,
    resume: bool = False,
    epoch_end: Callable[[EpochRecord], None] | None = None,
    schedule: Schedule | None = None,
    information: Information | None = None,
    prepare: bool = True,
    watch: Measure | None = None,
) -> History:
    """Train `model` in place and leave it with its best weights, calibrated, in evaluation mode, on the device used.

    Each step minimises `objective(model.trace(x), progress).total` with AdamW. After each epoch the model is
    calibrated on up to 2048 fixed training items and its bound on `validation` is taken with fixed noise; the weights
    with the best bound are kept (where the objective has a method `validation_loss`, those with the least of that). The result is a function of the arguments alone: the caller's random state is neither
    used nor changed. A run that was killed and is resumed ends with the same bits as one that was not.

    Args:
        model: an `nn.Module` with the face of `latentia.core.TrainableModel`.
        objective: `(trace, progress) -> Loss`; if it is an `nn.Module` its parameters are trained and saved too. It
            may have `n_samples`, draws of z for each item and step (a number or a ramp), and `validation_loss(trace)`, see `validation_figures`.
        train: the data to learn from.
        validation: the data that choose the epoch to keep; None keeps the last one.
        config: all settings.
        folder: where `checkpoints/last.ckpt`, `metrics.jsonl` and `logs/` are written; None writes nothing.
        resume: go on from the checkpoint in `folder`, if there is one, else start afresh.
        epoch_end: called with the record of each epoch, once its checkpoint is written.
        schedule: which parameters move in which step; `Joint()` if None. See `training.schedule` for what is a step.
        information: `(model, batches) -> mutual information of data and codes in nats`, for schedules that are ruled by it;
            called with the model in evaluation mode and up to 2000 validation items (training items without such).
        prepare: let the model look at the data first; False for a model that has been trained before.
        watch: called at the ends of some epochs, so few that it takes next to none of the time, on some of the validation data: what
            it gives is kept in the records. See `training.watching`.

    Returns:
        A record for each epoch, and which one was kept.

    Raises:
        ConfigError: if settings do not fit together or the device is not there.
        MissingExtraError: if a logger is not installed.
        TrainingError: if a term of the loss becomes non-finite, or a checkpoint is of another model, data or settings.
        RunFolderError: if `folder` cannot be written or its checkpoint not read.
        KeyboardInterrupt: on the second Ctrl-C, after a checkpoint was written (at the end of the step that was under way); at the first the
            learning rate falls to zero (`latentia.training.pace`), and the fit ends as usual. A fit that has hardly begun stops at the
            first.

    Example:
        >>> fit(model, objective, train, validation, TrainingConfig(max_epochs=5))  # doctest: +SKIP
        History(epochs=(EpochRecord(epoch=1, ...
    """
    device = resolve_device(config.device)
    _check(config, device, folder, resume, validation)
    schedule = Joint() if schedule is None else schedule
    if schedule.measures and information is None:
        raise ConfigError(
            f"{schedule} is ruled by the mutual information; give fit(information=...) that measures it"
        )
    with ExitStack() as stack:
        interrupted = stack.enter_context(deferred_interrupts())
        stack.enter_context(quiet_lightning())
        _own_randomness(stack, model, objective, config.seed, device)
        stack.enter_context(unchecked_distributions())
        # Lightning takes a second to import: only those who train wait for it
        from latentia.training.loop import Loop
        from latentia.training.task import Task

        model.to(device)
        train = train.to(device)
        validation = None if validation is None else validation.to(device)
        if prepare:
            prepare_model(model, train, config.seed)
        stack.enter_context(training_form(model, config.compile))
        task = Task(model, objective, train, validation, config, schedule, information, device, interrupted)
        task.watch = None if watch is None else Watch(watch, config.seed)
        begin, state = (None, None) if folder is None else _checkpoint(task, folder, resume)
        loop = Loop(task, state)
        if begin is not None:
            take_up(begin, loop, anew=state is None)
        if folder is not None and not loop.position.finished:
            task.listeners += _written(loop, folder, config)
        if epoch_end is not None:
            task.listeners.append(epoch_end)
        if not loop.position.finished:
            _train(loop, config, device)
            loop.finish()
        else:
            loop.reload()
        if interrupted() > 1:
            raise KeyboardInterrupt
    return _history(loop)


def _history(loop: Loop) -> History:
    """What is told of a fit that is done."""
    position, pace = loop.position, loop.pace
    epochs, kept = in_all(position)
    stopped = position.ended(loop.task.config.patience) and position.step < pace.total
    tired = position.tired and position.step < pace.planned
    return History(epochs, kept, stopped or tired, position.cooling is not None and not position.tired)


def _own_randomness(
    stack: ExitStack, model: nn.Module, objective: Objective, seed: int, device: torch.device
) -> None:
    """Seed what draws: this library's generators, and torch's own where code from elsewhere may draw from them."""
    own = _is_own(model, objective)
    stack.enter_context(seeded(seed, device, foreign=not own))
    if not own:
        stack.enter_context(globally_seeded(seed, device))
    stack.enter_context(reproducible_kernels(device))


def _checkpoint(
    task: Task, folder: Path, resume: bool
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Where the task's checkpoints go; the finished fit that it begins at, and the state to go on from, if it is to be resumed."""
    identity = identity_of(
        task.model, task.objective, task.train, task.validation, task.config, task.device, task.schedule
    )
    task.checkpoints = Checkpoints(folder, identity)
    begin = handed_over(folder, identity)
    if begin is not None:
        take_weights(begin, task.model, task.objective)
    if resume:
        return begin, task.checkpoints.load()
    task.checkpoints.clear()
    return begin, None


def _is_own(model: nn.Module, objective: Objective) -> bool:
    """Whether all code that may draw is this library's, which draws from generators of its own: no layer from elsewhere, no dropout."""
    modules = [*model.modules(), *(objective.modules() if isinstance(objective, nn.Module) else ())]
    homes = {type(module).__module__.partition(".")[0] for module in modules} | {_home(objective)}
    dropout = any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in modules)
    return homes <= {"latentia", "torch", "zuko", "builtins", "functools"} and not dropout


def _home(objective: object) -> str:
    """The package of an objective, or of the terms that it sums."""
    parts = [objective, *(term.function for term in getattr(objective, "terms", ()))]
    homes = {str(getattr(p, "__module__", type(p).__module__)).partition(".")[0] for p in parts}
    return "latentia" if homes <= {"latentia", "functools"} else "elsewhere"


def _check(
    config: TrainingConfig,
    device: torch.device,
    folder: Path | None,
    resume: bool,
    validation: Batches | None,
) -> None:
    """Raise `ConfigError` where two settings do not go together."""
    if config.precision == "float16" and device.type == "cpu":
        raise ConfigError("precision 'float16' needs a GPU; on the CPU use 'bfloat16' or 'float32'")
    if config.patience is not None and validation is None:
        raise ConfigError(f"patience {config.patience} needs a validation set; give one, or patience=None")
    if config.loggers and folder is None:
        raise ConfigError(f"loggers {config.loggers} need a run folder to write to; give one, or loggers=()")
    if resume and folder is None:
        raise ConfigError("resume needs the run folder that holds the checkpoint")


def _train(loop: Loop, config: TrainingConfig, device: torch.device) -> None:
    """Run the epochs that are still to be done."""
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.pytorch import Trainer

    from latentia.training.epoch import LegBatches
    from latentia.training.progress import ProgressBar
    from latentia.training.task import Interrupted

    position = loop.position
    if position.leg >= loop.pace.marks or position.ended(config.patience):
        return
    if config.progress:
        loop.bar = ProgressBar(loop.pace, position.step)
        loop.bar.start()
    trainer = Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=[device.index or 0] if device.type == "cuda" else 1,
        precision=_PRECISION[config.precision],
        max_epochs=loop.pace.marks,
        plugins=[LightningEnvironment()],  # one process, also inside a cluster's job
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    counters: Any = trainer.fit_loop.epoch_progress.current
    counters.ready = counters.started = counters.processed = counters.completed = position.leg
    loop.train()
    try:
        trainer.fit(loop, LegBatches(loop.task, position, loop.pace))
    except Interrupted:
        raise KeyboardInterrupt from None
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning's way to end on Ctrl-C
            raise KeyboardInterrupt from None
        raise
    finally:
        if loop.bar is not None:
            loop.bar.stop()


def _written(loop: Loop, folder: Path, config: TrainingConfig) -> list[Callable[[EpochRecord], None]]:
    """The files that get a row an epoch; on a resumed run they begin with the rows of its checkpoint."""
    from latentia.training.loggers import open_loggers

    done = loop.position.records
    outlets: list[Callable[[EpochRecord], None]] = [MetricsFile(folder / "metrics.jsonl", done).append]
    for logger in open_loggers(config.loggers, folder / "logs"):

        def log(record: EpochRecord, logger: Any = logger) -> None:
            row = record.row()
            logger.log_metrics(
                {name: value for name, value in row.items() if name != "step"}, step=record.step
            )
            logger.save()

        for record in done:
            log(record)
        outlets.append(log)
    return outlets
