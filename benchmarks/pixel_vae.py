"""VAEs with an autoregressive decoder on binarized MNIST: who explains the image, the code or the pixels before?

    python benchmarks/pixel_vae.py --epochs 5

Rows: a VAE whose pixels are independent given z, a PixelVAE whose kernels reach four pixels, one that reaches nine (and leaves
less to the code), the same with remedies of the family, and discrete codes with a learned prior. Each has the same updates. Figures are of the test part, in nats: the bound, the importance-weighted likelihood, the
rate of the code, and how many of its dimensions (or codes) are in use.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from common import SHARED, machine, publish, table
from discrete import kept
from latentia import VAE, VQVAE
from latentia.data import load
from latentia.latent.likelihoods import PixelCNNLikelihood

Estimator = VAE | VQVAE
# A first kernel of 11 and four of 3 reach nine pixels up and to the left.
FAR = partial(PixelCNNLikelihood, n_levels=2, n_channels=32, n_layers=5, first_kernel_size=11)


def gaussian(model: str = "pixel-vae", **settings: Any) -> Callable[..., Estimator]:
    return partial(VAE, model, latent_dim=16, **settings)


ROWS: dict[str, Callable[..., Estimator]] = {
    "vae, pixels independent given z": gaussian("vae"),
    "pixel-vae": gaussian(),
    "pixel-vae, far-reaching": gaussian(likelihood=FAR),
    "pixel-vae, far-reaching, free bits": gaussian("free-bits-vae", likelihood=FAR),
    "pixel-vae, far-reaching, MMD": gaussian("info-vae", likelihood=FAR),
    "pixel-vae++": partial(VQVAE, "pixel-vae++", n_codes=64, latent_dim=16),
}


def measured(
    row: Callable[..., Estimator], train: Any, test: Any, arguments: argparse.Namespace
) -> dict[str, float]:
    model = row(
        max_epochs=arguments.epochs,
        patience=arguments.epochs + 1,
        random_state=arguments.seed,
        validation_fraction=0.02,
    ).fit(train)
    figures = model.evaluate(test, n_importance=arguments.importance)
    codes = isinstance(model, VQVAE)
    found = {
        "bound": -figures.elbo,
        "rate": figures.kl,
        "used": figures.used_codes if codes else figures.active_units,
        "of": figures.n_codes if codes else figures.latent_dim,
        "seconds": sum(row["seconds"] for row in model.history_),
    }
    return found if figures.log_likelihood is None else {**found, "weighted": -figures.log_likelihood}


def main() -> None:
    if "LATENTIA_DATA" not in os.environ and SHARED.is_dir():
        os.environ["LATENTIA_DATA"] = str(SHARED)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--items", type=int, help="training items; all if left out")
    parser.add_argument("--test-items", type=int, default=2000)
    parser.add_argument("--importance", type=int, default=32, help="samples for an item; 0: the bound only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs") / "pixel_vae.jsonl", help="finished rows")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    data = load("binarized-mnist")
    train, test = data.train.x[: arguments.items], data.test.x[: arguments.test_items]
    header = ("model", "bound", f"{arguments.importance} samples", "rate", "in use", "s")
    title = f"Binarized MNIST, {len(train)} items, {arguments.epochs} epochs, nats per test item ({len(test)} items)\n{machine()}\n\n"
    rows: list[tuple[str, ...]] = []
    for name in arguments.rows:
        key = {"row": name, "items": len(train), "test_items": len(test)}
        key |= {each: getattr(arguments, each) for each in ("epochs", "importance", "seed")}
        found = kept(arguments.out, key, partial(measured, ROWS[name], train, test, arguments))
        weighted = f"{found['weighted']:.2f}" if "weighted" in found else ""
        in_use = f"{found['used']:.0f} of {found['of']:.0f}"
        rows.append(
            (
                name,
                f"{found['bound']:.2f}",
                weighted,
                f"{found['rate']:.2f}",
                in_use,
                f"{found['seconds']:.0f}",
            )
        )
        publish("pixel_vae", title + table(header, rows), arguments.save)


if __name__ == "__main__":
    main()
