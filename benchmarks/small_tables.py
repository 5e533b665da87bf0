"""Width of the perceptron for few rows: the bound on held-out rows with `mlp` (256) and `mlp-small` (128), and the time.

    python benchmarks/small_tables.py --save

The default VAE with codes of 8 is fitted to four fifths of each table under several seeds (of split and fit) and evaluated on the
rest. Tables: three of scikit-learn's and its digits as rows of 64 numbers; with LATENTIA_DATA two of counts of microbes. This is what
`latentia.nn.FEW_ROWS` rests on; the bound is in nats per row, higher is better.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from common import SHARED, machine, publish, table
from latentia import VAE
from latentia.data import load

NETWORKS = ("mlp", "mlp-small")
COUNTS = ("twins", "atlas1006")


def tables() -> dict[str, NDArray[Any]]:
    """The data by name, each `[n, d]`."""
    found = {
        "wine": datasets.load_wine().data,
        "diabetes": datasets.load_diabetes().data,
        "breast cancer": datasets.load_breast_cancer().data,
        "digits": (datasets.load_digits().data / 16).astype(np.float32),
    }
    folder = Path(os.environ.get("LATENTIA_DATA", SHARED)) / "microbiome"
    for name in COUNTS:
        path = folder / name / "counts.csv.gz"
        if path.is_file():
            data = load(path)
            found[name] = np.concatenate([data.train.x, data.validation.x, data.test.x])
    return found


def held_out_bound(x: NDArray[Any], network: str, seed: int) -> tuple[float, float]:
    """The bound of the held-out fifth, and the CPU seconds of the fit."""
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = np.split(x[order], [len(x) // 5])
    vae = VAE(latent_dim=8, network=network, random_state=seed, verbose=False)
    begun = time.process_time()
    vae.fit(train)
    seconds = time.process_time() - begun
    bound = vae.evaluate(test, n_importance=0).elbo
    assert bound is not None
    return bound, seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/small_tables.txt")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for name, x in tables().items():
        results = np.array(
            [[held_out_bound(x, network, seed) for seed in arguments.seeds] for network in NETWORKS]
        )  # [network, seed, 2]
        (wide, narrow), (slow, quick) = results.mean(1).T
        by_seed = results[1, :, 0] - results[0, :, 0]
        rows.append(
            (
                name,
                f"{len(x)} x {x.shape[1]}",
                f"{wide:.2f}",
                f"{narrow:.2f}",
                " ".join(f"{difference:+.2f}" for difference in by_seed),
                f"{slow:.0f}",
                f"{quick:.0f}",
                f"{quick / slow:.2f}",
            )
        )
        print(*rows[-1], flush=True)
    header = ("table", "rows", "mlp", "mlp-small", "difference by seed", "cpu s", "cpu s", "ratio")
    publish("small_tables", f"{machine()}\n\n{table(header, rows)}", arguments.save)


if __name__ == "__main__":
    main()
