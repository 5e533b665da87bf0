"""All quantizers and gradient estimators in the same network: distortion, perplexity, used codes, and the bound with a two-stage prior.

The figures are of the test part. All get the same updates, and the prior after them as many; the seconds of the first stage say
what a quantizer costs.
"""

from __future__ import annotations

import argparse
import dataclasses

from common import machine, publish, table
from discrete import data_set
from latentia import VQVAE
from latentia.catalog import DISCRETE
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
            model.fit(train)
            figures = model.evaluate(test, n_importance=0)
            variance = (test / 255.0).var()
            rows.append(
                [
                    quantizer,
                    f"{figures.sse / test[0].size / variance:.4f}",
                    f"{figures.distortion:.1f}",
                    f"{figures.kl:.1f}",
                    f"{figures.uniform_rate:.1f}",
                    f"{figures.elbo:.1f}",
                    f"{figures.bits_per_dim:.3f}",
                    f"{figures.perplexity:.0f}",
                    str(figures.used_codes),
                    str(figures.n_codes),
                    f"{sum(row['seconds'] for row in model.history_):.0f}",
                ]
            )
            print(table(header, rows[-1:]), flush=True)
        parts.append(
            f"{name}, {len(train)} training items, {arguments.epochs} epochs\n\n{table(header, rows)}"
        )
    publish("quantizers", f"nats per test item; {machine()}\n\n" + "\n\n".join(parts), arguments.save)


if __name__ == "__main__":
    main()
