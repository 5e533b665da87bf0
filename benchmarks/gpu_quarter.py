"""What a graphics card gives, in a quarter of an hour: the same figures as on the processor, exact resume, images a second, bounds.

    python benchmarks/gpu_quarter.py                     # all stages
    python benchmarks/gpu_quarter.py --stages speed      # one of them
    python benchmarks/gpu_quarter.py --device cpu --quick   # that it runs

Stages; what is known is written to benchmarks/results/gpu.json after each of them:

    same     a fit of the digits on the card, with its steps recorded too, and on the processor: bounds within half a nat; each killed and resumed: the same bits
    speed    milliseconds, images a second and memory of an update, by network, precision and batch, steps recorded and not; within four minutes
    batch    the default on MNIST with batches of 64 and of 256, in equal time, two minutes each
    default  the default on MNIST, as long as it is on a card

Without MNIST (LATENTIA_DATA) random bytes take its place for `speed`, and `batch` and `default` are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

from common import ROOT, images, machine, table
from latentia import VAE, training
from latentia.benchmarks.measure import bound
from latentia.data import load
from latentia.estimators import building, fitting, planning
from latentia.estimators.forms.arrays import as_rows
from latentia.training.graph import WARM
from latentia.training.loop import Loop

SECONDS = 240  # of `speed` and of `batch`
NETWORKS, BATCHES = ("conv", "patch", "mlp"), (64, 256, 1024)
PRECISIONS = ("float32", "tf32", "bfloat16")


class Cut(Exception):
    """Stands for a crash."""


def digits() -> np.ndarray:
    """All 1797, as bytes `[n, 1, 8, 8]`."""
    return (load_digits().images[:, None] * 16).clip(0, 255).astype(np.uint8)


def bound_of(vae: VAE, x: np.ndarray) -> float:
    figures = vae.evaluate(x, n_importance=0)
    return bound(figures.sse, figures.kl, math.prod(vae.event_shape_))


def same(device: str, quick: bool, until: float) -> dict[str, Any]:  # noqa: ARG001
    """Card against processor, and a fit that is cut against one that is not."""
    x, epochs = digits(), 2 if quick else 20
    params = {"latent_dim": 8, "max_epochs": epochs, "random_state": 0, "precision": "float32"}
    bounds = {
        where: bound_of(VAE(**params, device=where).fit(x[:1437]), x[1437:])
        for where in dict.fromkeys(("cpu", device))
    }
    with recorded(True):
        bounds["recorded"] = bound_of(VAE(**params, device=device).fit(x[:1437]), x[1437:])
    apart = max(bounds.values()) - min(bounds.values())
    equal = {}
    for graph in (False, True):
        with recorded(graph):
            equal["recorded" if graph else "one by one"] = resumes(VAE(**params, device=device), x)
    return {"bounds": bounds, "within half a nat": apart <= 0.5, "resumed to the same bits": equal}


@contextlib.contextmanager
def recorded(graph: bool) -> Iterator[None]:
    """Within the block, fits record their steps (`TrainingConfig.graph`), or do not."""

    def settings(*given: Any, **how: Any) -> training.TrainingConfig:
        return building.configured(*given, **how, graph=graph)

    with patch.object(fitting, "configured", settings), patch.object(planning, "configured", settings):
        yield


def resumes(vae: VAE, x: np.ndarray) -> bool:
    """Whether a fit that is cut off and resumed has the weights of one that is not."""
    step, calls = Loop.training_step, itertools.count()

    def crash(loop: Loop, *arguments: Any) -> None:
        if next(calls) == 25:
            raise Cut
        step(loop, *arguments)

    whole = clone(vae).fit(x)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        with contextlib.suppress(Cut), patch.object(Loop, "training_step", crash):
            clone(vae).fit(x, run_dir=run)
        resumed = clone(vae).fit(x, run_dir=run, resume=True)
    weights = resumed.module_.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in whole.module_.state_dict().items())


@contextlib.contextmanager
def products(precision: str) -> Iterator[str]:
    """The precision of the products of float32; gives what the estimator is told."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield "bfloat16" if precision == "bfloat16" else "float32"
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def update_seconds(vae: VAE, given: Any, network: str) -> float:
    """Seconds of an update, the median of those after the first, once the card is done with it.

    `latentia.training.update_seconds` counts calls of the objective, which a recorded step does not make.
    """
    vae = clone(vae).set_params(network=network)
    batches, config = planning._built(vae, given)
    step, ends = Loop.training_step, []

    def timed(loop: Loop, *arguments: Any) -> None:
        step(loop, *arguments)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        ends.append(time.perf_counter())

    few = replace(config, max_epochs=1, max_updates=None, patience=None, averaging=None, progress=False)
    with patch.object(Loop, "training_step", timed):
        training.fit(vae.module_, vae.objective_, batches, None, few)
    return statistics.median(np.diff(ends)[WARM:])


