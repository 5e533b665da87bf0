"""What the steps after the encoder are worth: bound, error and time of test items by their number, for fits in run folders.

    latentia fit mnist --latent-dim 5 --seed 0 --out runs/mnist
    python benchmarks/refinement.py runs/mnist --save

The bound is (D/2) ln(sse / D) + D/2 + KL in nats, lower is better (an optimal shared variance; up to the constant (D/2) ln 2 pi).
Time is that of the codes alone.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from common import machine, publish, table
from latentia import VAE
from latentia.estimators.run import Run

STEPS = (0, 1, 2, 3, 4, 5, 6, 8, 12)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/refinement.txt")
    arguments = parser.parse_args()
    parts = [machine()]
    for folder in arguments.runs:
        run = Run.open(folder)
        vae: VAE = run.estimator
        x = run.split(arguments.split).x[: arguments.items]
        size = math.prod(vae.event_shape_)
        rows = []
        for steps in STEPS:
            vae.module_.refinement_steps = steps
            begun = time.perf_counter()
            vae.transform(x)
            spent = time.perf_counter() - begun
            figures = vae.evaluate(x, n_importance=0)
            bound = size / 2 * math.log(figures.sse / size) + size / 2 + figures.kl
            rows.append(
                (
                    str(steps),
                    f"{bound:.2f}",
                    f"{figures.sse:.3f}",
                    f"{figures.kl:.2f}",
                    f"{1e3 * spent / len(x):.2f}",
                )
            )
        name = f"{run.dataset.name}, {vae.latent_dim_} latent dimensions, {len(x)} {arguments.split} items"
        parts += [name, table(("steps", "bound", "sse", "kl", "ms an item"), rows)]
    publish("refinement", "\n\n".join(parts), arguments.save)


if __name__ == "__main__":
    main()
