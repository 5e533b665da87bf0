"""Bound against time: fits that were planned for so many minutes, by network and optimizer, and the time to a peer's bound.

    python benchmarks/anytime.py mnist --latent-dim 5 --minutes 1 2 5 --arms conv:muon conv:auto patch:auto mlp:auto
    python benchmarks/anytime.py mnist --latent-dim 5 --minutes 0.5 1 2 --arms auto:auto --peer 40
    python benchmarks/anytime.py cifar10 --latent-dim 100 --minutes 60 --arms conv:auto --model data-variance-vae
    python benchmarks/anytime.py patches --latent-dim 8 --minutes 0.25 0.5 1 2 --arms mlp:muon mlp:auto

A minute is one of the processor (all threads together), so that other work on the machine changes little. Each fit is planned by `max_minutes`: updates are timed before the first, the schedule ends in time, and all that follows training is
in it. The bound of images is

    (D/2) ln(sse / D) + D/2 + KL   in nats, lower is better

on validation items, by the encoder alone and with the refinement that the fit chose; choices are made by it. `--model data-variance-vae` fits the report's model, with sigma^2 the variance of the training pixels, and
prints its Total as well, (D/2) ln sigma^2 + sse / (2 sigma^2) + KL, on validation and on test images. Of a table of tables.py, by its name, the bound is -ELBO per row. `--peer E` trains pythae's VAE for E epochs on the network of
Table 1 (`--peer-network`: another), by its own trainer, and prints how many times less each fit took that has its bound. `--interrupt` presses Ctrl-C after a third of each fit, and holds what comes out against a fit that was planned for as many updates.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from common import SHARED, machine, publish, table
from latentia import VAE, training
from latentia.benchmarks.measure import batches, bound, calibrated, data_variance, nats
from latentia.benchmarks.peers import fit_pythae
from latentia.benchmarks.protocol import NETWORK, Row
from latentia.data import Dataset, Split, load
from latentia.diagnostics import evaluate
from latentia.models.refinement import STEPS
from latentia.training.loop import Loop
from tables import large_tables, small_tables

JUDGED = 2000
ARMS = ("conv:muon", "conv:auto", "patch:auto", "mlp:muon", "mlp:auto", "auto:auto")
REPORT = "data-variance-vae"
TABLES = ("wine", "diabetes", "fair", "randhie", "patches")


def read(name: str) -> Dataset:
    """Images, or a table of tables.py in three parts: a tenth each to validate and to test."""
    if name not in TABLES:
        return load(name)
    x = {**small_tables(), **large_tables()}[name]
    x = x[np.random.default_rng(0).permutation(len(x))]
    test, validation, train = np.split(x, [len(x) // 10, len(x) // 5])
    return Dataset(name, *(Split(part) for part in (train, validation, test)))


@contextlib.contextmanager
def processor_time() -> Iterator[None]:
    """Plans count seconds of the processor."""
    clock = SimpleNamespace(monotonic=time.process_time)
    timed = partial(training.update_seconds, clock=time.process_time)
    with (
        patch("latentia.estimators.fitting.time", clock),
        patch("latentia.estimators.planning.time", clock),
        patch("latentia.training.update_seconds", timed),
    ):
        yield


def fitted(
    dataset: Dataset, latent_dim: int, arm: str, minutes: float, seed: int, model: str | None = None
) -> tuple[VAE, float]:
    """A fit that was planned for so many minutes, and the seconds that it took."""
    network, optimizer = arm.split(":")
    options: dict[str, Any] = {} if model is None else {"model": model}
    if model == REPORT:
        options["likelihood"] = "gaussian-data"
    vae = VAE(
        latent_dim=latent_dim,
        network=network,
        optimizer=optimizer,
        max_minutes=minutes,
        random_state=seed,
        **options,
    )
    begun = time.process_time()
    with processor_time():
        vae.fit(dataset)
    return vae, time.process_time() - begun


def interrupted(
    dataset: Dataset, latent_dim: int, arm: str, minutes: float, seed: int
) -> tuple[float, float, int]:
    """Refined bounds of a fit that was interrupted after a third, and of one that was planned for as many updates; how many."""
    step, network = Loop.training_step, arm.split(":")[0]

    def press(loop: Loop, *arguments: Any) -> None:
        planned = loop.pace.planned
        if planned > 100 and loop.position.step == planned // 3 and loop.pace.cooling is None:
            signal.raise_signal(signal.SIGINT)
        step(loop, *arguments)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has background jobs ignore it
    with patch.object(Loop, "training_step", press):
        cut, _ = fitted(dataset, latent_dim, arm, minutes, seed)
    assert cut.plan_ is not None
    assert cut.cooled_, "Ctrl-C did not end the fit"
    done = cut.history_[-1]["step"]
    plan = replace(cut.plan_, updates=done)
    whole = VAE(latent_dim=latent_dim, network=network, optimizer=arm.split(":")[1], random_state=seed)
    whole.set_params(max_minutes=minutes)
    with patch("latentia.estimators.fitting.plan_of", lambda *_: plan):
        whole.fit(dataset)
    x = dataset.validation.x[:JUDGED]
    return bounds_of(cut, x)[1], bounds_of(whole, x)[1], done


def bounds_of(vae: VAE, x: np.ndarray) -> tuple[float, float]:
    """By the encoder alone, and as the model encodes."""
    size, found = math.prod(vae.event_shape_), []
    kept = vae.module_.refinement_steps
    for steps in (0, kept):
        vae.module_.refinement_steps = steps
        figures = vae.evaluate(x, n_importance=0)
        found.append(-figures.elbo if x.ndim == 2 else bound(figures.sse, figures.kl, size))
    return found[0], found[1]


def totals_of(vae: VAE, dataset: Dataset) -> str:
    """Total at the variance of the training pixels, by the encoder and refined: on the validation and on the test images."""
    size, variance = math.prod(vae.event_shape_), data_variance(np.asarray(dataset.train.x))
    kept, shown = vae.module_.refinement_steps, []
    for split in (dataset.validation, dataset.test):
        for steps in (0, STEPS):
            vae.module_.refinement_steps = steps
            found = nats(vae.evaluate(split.x, n_importance=0), variance, size)
            shown.append(f"{found['total']:.1f} (sse {found['rec']:.2f}, KL {found['kl']:.2f})")
    vae.module_.refinement_steps = kept
    judged = [round(row["validation_elbo"], 1) for row in vae.history_]
    return (
        f"validation bound when judged: {judged}, kept {vae.best_epoch_}\n"
        f"Total at sigma^2 = {variance:.4f}, encoder / refined: validation {shown[0]} / {shown[1]}, "
        f"test {shown[2]} / {shown[3]}"
    )


def peer_of(dataset: Dataset, name: str, epochs: int, seed: int, network: str) -> tuple[float, float]:
    """The bound of pythae's VAE, and the seconds of the processor that it took."""
    row = Row(name, "pythae-vae", "pythae")
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        found = fit_pythae(row, dataset, epochs, Path(folder) / "run", seed, "cpu", network)
        seconds = time.process_time() - begun
    model = calibrated(found.model, np.asarray(dataset.train.x))
    x = np.asarray(dataset.validation.x[:JUDGED])
    figures = evaluate(model, batches(x, torch.device("cpu")), n_importance=0)
    return bound(figures.sse, figures.kl, math.prod(dataset.event_shape)), seconds


