"""Training speed: latentia's `fit`, pythae's trainer and a bare torch loop, same network, same batches of 128."""

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
from latentia.training import Batches, TrainingConfig, fit

RATE = 1e-3


def bare(x: Tensor, where: str) -> Callable[[int], None]:
    """What one would write by hand: no validation, no checkpoint, no log."""
    model = latentia_vae().to(where).to(memory_format=torch.channels_last)
    stored = x.to(where)

    def run(epochs: int) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), RATE)
        model.train()
        for _ in range(epochs):
            for rows in torch.randperm(len(stored)).to(where).split(BATCH):
                batch = (stored[rows].float() / 255).contiguous(memory_format=torch.channels_last)
                mean, log_variance = model.posterior.linear(model.encoder(batch)).chunk(2, -1)
                z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
                error = 0.5 * (model.decoder(z)[:, 0] - batch).square().flatten(1).sum(1)
                kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
                optimizer.zero_grad()
                (error + kl).mean().backward()
                optimizer.step()

    return run


def ours(x: Tensor, where: str) -> Callable[[int], None]:
    """`latentia.training.fit` without validation, like the others."""
    model = latentia_vae()
    batches = Batches(x, lambda stored: stored.float() / 255)

    def run(epochs: int) -> None:
        config = TrainingConfig(max_epochs=epochs, batch_size=BATCH, learning_rate=RATE, device=where)
        fit(model, negative_elbo(), batches, None, config)

    return run


def theirs(x: Tensor, where: str) -> Callable[[int], None]:
    """pythae's `BaseTrainer`, its progress bar and notes sent nowhere."""
    peer = pythae_vae(latentia_vae())
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    # Its data set holds floats; the labels are asked for but not read.
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
    x, data = images(BATCH * round((60 if where == "cuda" else 4) * arguments.scale))
    loops = {"pythae": theirs(x, where), "bare torch loop": bare(x, where), "latentia": ours(x, where)}
    for loop in loops.values():
        loop(1)  # kernels are chosen and memory is found in the first steps

    def speed(loop: Callable[[int], None]) -> float:
        # The difference between one epoch and three: what a fit costs once (preparing, saving) is not speed of training.
        return 2 * len(x) / max(seconds(lambda: loop(3), where) - seconds(lambda: loop(1), where), 1e-9)

    medians = interleaved({name: lambda loop=loop: speed(loop) for name, loop in loops.items()}, 5)
    rows = [
        (name, f"{rate:.0f}", f"{rate / medians['pythae']:.2f}", f"{rate / medians['bare torch loop']:.2f}")
        for name, rate in medians.items()
    ]
    text = f"Training images per second, default conv VAE on 28 x 28 pixels, batches of {BATCH}, {data}\n{machine()}\n\n"
    header = ("loop", "images / s", "times pythae", "times bare loop")
    publish("training_speed", text + table(header, rows), arguments.save)


if __name__ == "__main__":
    main()
