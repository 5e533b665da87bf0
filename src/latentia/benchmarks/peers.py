"""pythae's models on the same network, data, epochs and batch size, as models that this library's code can measure."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor, nn

from latentia.benchmarks.fitted import Fitted, as_uint8
from latentia.benchmarks.protocol import BATCH_SIZE, LEARNING_RATE, MMD_ALPHA, MMD_LAMBDA, NETWORK, Row
from latentia.data import Dataset
from latentia.distributions.numerics import soft_clip
from latentia.errors import MissingExtraError
from latentia.estimators.compose import compose
from latentia.estimators.folder import read_json, write_json
from latentia.files import write_atomically
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent.posteriors import LOG_VARIANCE_RANGE
from latentia.models import VAE
from latentia.training import resolve_device
from latentia.training.randomness import seeded


class Output(SimpleNamespace):
    """What pythae's networks give: named tensors, also by key."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def installed() -> bool:
    """Whether pythae can be imported."""
    import importlib.util

    return importlib.util.find_spec("pythae") is not None


def fit_pythae(
    row: Row, dataset: Dataset, epochs: int, folder: Path, seed: int, device: str, network: str | None = None
) -> Fitted:
    """Train by pythae's own trainer: AdamW at the same peak rate, annealed along a cosine, best validation loss kept.

    Args:
        row: what is fitted.
        dataset: to what.
        epochs: passes over the training images.
        folder: where the weights are kept.
        seed: of weights, order and noise.
        device: "auto", or as torch has it.
        network: the name of one of this library's; None: the report's.

    Raises:
        MissingExtraError: if pythae is not installed.
    """
    network = network or NETWORK
    if not installed():
        raise MissingExtraError("pythae is not installed: pip install 'latentia[bench]'")
    where = resolve_device(device)
    with seeded(seed, where), _quiet():
        ours = compose(
            CATALOG["vae"],
            dataset.event_shape,
            row.setting.latent_dim,
            likelihood="gaussian-fixed",
            network=network,
        )
        ours.prepare(torch.as_tensor(np.asarray(dataset.train.x[:10_000])).float() / 255)
        peer, options = pythae_model(row.name, ours, row.setting.beta, dataset.event_shape)
        seconds = _kept(folder, ours)
        if seconds is None:
            started = time.perf_counter()
            folder.mkdir(parents=True, exist_ok=True)
            _train(peer, dataset, epochs, folder, seed, where)
            seconds = time.perf_counter() - started
            _keep(folder, ours, seconds)
    ours.to(where).eval()
    n_batches = -(-len(dataset.train) // BATCH_SIZE)
    settings = {
        "latent_dim": row.setting.latent_dim,
        "network": network,
        "likelihood": "gaussian, variance 1",
        "learning_rate": LEARNING_RATE,
        "max_epochs": epochs,
        "batch_size": BATCH_SIZE,
        **options,
    }

    def sample(n: int) -> NDArray[Any]:
        with seeded(seed, where), torch.no_grad():
            parts = [ours.sample(min(500, n - start), mean=True).cpu() for start in range(0, n, 500)]
        return as_uint8(torch.cat(parts).numpy())

    return Fitted(ours, sample, seconds, n_batches * epochs, settings)


def _keep(folder: Path, model: VAE, seconds: float) -> None:
    """Write the weights of a finished fit, and then how long it took."""
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    write_atomically(folder / "weights.safetensors", save(weights))
    write_json(folder / "finished.json", {"seconds": seconds})


def _kept(folder: Path, model: VAE) -> float | None:
    """Give `model` the weights of a finished fit; how long it took, None if there is none."""
    if not (folder / "finished.json").exists():
        return None
    model.load_state_dict(load((folder / "weights.safetensors").read_bytes()))
    return float(read_json(folder / "finished.json")["seconds"])


def pythae_model(
    name: str, ours: VAE, beta: float, event_shape: tuple[int, ...]
) -> tuple[Any, dict[str, Any]]:
    """A model of pythae around the very encoder and decoder of `ours`, and the options that it was given."""
    from pythae import models
    from pythae.models.nn import BaseDecoder, BaseEncoder

    linear: nn.Linear = ours.posterior.linear  # type: ignore[assignment]

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.features, self.linear = ours.encoder, linear

        def forward(self, x: Tensor) -> Output:
            mean, log_variance = self.linear(self.features(x)).chunk(2, -1)
            # bounded as in this library's posterior, so that what is measured is what was trained
            return Output(embedding=mean, log_covariance=soft_clip(log_variance, *LOG_VARIANCE_RANGE))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.outputs = ours.decoder

        def forward(self, z: Tensor) -> Output:
            return Output(reconstruction=self.outputs(z)[:, 0])

    kinds: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "pythae-vae": (models.VAE, models.VAEConfig, {}),
        "pythae-beta-vae": (models.BetaVAE, models.BetaVAEConfig, {"beta": beta}),
        "pythae-info-vae": (
            models.INFOVAE_MMD,
            models.INFOVAE_MMD_Config,
            {"alpha": MMD_ALPHA, "lbd": MMD_LAMBDA},
        ),
        "pythae-iwae": (models.IWAE, models.IWAEConfig, {"number_samples": 10}),
    }
    kind, config, options = kinds[name]
    latent_dim = linear.out_features // 2
    settings = config(input_dim=tuple(event_shape), latent_dim=latent_dim, **options)
    return kind(settings, encoder=Encoder(), decoder=Decoder()), options


def _train(peer: Any, dataset: Dataset, epochs: int, folder: Path, seed: int, where: torch.device) -> None:
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    def data(x: Any) -> Any:  # the labels are asked for but not read
        return BaseDataset(torch.as_tensor(np.asarray(x)).float() / 255, torch.zeros(len(x)))

    with tempfile.TemporaryDirectory(dir=folder) as output:
        config = BaseTrainerConfig(
            output_dir=output,
            num_epochs=epochs,
            learning_rate=LEARNING_RATE,
            per_device_train_batch_size=BATCH_SIZE,
            per_device_eval_batch_size=BATCH_SIZE,
            optimizer_cls="AdamW",
            scheduler_cls="CosineAnnealingLR",
            scheduler_params={"T_max": epochs},
            seed=seed,
            no_cuda=where.type == "cpu",
        )
        trainer = BaseTrainer(peer, data(dataset.train.x), data(dataset.validation.x), training_config=config)
        trainer.train()
        # Its best model is a copy; the weights go back into the networks that both share.
        peer.load_state_dict(trainer._best_model.state_dict())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without pythae's bars and notes."""
    level = logging.getLogger("pythae").level
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        logging.getLogger("pythae").setLevel(logging.ERROR)
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)
            logging.getLogger("pythae").setLevel(level)
