"""What watching mutual information and active units costs: the same fit with and without the watch, in turns.

Two figures: the difference, median over pairs, of the processor's time (on a GPU, of the clock's), which holds the noise of the
machine too; and the time spent in looks, which a clock around the measure gives. The bar is 3 % of the time of training.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterable

from torch import Tensor, nn

from common import BATCH, device, images, latentia_vae, machine, options, publish, seconds, table
from latentia.kinds.vae.monitoring import Monitor
from latentia.objectives import negative_elbo
from latentia.training import Batches, TrainingConfig, fit

FITS = {"conv": (6, 3), "mlp": (20, 7)}  # epochs, and fits of each kind


class Timed:
    """A monitor with a clock."""

    def __init__(self, where: str) -> None:
        self.monitor, self.where, self.spent, self.looks = Monitor(), where, 0.0, 0

    def __call__(
        self, model: nn.Module, x_batches: Iterable[Tensor], epoch: int, progress: float
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        self.spent += seconds(
            lambda: found.update(self.monitor(model, x_batches, epoch, progress)), self.where
        )
        self.looks += 1
        return found


def fitted(x: Tensor, network: str, epochs: int, where: str) -> Callable[[Timed | None], float]:
    """Seconds of a fit of a new model with a watch or without."""

    def prepared(stored: Tensor) -> Tensor:
        return stored.float() / 255

    train, validation = (Batches(part, prepared) for part in x.split([len(x) * 10 // 11, -(-len(x) // 11)]))

    def run(watch: Timed | None) -> float:
        model = latentia_vae(network)
        config = TrainingConfig(max_epochs=epochs, batch_size=BATCH, learning_rate=1e-3, device=where)
        started = time.process_time()
        elapsed = seconds(lambda: fit(model, negative_elbo(), train, validation, config, watch=watch), where)
        return time.process_time() - started if where == "cpu" else elapsed

    return run


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    logging.disable(logging.WARNING)
    x, data = images(BATCH * round((400 if where == "cuda" else 22) * arguments.scale))
    rows = []
    for network, (epochs, repetitions) in FITS.items():
        run = fitted(x, network, epochs, where)
        fitted(x, network, 1, where)(
            Timed(where)
        )  # kernels are chosen and memory is found in the first steps
        plain, watched, looks, spent = [], [], [], []
        for _ in range(repetitions):
            plain.append(run(None))
            watch = Timed(where)
            watched.append(run(watch))
            looks.append(watch.looks)
            spent.append(watch.spent / watched[-1])
        without, with_it = statistics.median(plain), statistics.median(watched)
        change = statistics.median(b / a - 1 for a, b in zip(plain, watched, strict=True))
        rows.append(
            (
                f"{network}, {epochs} epochs", str(repetitions), f"{without:.2f}", f"{with_it:.2f}", f"{change:+.1%}",
                f"{statistics.median(looks):g}", f"{statistics.median(spent):.2%}", f"{max(spent):.2%}",
            )
        )  # fmt: skip
    header = ("fit", "fits", "s without", "s with watch", "difference", "looks", "time in looks", "most")
    text = f"Watching while training: medians of fits in turns, {len(x)} images of {data}, a part of 11 for validation\n"
    publish("monitoring", f"{text}{machine()}\n\n{table(header, rows)}", arguments.save)


if __name__ == "__main__":
    main()
