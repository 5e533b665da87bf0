"""Training speed: latentia's `fit`, pythae's trainer and a bare torch loop, same network, same batches of 128."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from common import (
    BATCH,
    LEARNING_RATE,
    device,
    epoch_seconds,
    images,
    interleaved,
    latentia_loop,
    latentia_vae,
    machine,
    options,
    publish,
    pythae_loop,
    table,
)


def bare_loop(x: Tensor, where: str) -> Callable[[int], None]:
    """What one would write by hand: no validation, no checkpoint, no log."""
    model = latentia_vae().to(where).to(memory_format=torch.channels_last)
    stored = x.to(where)

    def run(epochs: int) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE)
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


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    logging.disable(logging.WARNING)
    x, data = images(BATCH * round((60 if where == "cuda" else 4) * arguments.scale))
    loops = {
        "pythae": pythae_loop(x, where),
        "bare torch loop": bare_loop(x, where),
        "latentia": latentia_loop(x, where),
    }
    for loop in loops.values():
        loop(1)  # kernels are chosen and memory is found in the first steps

    def speed(loop: Callable[[int], None]) -> float:
        return len(x) / epoch_seconds(loop, where)

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