def speed(device: str, quick: bool, until: float) -> dict[str, Any]:
    """Images and multiplications a second, and memory, of updates as the loop makes them."""
    x = images(64 * 12 if quick else 1024 * 12)[0].numpy()
    rows: list[dict[str, Any]] = []
    for network, precision, size, graph in itertools.product(
        NETWORKS[-1:] if quick else NETWORKS,
        PRECISIONS[:1] if quick else PRECISIONS,
        BATCHES[: 1 if quick else None],
        (False, True),
    ):
        if time.monotonic() > until:
            break
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        with products(precision) as told, recorded(graph):
            vae = VAE(latent_dim=10, device=device, batch_size=size, precision=told, random_state=0)
            vae._before(x, None)
            given = as_rows(vae, x[: 12 * size], reset=True)
            seconds = update_seconds(vae, given, network)
        memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else math.nan
        row = {"network": network, "precision": precision, "batch": size, "recorded": graph}
        rows.append({**row, "ms": 1000 * seconds, "images/s": size / seconds, "MiB": memory})
    return {"updates": rows}


def batch(device: str, quick: bool, until: float) -> dict[str, Any]:
    """Bounds of batches of 64 and 256 in equal time."""
    data = load("mnist")
    minutes = 0.1 if quick else (until - time.monotonic()) / 60 / 2 * 0.8
    found = {}
    for size in BATCHES[:2]:
        vae = VAE(latent_dim=5, device=device, batch_size=size, max_minutes=minutes, random_state=0)
        vae.set_params(network="mlp" if quick else "conv").fit(data)
        assert vae.plan_ is not None
        validation = bound_of(vae, data.validation.x[:2000])
        found[str(size)] = {"updates": vae.plan_.updates, "minutes": minutes, "validation": validation}
    return found


def default(device: str, quick: bool, until: float) -> dict[str, Any]:  # noqa: ARG001
    """The default as it is."""
    data = load("mnist")
    vae = VAE(
        latent_dim=5, device=device, random_state=0, **({"network": "mlp", "max_epochs": 1} if quick else {})
    )
    begun = time.monotonic()
    vae.fit(data)
    seconds = time.monotonic() - begun
    return {
        "updates": vae.history_[-1]["step"],
        "seconds": seconds,
        "test": bound_of(vae, data.test.x),
        "settings": vae.settings_,
    }


STAGES: dict[str, Callable[[str, bool, float], dict[str, Any]]] = {
    "same": same,
    "speed": speed,
    "batch": batch,
    "default": default,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="a few updates of each, to see that it runs")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gpu.json")
    arguments = parser.parse_args()
    device = training.resolve_device(arguments.device)
    known: dict[str, Any] = {"machine": machine()}
    has_mnist = images(1)[1] == "MNIST"
    for name in arguments.stages:
        if name in ("batch", "default") and not has_mnist:
            print(f"{name}: needs MNIST (LATENTIA_DATA)")
            continue
        begun = time.monotonic()
        known[name] = STAGES[name](device.type, arguments.quick, begun + SECONDS)
        known[name]["stage seconds"] = round(time.monotonic() - begun, 1)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(known, indent=1) + "\n")
        print(
            f"{name}: {json.dumps({k: v for k, v in known[name].items() if k != 'updates' or name != 'speed'})}",
            flush=True,
        )
    if "speed" in known:
        rows = known["speed"]["updates"]
        header = ("network", "precision", "batch", "recorded", "ms", "images/s", "MiB")
        print(
            table(
                header,
                [
                    tuple(f"{row[k]:.4g}" if isinstance(row[k], float) else str(row[k]) for k in header)
                    for row in rows
                ],
            )
        )


if __name__ == "__main__":
    main()