def cut_short(dataset: Dataset, arguments: argparse.Namespace) -> str:
    """A table of fits that were interrupted, and of those that were planned to be as short."""
    found = [
        (f"{minutes:g}", arm, str(seed), str(done), f"{cut:.1f}", f"{whole:.1f}", f"{cut - whole:+.1f}")
        for minutes in arguments.minutes
        for arm in arguments.arms
        for seed in arguments.seeds
        for cut, whole, done in [interrupted(dataset, arguments.latent_dim, arm, minutes, seed)]
    ]
    return table(("minutes", "arm", "seed", "updates", "interrupted", "planned", "difference"), found)


def row_of(
    vae: VAE, dataset: Dataset, arm: str, minutes: float, seed: int, seconds: float, peer: Any
) -> tuple[str, ...]:
    """A line of the table."""
    encoder, refined = bounds_of(vae, dataset.validation.x[:JUDGED])
    ratio = "" if peer is None else f"{peer[1] / seconds:.1f}" if refined <= peer[0] else "not reached"
    assert vae.plan_ is not None
    found = (f"{minutes:g}", arm, str(seed), vae.plan_.network, str(vae.plan_.updates))
    return (
        *found,
        f"{encoder:.1f}",
        f"{refined:.1f}",
        f"{seconds:.0f}",
        f"{os.getloadavg()[0]:.1f}",
        ratio,
    )


HEADER = ("minutes", "arm", "seed", "network", "updates", "encoder", "refined", "cpu s", "load", "peer's / its time")  # fmt: skip


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", default="mnist")
    parser.add_argument("--latent-dim", type=int, default=5)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 2.0, 5.0, 10.0, 25.0])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="network:optimizer")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--peer", type=int, metavar="EPOCHS", help="also train pythae's VAE")
    parser.add_argument("--peer-network", default=NETWORK, help="that pythae's VAE has")
    parser.add_argument("--model", help="of the catalog, in place of the default")
    parser.add_argument("--interrupt", action="store_true", help="only fits that are interrupted")
    parser.add_argument("--quick", action="store_true", help="six seconds each: to see that it runs")
    parser.add_argument("--save", default="", help="also write benchmarks/results/anytime-<this>.txt")
    return parser.parse_args()


def main() -> None:
    if "LATENTIA_DATA" not in os.environ and SHARED.is_dir():
        os.environ["LATENTIA_DATA"] = str(SHARED)
    arguments = parsed()
    if arguments.quick:
        arguments.minutes, arguments.peer = [0.1], min(1, arguments.peer or 0)
    dataset, save = read(arguments.data), bool(arguments.save)
    title = f"{arguments.data}, {arguments.latent_dim} latent dimensions, {len(dataset.train)} training items\n{machine()}\n\n"
    print(title, flush=True)
    if arguments.interrupt:
        publish(f"anytime-{arguments.save}", title + cut_short(dataset, arguments), save)
        return
    peer = None
    if arguments.peer:
        peer = peer_of(dataset, arguments.data, arguments.peer, arguments.seeds[0], arguments.peer_network)
        title += (
            f"pythae's VAE on {arguments.peer_network}, {arguments.peer} epochs: "
            f"bound {peer[0]:.1f} in {peer[1]:.0f} cpu s\n\n"
        )
        print(title, flush=True)
    rows: list[tuple[str, ...]] = []
    for minutes in arguments.minutes:
        for arm in arguments.arms:
            for seed in arguments.seeds:
                vae, seconds = fitted(dataset, arguments.latent_dim, arm, minutes, seed, arguments.model)
                rows.append(row_of(vae, dataset, arm, minutes, seed, seconds, peer))
                print(*rows[-1], flush=True)
                if arguments.model == REPORT:
                    title += f"{minutes:g} minutes, {arm}, seed {seed}: {totals_of(vae, dataset)}\n\n"
                    print(title, flush=True)
    publish(f"anytime-{arguments.save}", title + table(HEADER, rows), save)


if __name__ == "__main__":
    main()
