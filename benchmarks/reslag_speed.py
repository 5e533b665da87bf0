"""Time of an optimizer step: reslag-vae in its aggressive phase against pythae's plain VAE, same network, batches of 128."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from common import (
    BATCH,
    device,
    images,
    interleaved,
    latentia_vae,
    machine,
    options,
    publish,
    pythae_vae,
    seconds,
    table,
)
from latentia.objectives import negative_elbo
from latentia.training import Aggressive, Batches, Joint, Schedule, TrainingConfig, fit

RATE = 1e-3
RATIO = 5
NETWORK = "reslag"


def ours(x: Tensor, where: str, schedule: Schedule) -> Callable[[int], None]:
    """`latentia.training.fit` without validation."""
    model = latentia_vae(NETWORK)
    batches = Batches(x, lambda stored: stored.float() / 255)

    def run(epochs: int) -> None:
        config = TrainingConfig(max_epochs=epochs, batch_size=BATCH, learning_rate=RATE, device=where)
        fit(model, negative_elbo(), batches, None, config, schedule=schedule)

    return run


def theirs(x: Tensor, where: str) -> Callable[[int], None]:
    """pythae's `BaseTrainer`, its progress bar and notes sent nowhere."""
    peer = pythae_vae(latentia_vae(NETWORK))
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    data = BaseDataset(x.float() / 255, torch.zeros(len(x)))

    def run(epochs: int) -> None:
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=epochs,
                learning_rate=RATE,
                per_device_train_batch_size=BATCH,
                optimizer_cls="AdamW",
                no_cuda=where == "cpu",
            )
            with contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):
                BaseTrainer(peer, data, training_config=config).train()

    return run


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    logging.disable(logging.WARNING)
    batches = round((60 if where == "cuda" else 6) * arguments.scale)
    x, data = images(BATCH * batches)
    aggressive = Aggressive(ratio=RATIO, epochs=10_000)  # longer than any run here: the phase never ends
    loops = {
        "pythae, VAE": (theirs(x, where), 1),
        "latentia, all at once": (ours(x, where, Joint()), 1),
        f"latentia, {RATIO} encoder steps and one of the decoder": (ours(x, where, aggressive), RATIO + 1),
    }
    for loop, _ in loops.values():
        loop(1)  # kernels are chosen and memory is found in the first steps

    def step(loop: Callable[[int], None], per_batch: int) -> float:
        # The difference between one epoch and three: what a fit costs once (preparing, saving) is no part of a step.
        time = seconds(lambda: loop(3), where) - seconds(lambda: loop(1), where)
        return max(time, 1e-9) / (2 * batches * per_batch)

    medians = interleaved(
        {name: lambda loop=loop, n=n: step(loop, n) for name, (loop, n) in loops.items()}, 5
    )
    reference = medians["pythae, VAE"]
    rows = [(name, f"{1000 * time:.1f}", f"{time / reference:.2f}") for name, time in medians.items()]
    text = (
        f"Time of an optimizer step, network {NETWORK!r} on 28 x 28 pixels, batches of {BATCH}, {data}\n"
        f"{machine()}\n\n"
    )
    publish(
        "reslag_speed",
        text + table(("loop", "ms / step", "times pythae's"), rows),
        arguments.save,
    )


if __name__ == "__main__":
    main()
