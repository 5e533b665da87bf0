"""All quantizers and gradient estimators in the same network: distortion, perplexity, used codes, and the bound with a two-stage prior.

The figures are of the test part. All get the same updates, and the prior after them as many; the seconds of the first stage say
what a quantizer costs. Finished fits are kept in `--out`, a file of JSON lines, and not run again by the same command.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from common import machine, publish, table
from discrete import data_set, kept
from latentia import VQVAE
from latentia.kinds.codes.catalog import DISCRETE
from latentia.latent.quantizers import QUANTIZERS

DATA = ("mnist", "fashion-mnist", "cifar10")
DRAWN = ("gumbel", "vq-stochastic")


def estimator(quantizer: str, n_codes: int, prior: str, epochs: int, seed: int) -> VQVAE:
    entry = dataclasses.replace(DISCRETE["vq-vae-ema"], quantizer=quantizer)
    if quantizer in DRAWN:
        entry = dataclasses.replace(entry, objective=DISCRETE["gumbel-vae"].objective)
    return VQVAE(
        entry, n_codes=n_codes, latent_dim=64, prior=prior, max_epochs=epochs, patience=epochs + 1,
        random_state=seed, validation_fraction=0.05,
    )  # fmt: skip


def measured(model: VQVAE, train: Any, test: Any) -> dict[str, float]:
    """Fit, and the figures in the order of the columns."""
    figures = model.fit(train).evaluate(test, n_importance=0)
    return {
        "mse_over_variance": float(figures.sse / test[0].size / (test / 255.0).var()),
        "distortion": figures.distortion,
        "rate": figures.kl,
        "uniform_rate": figures.uniform_rate,
        "elbo": figures.elbo,
        "bits_per_dim": figures.bits_per_dim,
        "perplexity": figures.perplexity,
        "used": figures.used_codes,
        "n_codes": figures.n_codes,
        "seconds": sum(row["seconds"] for row in model.history_),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=DATA)
    parser.add_argument("--quantizers", nargs="+", default=list(QUANTIZERS), choices=list(QUANTIZERS))
    parser.add_argument("--epochs", type=int, default=10, help="of each stage")
    parser.add_argument("--items", type=int, default=None, help="training items; all if left out")
    parser.add_argument("--test-items", type=int, default=10_000)
    parser.add_argument("--n-codes", type=int, default=512)
    parser.add_argument("--prior", default="gated-pixelcnn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs") / "quantizers.jsonl")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    header = [
        "quantizer",
        "MSE/var",
        "distortion",
        "rate",
        "uniform",
        "bound",
        "bits/dim",
        "perplexity",
        "used",
        "K",
        "s",
    ]
    parts = []
    for name in arguments.data:
        train, test = data_set(name, arguments.items, arguments.test_items)
        rows = []
        for quantizer in arguments.quantizers:
            model = estimator(quantizer, arguments.n_codes, arguments.prior, arguments.epochs, arguments.seed)
            key = {**model.get_params(), "model": "vq-vae-ema", "quantizer": quantizer}
            key |= {"data": name, "items": len(train), "test_items": len(test)}
            found = kept(arguments.out, key, partial(measured, model, train, test))
            digits = (4, 1, 1, 1, 1, 3, 0, 0, 0, 0)
            rows.append([quantizer, *(f"{x:.{n}f}" for x, n in zip(found.values(), digits, strict=True))])
            print(table(header, rows[-1:]), flush=True)
        parts.append(
            f"{name}, {len(train)} training items, {arguments.epochs} epochs\n\n{table(header, rows)}"
        )
    publish("quantizers", f"nats per test item; {machine()}\n\n" + "\n\n".join(parts), arguments.save)


if __name__ == "__main__":
    main()
