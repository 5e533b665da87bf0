"""Time of an optimizer step: reslag-vae in its aggressive phase against pythae's plain VAE, same network, batches of 128."""

from __future__ import annotations

import logging
from collections.abc import Callable

from common import (
    BATCH,
    device,
    epoch_seconds,
    images,
    interleaved,
    latentia_loop,
    machine,
    options,
    publish,
    pythae_loop,
    table,
)
from latentia.training import Aggressive

RATIO = 5
NETWORK = "reslag"


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    logging.disable(logging.WARNING)
    batches = round((60 if where == "cuda" else 6) * arguments.scale)
    x, data = images(BATCH * batches)
    aggressive = Aggressive(ratio=RATIO, epochs=10_000)  # longer than any run here: the phase never ends
    loops = {
        "pythae, VAE": (pythae_loop(x, where, NETWORK), 1),
        "latentia, all at once": (latentia_loop(x, where, NETWORK), 1),
        f"latentia, {RATIO} encoder steps and one of the decoder": (
            latentia_loop(x, where, NETWORK, aggressive),
            RATIO + 1,
        ),
    }
    for loop, _ in loops.values():
        loop(1)  # kernels are chosen and memory is found in the first steps

    def step(loop: Callable[[int], None], per_batch: int) -> float:
        return epoch_seconds(loop, where) / (batches * per_batch)

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
