"""What the benchmarks share: the data, one network and a training loop for every library, interleaved timing, the table."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from latentia.estimators.compose import compose
from latentia.estimators.entry import Entry
from latentia.kinds.vae.catalog import CATALOG
from latentia.models import VAE
from latentia.objectives import negative_elbo
from latentia.training import Batches, Joint, Schedule, TrainingConfig, fit

ROOT = Path(__file__).parent
SHARED = ROOT.parent.parent / "shared" / "data"
LATENT_DIM = 10
EVENT = (1, 28, 28)
BATCH = 128
LEARNING_RATE = 1e-3
JOINT = Joint()


def images(n: int) -> tuple[Tensor, str]:
    """`n` images of MNIST's training set as uint8 `[n, 1, 28, 28]`, or random bytes where it is absent; and which."""
    if "LATENTIA_DATA" not in os.environ and SHARED.is_dir():
        os.environ["LATENTIA_DATA"] = str(SHARED)
    folder = os.environ.get("LATENTIA_DATA")
    if folder and (Path(folder) / "mnist").is_dir():
        from latentia.data import load

        return torch.from_numpy(load("mnist").train.x[:n]), "MNIST"
    return torch.randint(0, 256, (n, *EVENT), dtype=torch.uint8), "random bytes (set LATENTIA_DATA for MNIST)"


def latentia_vae(network: str = "conv") -> VAE:
    """The default VAE for 28 x 28 pixels, but with unit variance: the only Gaussian that pythae has."""
    torch.manual_seed(0)
    entry: Entry = CATALOG["vae"]
    return compose(entry, EVENT, LATENT_DIM, likelihood="gaussian-fixed", network=network)


def pythae_vae(model: VAE) -> Any:
    """The very same network, with copies of its weights, as a model of pythae."""
    warnings.filterwarnings("ignore", module="pythae")
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.features = model.encoder
            self.linear = model.posterior.linear

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.linear(self.features(x)).chunk(2, -1)
            return SimpleModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.outputs = model.decoder

        def forward(self, z: Tensor) -> Any:
            return SimpleModelOutput(reconstruction=self.outputs(z)[:, 0])

    logging.getLogger("pythae").setLevel(logging.ERROR)
    return PythaeVAE(VAEConfig(input_dim=EVENT, latent_dim=LATENT_DIM), encoder=Encoder(), decoder=Decoder())


class SimpleModelOutput(SimpleNamespace):
    """What pythae's networks give: named tensors, also by key."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def latentia_loop(
    x: Tensor, where: str, network: str = "conv", schedule: Schedule = JOINT
) -> Callable[[int], None]:
    """`latentia.training.fit` for a number of epochs, without validation, like the others."""
    model = latentia_vae(network)
    batches = Batches(x, lambda stored: stored.float() / 255)

    def run(epochs: int) -> None:
        config = TrainingConfig(
            max_epochs=epochs, batch_size=BATCH, learning_rate=LEARNING_RATE, device=where
        )
        fit(model, negative_elbo(), batches, None, config, schedule=schedule)

    return run


def pythae_loop(x: Tensor, where: str, network: str = "conv") -> Callable[[int], None]:
    """pythae's `BaseTrainer` for a number of epochs, its progress bar and notes sent nowhere."""
    peer = pythae_vae(latentia_vae(network))
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    # Its data set holds floats; the labels are asked for but not read.
    data = BaseDataset(x.float() / 255, torch.zeros(len(x)))

    def run(epochs: int) -> None:
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=epochs,
                learning_rate=LEARNING_RATE,
                per_device_train_batch_size=BATCH,
                optimizer_cls="AdamW",
                no_cuda=where == "cpu",
            )
            with contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):
                BaseTrainer(peer, data, training_config=config).train()

    return run


def epoch_seconds(loop: Callable[[int], None], where: str) -> float:
    """Seconds of an epoch: half of what three take more than one, as what a fit costs once is no part of an epoch."""
    return max(seconds(lambda: loop(3), where) - seconds(lambda: loop(1), where), 1e-9) / 2


def interleaved(runs: dict[str, Callable[[], float]], repetitions: int) -> dict[str, float]:
    """Median figure of each run, taken in turns, so that a busy moment of the machine strikes all alike."""
    figures: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            figures[name].append(run())
    return {name: statistics.median(values) for name, values in figures.items()}


def seconds(run: Callable[[], object], device: str = "cpu") -> float:
    """Wall-clock time of one call, with all that it set going on a GPU."""
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def device() -> str:
    """Where everything runs: a GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def machine() -> str:
    """One line on what this was measured on."""
    where = torch.cuda.get_device_name() if device() == "cuda" else f"{torch.get_num_threads()} threads"
    return f"{platform.machine()}, {where}, torch {torch.__version__}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join([row[0].ljust(widths[0]), *rest]).rstrip()

    return "\n".join([line(header), "  ".join("-" * width for width in widths), *map(line, rows)])


def options(description: str) -> argparse.Namespace:
    """The flags that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/<name>.txt")
    parser.add_argument("--scale", type=float, default=1.0, help="how much longer than the quick default")
    return parser.parse_args()


def publish(name: str, text: str, save: bool) -> None:
    """Print, and keep if asked to."""
    print(text, flush=True)
    if save:
        (ROOT / "results").mkdir(exist_ok=True)
        (ROOT / "results" / f"{name}.txt").write_text(text + "\n")
