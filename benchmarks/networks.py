"""What a network is worth for the same CPU time: the bound after a given number of CPU seconds of training.

    python benchmarks/networks.py fashion-mnist --latent-dim 10 --seconds 300 --encoders mlp conv --decoders mlp conv

Each pair of encoder and decoder is trained by the library's own loop at the default settings but for the number of epochs,
which is what the CPU seconds allow by the time of its own first steps. The bound is
(D/2) ln(sse/D) + D/2 + KL in nats (an optimal shared variance; up to the constant (D/2) ln 2 pi), on the validation and the
test split and on as many training items: the difference is the gap. Choices are made on the validation split.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from pathlib import Path

import torch

from latentia.data import load
from latentia.estimators.vae import VAE
from latentia.nn import NETWORKS, Network

PROBE = 2560  # training items whose time is measured first


def pair(encoder: str, decoder: str) -> Network:
    """The encoder of one named network with the decoder of another."""
    first, second = NETWORKS[encoder], NETWORKS[decoder]
    return Network(
        lambda event, inputs=None: first.encoder(event, inputs=inputs, **first.options),
        lambda dim, outputs, event: second.decoder(dim, outputs, event, **second.options),
        f"encoder of {encoder}, decoder of {decoder}",
    )


def bound(vae: VAE, x: object) -> tuple[float, float, float]:
    figures = vae.evaluate(x, n_importance=0)
    size = math.prod(vae.event_shape_)
    return size / 2 * math.log(figures.sse / size) + size / 2 + figures.kl, figures.sse, figures.kl


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", default="fashion-mnist", nargs="?")
    parser.add_argument("--latent-dim", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=300.0, help="CPU seconds of training for each pair")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--encoders", nargs="+", default=["mlp", "conv"])
    parser.add_argument("--decoders", nargs="+", default=["mlp", "conv"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dataset = load(arguments.data)
    head = f"{'encoder':>10} {'decoder':>10} {'epochs':>6} {'cpu s':>6} {'validation':>10} {'test':>9} {'train':>9} {'sse':>7} {'kl':>7}"
    lines = [f"{arguments.data}, {arguments.latent_dim} latent dimensions, torch {torch.__version__}", head]
    print(*lines, sep="\n", flush=True)
    for encoder, decoder in itertools.product(arguments.encoders, arguments.decoders):
        settings = {
            "latent_dim": arguments.latent_dim,
            "network": pair(encoder, decoder),
            "batch_size": arguments.batch_size or 64,
            "random_state": arguments.seed,
        }
        probe = VAE(max_epochs=1, **settings)
        begun = time.process_time()
        probe.fit(dataset.train.x[:PROBE], validation=dataset.validation.x[:10])
        epoch = (time.process_time() - begun) * len(dataset.train) / PROBE
        epochs = max(1, round(arguments.seconds / epoch))
        begun = time.process_time()
        vae = VAE(max_epochs=epochs, **settings).fit(dataset)
        spent = time.process_time() - begun
        validation, test = bound(vae, dataset.validation.x), bound(vae, dataset.test.x)
        train = bound(vae, dataset.train.x[: len(dataset.test)])
        line = (
            f"{encoder:>10} {decoder:>10} {epochs:6d} {spent:6.0f} {validation[0]:10.1f} {test[0]:9.1f} {train[0]:9.1f} "
            f"{test[1]:7.2f} {test[2]:7.2f}"
        )
        lines.append(line)
        print(line, flush=True)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "networks.txt").open("a") as file:
        file.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
