"""What the steps after the encoder are worth: bound, error and time of test items by their number, for fits in run folders.

    latentia fit mnist --latent-dim 5 --seed 0 --out runs/mnist
    python benchmarks/refinement.py runs/mnist --save

The bound is (D/2) ln(sse / D) + D/2 + KL in nats, lower is better (an optimal shared variance; up to the constant (D/2) ln 2 pi).
Time is that of the codes alone. `--constants` prints instead what other rates and momenta than those of `latentia.models.refinement`
bring on validation items in five steps: gain of the ELBO in nats.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from common import machine, publish, table
from latentia import VAE
from latentia.benchmarks.measure import bound
from latentia.kinds.run import Run
from latentia.models import refinement

STEPS = (0, 1, 2, 3, 4, 5, 6, 8, 12)
CONSTANTS = (0.3, 0.4, 0.5)


def by_steps(vae: VAE, x: Any) -> str:
    size = math.prod(vae.event_shape_)
    rows = []
    for steps in STEPS:
        vae.module_.refinement_steps = steps
        begun = time.perf_counter()
        vae.transform(x)
        spent = time.perf_counter() - begun
        figures = vae.evaluate(x, n_importance=0)
        cells = (
            f"{bound(figures.sse, figures.kl, size):.2f}",
            f"{figures.sse:.3f}",
            f"{figures.kl:.2f}",
            f"{1e3 * spent / len(x):.2f}",
        )
        rows.append((str(steps), *cells))
    return table(("steps", "bound", "sse", "kl", "ms an item"), rows)


def by_constants(vae: VAE, x: Any) -> str:
    rows = []
    for rate in CONSTANTS:
        cells = []
        for momentum in CONSTANTS:
            with patch.multiple(refinement, RATE=rate, MOMENTUM=momentum):
                cells.append(f"{vae._gains(x, refinement.STEPS).mean():.2f}")
        rows.append((f"rate {rate}", *cells))
    return table(("", *(f"momentum {momentum}" for momentum in CONSTANTS)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--constants", action="store_true", help="on validation items")
    parser.add_argument(
        "--save", action="store_true", help="also write benchmarks/results/refinement[-constants].txt"
    )
    arguments = parser.parse_args()
    split: Literal["validation", "test"] = "validation" if arguments.constants else "test"
    parts = [machine()]
    for folder in arguments.runs:
        run = Run.open(folder)
        vae: VAE = run.estimator
        x = run.split(split).x[: arguments.items]
        what = (by_constants if arguments.constants else by_steps)(vae, x)
        parts += [f"{run.dataset.name}, {vae.latent_dim_} latent dimensions, {len(x)} {split} items", what]
    publish(
        "refinement-constants" if arguments.constants else "refinement", "\n\n".join(parts), arguments.save
    )


if __name__ == "__main__":
    main()
