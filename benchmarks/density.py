"""Density estimation on binarized MNIST: exact test likelihood of an autoregressive model after so many minutes.

    python benchmarks/density.py --model gated-pixelcnn --minutes 60 --out runs/density-gated

The number of epochs is planned from the time of a few steps and kept in OUT/plan.json; the same command goes on with a run
that was interrupted. `--epochs N` replaces the plan (the full schedule, on a GPU: `--epochs 150 --full`).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from common import machine, publish, table
from latentia import AutoregressiveModel, BernoulliMixture
from latentia.data import load
from latentia.estimators.defaults import default_precision
from latentia.latent.autoregressive import build_density
from latentia.training.optimizers import optimizers_for

# What fits into the minutes of a CPU. A wide first kernel sees one channel only: it costs a few hundredths of the whole.
_STACKS = {
    "n_channels": 64,
    "n_layers": 7,
    "kernel_size": 3,
    "first_kernel_size": 11,
    "batch_size": 16,
    "learning_rate": 2e-3,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "gated-pixelcnn": _STACKS,
    "pixelcnn": _STACKS,
    "pixelcnn++": _STACKS,
    "row-lstm": {
        "n_channels": 32,
        "n_layers": 2,
        "first_kernel_size": 11,
        "batch_size": 16,
        "learning_rate": 2e-3,
    },
    "diagonal-bilstm": {
        "n_channels": 32,
        "n_layers": 1,
        "first_kernel_size": 11,
        "batch_size": 16,
        "learning_rate": 2e-3,
    },
    "causal-transformer": {"n_channels": 64, "n_layers": 4, "batch_size": 16, "learning_rate": 1e-3},
}
# The sizes of the papers, for a GPU.
FULL: dict[str, dict[str, Any]] = {
    "gated-pixelcnn": {
        "n_channels": 64,
        "n_layers": 12,
        "kernel_size": 5,
        "batch_size": 32,
        "learning_rate": 2e-3,
    },
    "row-lstm": {"n_channels": 64, "n_layers": 7, "batch_size": 32, "learning_rate": 2e-3},
    "diagonal-bilstm": {"n_channels": 64, "n_layers": 7, "batch_size": 32, "learning_rate": 2e-3},
}
# van den Oord et al. 2016 (pixel recurrent neural networks); the last one as reported by Gulrajani et al. 2017 (PixelVAE).
PUBLISHED = (
    ("published: Diagonal BiLSTM, 7 layers", "79.20"),
    ("published: Row LSTM", "80.54"),
    ("published: PixelCNN", "81.30"),
    ("published: Gated PixelCNN", "80.10"),
)
VALIDATION_ITEMS = 2000
PLANNED_SHARE = 0.92  # of the minutes; the rest is for a slower moment of the machine
_TIMED_STEPS = 8


def seconds_per_item(model: str, settings: dict[str, Any]) -> tuple[float, float]:
    """Time of training and of scoring, an item, from a few batches."""
    sizes = {name: value for name, value in settings.items() if name not in ("batch_size", "learning_rate")}
    density = build_density(model, (1, 28, 28), 2, ordered=True, **sizes).to(
        memory_format=torch.channels_last
    )
    x = (torch.rand(settings["batch_size"], 1, 28, 28) < 0.13).long()
    optimizers = optimizers_for(density, "muon", 1e-3, 0.0, 1000, fused=True)
    half = default_precision((1, 28, 28), x.device) == "bfloat16"
    times: list[float] = []
    for _ in range(_TIMED_STEPS):
        started = time.perf_counter()
        density.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = -density.log_prob(x).mean()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        times.append(time.perf_counter() - started)
    with torch.no_grad():
        started = time.perf_counter()
        density.log_prob(x)
        scoring = time.perf_counter() - started
    return sorted(times)[_TIMED_STEPS // 2] / len(x), scoring / len(x)


def plan(out: Path, arguments: argparse.Namespace, n_train: int) -> dict[str, Any]:
    """Settings and epochs of the run in `out`: those it was begun with, or new ones."""
    path = out / "plan.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    model, minutes, epochs = arguments.model, arguments.minutes, arguments.epochs
    settings = {**(FULL if arguments.full else SETTINGS)[model]}
    settings |= {name: json.loads(value) for name, value in (pair.split("=") for pair in arguments.set)}
    if epochs is None:
        training, scoring = seconds_per_item(model, settings)
        an_epoch = n_train * training + VALIDATION_ITEMS * scoring
        epochs = max(1, int(PLANNED_SHARE * 60 * minutes / an_epoch))
        print(
            f"{1000 * training:.1f} ms an item, {an_epoch:.0f} s an epoch: {epochs} epochs in {minutes:g} minutes"
        )
    made = {"model": model, "minutes": minutes, "settings": {**settings, "max_epochs": epochs}}
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made, indent=2) + "\n")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="gated-pixelcnn", choices=sorted(SETTINGS))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--full", action="store_true", help="the sizes of the papers, for a GPU")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--items", type=int, help="take so many items only, to try the script")
    parser.add_argument(
        "--save", action="store_true", help="also write benchmarks/results/density-<model>.txt"
    )
    arguments = parser.parse_args()
    out = arguments.out or Path("runs") / f"density-{arguments.model}"
    dataset = load("binarized-mnist")
    train, test = dataset.train.x[: arguments.items], dataset.test.x[: arguments.items]
    planned = plan(out, arguments, len(train))
    estimator = AutoregressiveModel(planned["model"], **planned["settings"], random_state=0, verbose=True)
    validation = dataset.validation.take(min(VALIDATION_ITEMS, len(train))).x
    estimator.fit(train, validation=validation, run_dir=out, resume=True)
    estimator.save(out)
    found = estimator.evaluate(test)
    mixture = BernoulliMixture(10, random_state=0, max_iter=200).fit(train.reshape(len(train), -1))
    baseline = -mixture.score(test.reshape(len(test), -1))
    minutes = sum(row["seconds"] for row in estimator.history_) / 60
    sizes = ", ".join(f"{name} {value}" for name, value in planned["settings"].items())
    rows = [
        (f"{planned['model']}, {minutes:.0f} minutes", f"{-found.log_likelihood:.2f}"),
        ("10 Bernoulli components, by EM", f"{baseline:.2f}"),
        *PUBLISHED,
    ]
    text = (
        f"Negative log-likelihood on the {found.n} test images of binarized MNIST, nats (standard error"
        f" {found.log_likelihood_se:.2f}), exact\n{sizes}\n{machine()}\n\n{table(('model', 'nats'), rows)}"
    )
    publish(f"density-{planned['model']}", text, arguments.save)


if __name__ == "__main__":
    main()
