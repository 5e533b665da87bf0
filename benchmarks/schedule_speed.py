"""Cost of a step of the optimizer: ResLag network, joint and in its aggressive phase, against pythae's trainer on the same network."""

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

NETWORK = "reslag"
RATIO = 5


def ours(x: Tensor, where: str, schedule: Schedule, network: str = NETWORK) -> Callable[[int], None]:
    """`latentia.training.fit` without validation."""
    model = latentia_vae(network)
    batches = Batches(x, lambda stored: stored.float() / 255)

    def run(epochs: int) -> None:
        config = TrainingConfig(max_epochs=epochs, batch_size=BATCH, device=where)
        fit(model, negative_elbo(), batches, None, config, schedule=schedule)

    return run


def theirs(x: Tensor, where: str) -> Callable[[int], None]:
    """pythae's trainer on its plain VAE with the same encoder and decoder."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    peer = pythae_vae(latentia_vae(NETWORK))
    data = BaseDataset(x.float() / 255, torch.zeros(len(x)))

    def run(epochs: int) -> None:
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=epochs,
                learning_rate=1e-3,
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
    x, data = images(BATCH * round((60 if where == "cuda" else 8) * arguments.scale))
    steps = len(x) // BATCH
    # steps of the optimizer in an epoch of each
    loops = {
        "pythae, plain": (theirs(x, where), steps),
        "latentia, joint": (ours(x, where, Joint()), steps),
        "latentia, aggressive": (ours(x, where, Aggressive(RATIO, epochs=1000)), (RATIO + 1) * steps),
    }
    for loop, _ in loops.values():
        loop(1)

    def cost(loop: Callable[[int], None], n: int) -> float:
        # The difference between one epoch and three: what a fit costs once is not the cost of its steps.
        return max(seconds(lambda: loop(3), where) - seconds(lambda: loop(1), where), 1e-9) / (2 * n)

    runs = {name: (lambda loop=loop, n=n: cost(loop, n)) for name, (loop, n) in loops.items()}
    medians = interleaved(runs, 5)
    rows = [
        (name, f"{1e3 * each:.1f}", f"{each / medians['pythae, plain']:.2f}")
        for name, each in medians.items()
    ]
    text = f"Milliseconds for a step of the optimizer, network {NETWORK} on 28 x 28 pixels, batches of {BATCH}, {data}\n"
    header = ("loop", "ms / step", "times pythae")
    publish("schedule_speed", f"{text}{machine()}\n\n{table(header, rows)}", arguments.save)


if __name__ == "__main__":
    main()
