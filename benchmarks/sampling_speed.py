"""Seconds to draw images: cached sampler, recomputing sampler, and pythae's PixelCNN sampler, whose loop recomputes too.

A recomputing sampler makes one pass for each number and every pass costs the same, so it is timed on the first passes and
multiplied up; `--scale` says how many more passes than the default are timed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from common import machine, options, publish, seconds, table
from latentia.latent.autoregressive import DENSITIES, AutoregressiveDensity, build_density

PIXELS, CODES = (1, 28, 28), (1, 7, 7)
N_IMAGES = 16
N_CODES = 64
PASSES = 6


class Enough(Exception):
    """So many passes have been timed."""


def recomputing_seconds(density: AutoregressiveDensity, passes: int) -> float:
    """Time of `slow_sample`, from its first passes."""
    total = density.event_shape.numel()
    passes = min(passes, total)
    times: list[float] = []
    whole = density.logits

    def timed(x: Tensor, context: Any = None) -> Tensor:
        if len(times) == passes + 1:  # the first one warms up
            raise Enough
        started = time.perf_counter()
        found = whole(x, context)
        times.append(time.perf_counter() - started)
        return found

    density.logits = timed  # type: ignore[method-assign]
    try:
        density.slow_sample(N_IMAGES)
    except Enough:
        pass
    finally:
        del density.logits
    return total * sum(times[1:]) / max(1, len(times) - 1)


def peer_seconds(
    shape: tuple[int, int, int], n_levels: int, n_layers: int, kernel_size: int, passes: int
) -> float:
    """Time of the loop in pythae's `PixelCNNSampler.sample`, without gradients (which the original keeps)."""
    warnings.filterwarnings("ignore", module="pythae")
    from pythae.models.normalizing_flows import PixelCNN, PixelCNNConfig

    config = PixelCNNConfig(
        input_dim=shape, n_embeddings=n_levels, n_layers=n_layers, kernel_size=kernel_size
    )
    model = PixelCNN(config).eval()
    z = torch.zeros(N_IMAGES, *shape)
    total = shape[1] * shape[2]

    def one_pass(i: int) -> None:
        row, column = divmod(i % total, shape[2])
        out = model({"data": z}).out.squeeze(2)
        probabilities = torch.softmax(out[:, :, row, column], dim=-1)
        z[:, :, row, column] = torch.multinomial(probabilities, 1).float()

    with torch.no_grad():
        one_pass(0)
        return total / passes * seconds(lambda: [one_pass(i) for i in range(passes)])


def best(run: Callable[[], object], repetitions: int = 3) -> float:
    """Least time of a few runs."""
    return min(seconds(run) for _ in range(repetitions))


def line(name: str, density: AutoregressiveDensity, passes: int) -> tuple[str, ...]:
    """Both samplers of a density."""
    fast = best(lambda: density.sample(N_IMAGES))
    slow = recomputing_seconds(density, passes)
    return name, f"{fast:.3f} s", f"{slow:.2f} s", f"{slow / fast:.0f}"


def main() -> None:
    arguments = options(__doc__ or "")
    passes = max(2, round(PASSES * arguments.scale))
    torch.manual_seed(0)
    stated = build_density("pixelcnn", PIXELS, 2, n_layers=8, n_channels=64, kernel_size=7)
    rows = [line("28x28, pixelcnn, 8 layers of 64, 7x7", stated, passes)]
    peer = peer_seconds(PIXELS, 2, 8, 7, passes)
    rows.append(("28x28, pythae's PixelCNN sampler, the same size", "", f"{peer:.2f} s", ""))
    rows += [
        line(f"28x28, {name}, its defaults", build_density(name, PIXELS, 2), passes)
        for name in DENSITIES
        if name not in ("uniform", "independent")
    ]
    rows += [
        line(f"7x7 codes, {name}", build_density(name, CODES, N_CODES), 8 * passes)
        for name in DENSITIES
        if name not in ("uniform", "independent", "pixelcnn++")
    ]
    peer = peer_seconds(CODES, N_CODES, 8, 7, 8 * passes)
    rows.append(("7x7 codes, pythae's PixelCNN sampler, 8 layers of 64, 7x7", "", f"{peer:.2f} s", ""))
    text = f"Drawing {N_IMAGES} images ({N_CODES} codes on 7x7 maps), recomputing sampler from its first passes\n"
    head = ("what is drawn", "cached", "recomputing", "times faster")
    publish("sampling_speed", f"{text}{machine()}\n\n{table(head, rows)}", arguments.save)


if __name__ == "__main__":
    main()
