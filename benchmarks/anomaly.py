"""Anomaly detection: MNIST against Fashion-MNIST, and each digit held out in turn, beside detectors of scikit-learn.

For the second, a model is fitted to nine digits of the training part and scores the test part, in which the tenth is the
anomaly: ten fits. The VAE stands there with the default likelihood (one variance for all pixels) and with a variance for each.
All detectors see the same items; pixels on [0, 1], for one-class SVM and the mixture in their 50 main directions. AUROC 0.5 is
chance.

    python benchmarks/anomaly.py --scale 0.2     # a look: minutes
    python benchmarks/anomaly.py --scale 10      # all training items, 40 epochs
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

from common import machine, options, publish, table
from latentia import VAE, GaussianMixture
from latentia.data import load
from latentia.explore import anomaly_scores, auroc

VAES = {
    "gaussian": ("likelihood", "typicality", "reconstruction"),
    "gaussian-pixel": ("likelihood", "typicality"),
}
DETECTORS: dict[str, Callable[[], Any]] = {
    "isolation forest": lambda: IsolationForest(n_estimators=200, random_state=0),
    "one-class SVM": lambda: make_pipeline(PCA(50, random_state=0), OneClassSVM(nu=0.1, gamma="scale")),
    "Gaussian mixture": lambda: make_pipeline(
        PCA(50, random_state=0), GaussianMixture(10, random_state=0, max_iter=100)
    ),
}
SVM_ROWS = 10_000  # its time grows with their square


def main() -> None:
    flags = options(__doc__ or "")
    rows, epochs = int(5000 * flags.scale), max(2, int(4 * flags.scale))
    rows, epochs = min(rows, 55_000), min(epochs, 40)
    tested = min(int(1000 * flags.scale), 10_000)
    mnist, fashion = load("mnist"), load("fashion-mnist")
    started = time.perf_counter()
    found = [f"{rows} training items, {epochs} epochs, {tested} test items; {machine()}", ""]
    train = mnist.train.take(rows)
    usual, other = mnist.test.take(tested).x, fashion.test.take(tested).x
    figures = scored(train.x, mnist.validation.take(1000).x, [(usual, other)], epochs)
    found += ["MNIST (usual) against Fashion-MNIST (anomalous): AUROC", ""]
    found += [
        table(("detector", "AUROC"), [(name, f"{values[0]:.4f}") for name, values in figures.items()]),
        "",
    ]
    held: dict[str, list[float]] = {}
    test = mnist.test.take(tested)
    for digit in range(10):
        kept = mnist.train.y != digit
        part = mnist.train.subset(np.flatnonzero(kept)).take(rows)
        reference = mnist.validation.subset(np.flatnonzero(mnist.validation.y != digit)).take(1000)
        pair = (test.x[test.y != digit], test.x[test.y == digit])
        for name, values in scored(part.x, reference.x, [pair], epochs).items():
            held.setdefault(name, []).append(values[0])
        print(f"digit {digit} held out: {held}", flush=True)
    found += ["One digit held out: AUROC", ""]
    header = ("detector", *map(str, range(10)), "mean")
    cells = [(name, *(f"{v:.3f}" for v in values), f"{np.mean(values):.3f}") for name, values in held.items()]
    found += [table(header, cells), "", f"{time.perf_counter() - started:.0f} s in all"]
    publish("anomaly", "\n".join(found), flags.save)


def scored(train: Any, reference: Any, pairs: list[tuple[Any, Any]], epochs: int) -> dict[str, list[float]]:
    """AUROC of every detector for pairs of usual and anomalous items."""
    out = {}
    for likelihood, methods in VAES.items():
        vae = VAE(latent_dim=10, likelihood=likelihood, max_epochs=epochs, n_importance=20, random_state=0)
        vae.fit(train)
        for method in methods:
            out[f"VAE, {likelihood}, {method}"] = [
                auroc(*(anomaly_scores(vae, items, method, reference) for items in pair)) for pair in pairs
            ]
    for name, make in DETECTORS.items():
        fitted = make().fit(flat(train)[: SVM_ROWS if "SVM" in name else None])
        out[name] = [auroc(*(-fitted.score_samples(flat(items)) for items in pair)) for pair in pairs]
    return out


def flat(items: Any) -> np.ndarray:
    return items.reshape(len(items), -1) / 255.0


if __name__ == "__main__":
    main()
