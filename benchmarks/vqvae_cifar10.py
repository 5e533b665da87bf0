"""VQ-VAE on CIFAR-10 with K = 512 and D = 64, beside the published figures.

Sonnet's notebook reaches MSE / variance 0.056 and perplexity 326 (of a batch, on training data); van den Oord et al. 2017 give 4.67
bits/dim with a PixelCNN prior. Here all figures are of the whole test part.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

from common import machine, publish, table
from discrete import data_set, minutes_to_epochs
from latentia import VQVAE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="vq-vae-ema")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the autoencoder's training")
    parser.add_argument("--prior", default="gated-pixelcnn")
    parser.add_argument("--prior-epochs", type=int, default=None)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--items", type=int, default=None)
    parser.add_argument("--test-items", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    train, test = data_set("cifar10", arguments.items, arguments.test_items)

    def make(prior: str, epochs: int) -> VQVAE:
        return VQVAE(
            arguments.model, n_codes=512, latent_dim=64, prior=prior, prior_epochs=arguments.prior_epochs,
            max_epochs=epochs, patience=epochs + 1, batch_size=arguments.batch_size,
            learning_rate=arguments.learning_rate, random_state=arguments.seed, validation_fraction=0.02,
        )  # fmt: skip

    epochs = minutes_to_epochs(partial(make, "uniform"), train, arguments.minutes)
    started = time.perf_counter()
    model = make(arguments.prior, epochs).fit(train)
    spent = time.perf_counter() - started
    first = sum(row["seconds"] for row in model.history_)
    figures = model.evaluate(test)
    ratio = figures.sse / test[0].size / (test / 255.0).var()
    rows = [
        ["MSE / variance, test", f"{ratio:.4f}", "0.056 (Sonnet, train)", "at most 0.07"],
        ["perplexity, test", f"{figures.perplexity:.1f}", "326 (Sonnet, train)", "at least 300"],
        ["codes used, test", f"{figures.used_codes} of {figures.n_codes}", "", "all"],
        ["bits/dim, learned prior", f"{figures.bits_per_dim:.3f}", "4.67 (van den Oord 2017)", ""],
        ["bits/dim, uniform prior", f"{figures.uniform_bits_per_dim:.3f}", "", ""],
        ["rate, nats", f"{figures.kl:.1f}", "", f"uniform: {figures.uniform_rate:.1f}"],
        ["distortion, nats", f"{figures.distortion:.1f}", "", ""],
    ]
    text = table(["figure", arguments.model, "published", "wanted"], rows)
    title = (
        f"{arguments.model} on CIFAR-10, {len(train)} items, {epochs} epochs in {first / 60:.1f} minutes, with the prior "
        f"{spent / 60:.1f}; {machine()}"
    )
    publish("vqvae_cifar10", f"{title}\n\n{text}\n\n{figures.bits_per_dim_note}", arguments.save)


if __name__ == "__main__":
    main()
