"""What `--auto-remedy` makes of a collapsed autoregressive decoder: mutual information of each attempt, and of the run kept.

    python benchmarks/auto_remedy.py [--n 6000] [--epochs 8] [--seed 3] [--save]

Binary MNIST of 14 x 14 pixels; the decoder gets a head start (see tests/diagnostics/known_states.py), so that the first fit collapses.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "diagnostics"))
from known_states import AutoregressivePixels, head_start, mnist

from common import machine, publish, table
from latentia.kinds.auto_remedy import fit_with_remedies
from latentia.kinds.known import DataSpec
from latentia.kinds.run import Run
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent import LIKELIHOODS
from latentia.objectives import negative_elbo


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/auto_remedy.txt")
    arguments = parser.parse_args()
    LIKELIHOODS.add("autoregressive-pixels", AutoregressivePixels)
    CATALOG.add("head-start-vae", replace(CATALOG["vae"], objective=negative_elbo(head_start)))
    train, test = mnist(arguments.seed, arguments.n)
    params = {
        "model": "head-start-vae", "likelihood": "autoregressive-pixels", "latent_dim": 10, "network": "mlp",
        "max_epochs": arguments.epochs, "batch_size": 64, "random_state": arguments.seed, "device": "cpu",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "binary.npy", Path(folder) / "run"
        np.save(path, (np.concatenate([train, test]) > 127).astype(np.float32))
        run = fit_with_remedies(DataSpec(str(path)), params, out, command="", say=print)
        rows = []
        for attempt in run.config["attempts"]:
            figures, found = Run.open(out / attempt["folder"]).examine("validation", 20, 200, thorough=False)
            kept = " (kept)" if attempt["folder"] == run.config["kept"] else ""
            told, score = f"{found.information.value:.3f}", f"{figures.log_likelihood:.2f}"
            rows.append((attempt["model"] + kept, told, score, ", ".join(found.names) or found.name))
    header = ("attempt", "mutual information, nats", "log-likelihood, nats", "verdict")
    text = (
        f"Binary MNIST of 14 x 14 pixels, autoregressive decoder with a head start, {arguments.n} items, {arguments.epochs} epochs, "
        f"seed {arguments.seed}\nfigures of validation items; {machine()}\n\n"
    )
    publish("auto_remedy", text + table(header, rows), arguments.save)


if __name__ == "__main__":
    main()
