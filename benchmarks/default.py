"""What each part of the default VAE is worth: the bound with one part changed at a time, at equal epochs.

    python benchmarks/default.py fashion-mnist --latent-dim 10 --epochs 1 --variants default adamw "batch 128"

Every variant is the default VAE with one setting changed, trained by the library's own loop. The bound is

    (D/2) ln(sse / D) + D/2 + KL   in nats, lower is better

(an optimal shared variance; up to the constant (D/2) ln 2 pi), on the validation and the test split and on as many training
items, whose difference is the gap. Choices are made on the validation split; the CPU seconds say what a variant costs.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from functools import partial
from typing import Any
from unittest.mock import patch

from common import SHARED, machine, publish, table
from latentia import VAE
from latentia.benchmarks.measure import bound
from latentia.data import load
from latentia.estimators import fitting
from latentia.nn import NETWORKS, Network
from latentia.training import optimizers


def pair(encoder: str, decoder: str) -> Network:
    """The encoder of one named network with the decoder of another."""
    first, second = NETWORKS[encoder], NETWORKS[decoder]
    return Network(
        lambda event, inputs=None: first.encoder(event, inputs=inputs, **first.options),
        lambda dim, outputs, event: second.decoder(dim, outputs, event, **second.options),
        f"encoder of {encoder}, decoder of {decoder}",
    )


# Settings of `VAE`, under "optimizers" constants of `latentia.training.optimizers`, and under "training" those of `TrainingConfig` that the estimator keeps to itself.
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "muon": {"optimizer": "muon"},
    "adamw": {"optimizer": "adamw"},
    "adamw, rate x 2": {"optimizer": "adamw", "learning_rate": 4e-3},
    "float32": {"precision": "float32"},
    "rate x 2": {"learning_rate": 4e-3},
    "rate / 2": {"learning_rate": 1e-3},
    "decay x 3": {"optimizers": {"FORGETTING": 15.0}},
    "decay / 3": {"optimizers": {"FORGETTING": 5 / 3}},
    "AdamW beside Muon / 2": {"optimizers": {"RATE_BESIDE_MUON": 1.0}},
    "no averaging": {"training": {"averaging": None}},
    "warm-up 3 %": {"training": {"warmup_fraction": 0.03}},
    "batch 32": {"batch_size": 32},
    "batch 128": {"batch_size": 128},
    "aggressive": {"schedule": "aggressive", "schedule_options": {"ratio": 2, "epochs": 0.25}},
    "skip decoder": {"network": "conv-skip"},
    "perceptron": {"network": "mlp"},
    "perceptron encoder": {"network": pair("mlp", "conv")},
    "perceptron decoder": {"network": pair("conv", "mlp")},
}


def bound_of(vae: VAE, x: Any) -> tuple[float, float, float]:
    figures = vae.evaluate(x, n_importance=0)
    size = math.prod(vae.event_shape_)
    return bound(figures.sse, figures.kl, size), figures.sse, figures.kl


def main() -> None:
    if "LATENTIA_DATA" not in os.environ and SHARED.is_dir():
        os.environ["LATENTIA_DATA"] = str(SHARED)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", default="fashion-mnist", nargs="?")
    parser.add_argument("--latent-dim", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--save", action="store_true", help="also write benchmarks/results/default-<data>.txt"
    )
    arguments = parser.parse_args()
    dataset = load(arguments.data)
    title = (
        f"{arguments.data}, {arguments.latent_dim} latent dimensions, {arguments.epochs} epochs, seed {arguments.seed}\n"
        f"{machine()}\n\n"
    )
    header = ("variant", "validation", "test", "train", "sse", "kl", "cpu s")
    rows: list[tuple[str, ...]] = []
    for name in arguments.variants:
        settings = dict(VARIANTS[name])
        training = settings.pop("training", {})
        constants = settings.pop("optimizers", {})
        vae = VAE(
            latent_dim=arguments.latent_dim,
            max_epochs=arguments.epochs,
            random_state=arguments.seed,
            **settings,
        )
        begun = time.process_time()
        # settings of the loop that the estimator does not offer
        configured = partial(fitting.configured, **training)
        with (
            patch.dict(vars(optimizers), constants),
            patch("latentia.estimators.fitting.configured", configured),
        ):
            vae.fit(dataset)
        spent = time.process_time() - begun
        (validation, _, _), (test, sse, kl), (train, _, _) = (
            bound_of(vae, x)
            for x in (dataset.validation.x, dataset.test.x, dataset.train.x[: len(dataset.test)])
        )
        figures = (validation, test, train)
        rows.append((name, *(f"{x:.1f}" for x in figures), f"{sse:.2f}", f"{kl:.2f}", f"{spent:.0f}"))
        publish(f"default-{arguments.data}", title + table(header, rows), arguments.save)


if __name__ == "__main__":
    main()
