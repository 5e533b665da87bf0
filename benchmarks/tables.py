"""Perceptrons on tables: the bound on held-out rows and the time of a fit, by network, optimizer and length.

    python benchmarks/tables.py --arms mlp:muon:1 auto:auto:1 --save tables

An arm is network:optimizer:times, the last being how many times the epochs of 6000 updates for 50 000 rows, or "default" for those of a fit. The default VAE with codes of 8 is
fitted to four fifths of each table under several seeds (of split and fit) and evaluated on the rest; the first arm is what the others
are held against. Small tables: three of scikit-learn's and its digits as rows of 64 numbers; with LATENTIA_DATA two of counts of
microbes. Large ones (`--large`): two surveys of statsmodels, patches of a photograph of scikit-learn's, and with LATENTIA_DATA images
that were shrunk to few numbers. The bound is in nats per row, higher is better.
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
from sklearn.feature_extraction.image import extract_patches_2d

from common import SHARED, machine, publish, table
from latentia import VAE
from latentia.data import load
from latentia.estimators.defaults import default_batch_size, default_epochs

COUNTS = ("twins", "atlas1006")
SHRUNK = {"mnist": (5000, 4), "fashion-mnist": (10_000, 4), "cifar10": (2500, 8)}
"""Images, and how many pixels in a row and in a column become one."""


def small_tables() -> dict[str, NDArray[Any]]:
    """Up to 1800 rows, each `[n, d]`."""
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


def large_tables() -> dict[str, NDArray[Any]]:
    """2500 to 20 000 rows, each `[n, d]`."""
    from statsmodels import datasets as surveys

    photograph = datasets.load_sample_image("china.jpg")
    patches = extract_patches_2d(photograph, (4, 4), max_patches=20_000, random_state=0)
    found: dict[str, NDArray[Any]] = {
        "fair": surveys.fair.load_pandas().data.to_numpy(float),
        "randhie": surveys.randhie.load_pandas().data.to_numpy(float)[:20_000],
        "patches": patches.reshape(len(patches), -1) / 255,
    }
    if Path(os.environ.get("LATENTIA_DATA", SHARED), "mnist").is_dir():
        for name, (n, side) in SHRUNK.items():
            x = load(name).train.x[:n] / 255
            blocks = x.reshape(*x.shape[:2], x.shape[2] // side, side, x.shape[3] // side, side)
            found[name] = blocks.mean((3, 5)).reshape(n, -1)
    return found


def held_out_bound(x: NDArray[Any], arm: str, seed: int) -> tuple[float, float]:
    """The bound of the held-out fifth, and the CPU seconds of the fit."""
    network, optimizer, times = arm.split(":")
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = np.split(x[order], [len(x) // 5])
    n = len(train) - round(0.1 * len(train))
    base = default_epochs(n, default_batch_size(n), on_cpu=True)
    epochs = None if times == "default" else round(float(times) * base)
    vae = VAE(
        latent_dim=min(8, x.shape[1]),
        network=network,
        optimizer=optimizer,
        max_epochs=epochs,
        random_state=seed,
    )
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
    parser.add_argument("--arms", nargs="+", default=["auto:muon:1", "auto:auto:1"])
    parser.add_argument("--large", action="store_true", help="the large tables instead of the small ones")
    parser.add_argument("--tables", nargs="+", help="names of those to take; all if left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--save", default="", help="also write benchmarks/results/<this>.txt")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    header = ("table", "rows", "arm", "bound", "difference by seed", "mean", "cpu s", "ratio")
    of_arms: dict[str, list[tuple[float, float]]] = {arm: [] for arm in arguments.arms}
    for name, x in (large_tables() if arguments.large else small_tables()).items():
        if arguments.tables and name not in arguments.tables:
            continue
        first: NDArray[Any] | None = None
        for arm in arguments.arms:
            results = np.array([held_out_bound(x, arm, seed) for seed in arguments.seeds])  # [seed, 2]
            first = results if first is None else first
            differences = results[:, 0] - first[:, 0]
            of_arms[arm].append((differences.mean(), results[:, 1].mean() / first[:, 1].mean()))
            rows.append(
                (
                    name,
                    f"{len(x)} x {x.shape[1]}",
                    arm,
                    f"{results[:, 0].mean():.2f}",
                    " ".join(f"{difference:+.2f}" for difference in differences),
                    f"{differences.mean():+.2f}",
                    f"{results[:, 1].mean():.1f}",
                    f"{results[:, 1].mean() / first[:, 1].mean():.2f}",
                )
            )
            print(*rows[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    for arm, found in of_arms.items():
        difference, ratio = np.mean(found, 0)
        rows.append(("all, on average", "", arm, "", "", f"{difference:+.2f}", "", f"{ratio:.2f}"))
    publish(arguments.save or "tables", f"{machine()}\n\n{table(header, rows)}", bool(arguments.save))


if __name__ == "__main__":
    main()
