"""A prior over codes learned after the codes, beside them, or with them in one bound, at equal updates.

`two-stage` trains the autoencoder for E epochs and then the prior for E; `concurrent` and `joint` train both for E epochs. Each
mode starts from the same seeds. Bounds are of the test part, in nats and bits/dim; samples are compared with test images by
precision and recall among their pixels' nearest neighbours (Kynkaanniemi et al. 2019).

Finished fits are kept in `--out`, a file of JSON lines, and not run again by the same command.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import machine, publish, table
from discrete import data_set, kept
from latentia import VQVAE

MODES = ("two-stage", "concurrent", "joint")


def spread(values: Sequence[float], digits: int) -> str:
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def among(points: torch.Tensor, others: torch.Tensor, k: int = 3) -> float:
    """Share of points nearer to one of the others than that one's k-th nearest neighbour."""
    radius = torch.cdist(others, others).kthvalue(k + 1, dim=1).values
    return float((torch.cdist(points, others) <= radius).any(1).double().mean())


def measured(model: VQVAE, train: Any, test: Any, n_samples: int) -> dict[str, float]:
    figures = model.fit(train).evaluate(test, n_importance=0)
    n = min(n_samples, len(test))
    drawn = torch.from_numpy(model.sample(n, mean=True, random_state=0).reshape(n, -1) / 255.0)
    real = torch.from_numpy(test[:n].reshape(n, -1) / 255.0)
    return {
        "elbo": figures.elbo,
        "bits": figures.bits_per_dim,
        "distortion": figures.distortion,
        "rate": figures.kl,
        "perplexity": figures.perplexity,
        "precision": among(drawn, real),
        "recall": among(real, drawn),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--model", default="vq-vae-ema")
    parser.add_argument("--prior", default="gated-pixelcnn")
    parser.add_argument("--n-codes", type=int, default=128)
    parser.add_argument("--latent-dim", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=None)
    parser.add_argument("--test-items", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("runs") / "joint_prior.jsonl")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    header = [
        "training of the prior",
        "bound",
        "bits/dim",
        "distortion",
        "rate",
        "perplexity",
        "precision",
        "recall",
    ]
    parts = []
    for name in arguments.data:
        train, test = data_set(name, arguments.items, arguments.test_items)
        rows = []
        for mode in MODES:
            runs = []
            for seed in range(arguments.seeds):
                model = VQVAE(
                    arguments.model, n_codes=arguments.n_codes, latent_dim=arguments.latent_dim, prior=arguments.prior,
                    prior_training=mode, max_epochs=arguments.epochs, patience=arguments.epochs + 1,
                    random_state=seed, validation_fraction=0.05,
                )  # fmt: skip
                key = {
                    "data": name,
                    "items": len(train),
                    "test_items": len(test),
                    "samples": arguments.samples,
                }
                key |= {**model.get_params(), "random_state": seed}
                runs.append(
                    kept(arguments.out, key, partial(measured, model, train, test, arguments.samples))
                )
                print(name, mode, seed, {key: round(value, 4) for key, value in runs[-1].items()}, flush=True)
            columns = {key: [run[key] for run in runs] for key in runs[0]}
            digits = {"elbo": 1, "bits": 3, "distortion": 1, "rate": 1, "perplexity": 0}
            rows.append([mode, *[spread(values, digits.get(key, 3)) for key, values in columns.items()]])
        parts.append(
            f"{name}, {len(train)} items, {arguments.epochs} epochs, {arguments.seeds} seeds (mean ± standard deviation)\n\n"
            + table(header, rows)
        )
    publish("joint_prior", f"nats per test item; {machine()}\n\n" + "\n\n".join(parts), arguments.save)


if __name__ == "__main__":
    main()
