"""Fitting one row of Table 1: by this library's estimator, resumably, or by pythae's trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.benchmarks.protocol import BATCH_SIZE, LEARNING_RATE, NETWORK, Row, entry_of
from latentia.data import Dataset
from latentia.estimators import VAE as Estimator
from latentia.models import VAE


@dataclass(frozen=True)
class Fitted:
    """A trained model and what its training was.

    Attributes:
        model: in evaluation mode; it sees images on [0, 1].
        sample: gives n images from the prior, as uint8 means of p(x|z).
        seconds: of training, validation included.
        steps: of the optimizer.
        settings: what was asked for or chosen.
    """

    model: VAE
    sample: Callable[[int], NDArray[Any]]
    seconds: float
    steps: int
    settings: dict[str, Any]


def fit(
    row: Row, dataset: Dataset, epochs: int | None, folder: Path, seed: int, device: str, progress: bool
) -> Fitted:
    """Fit a row; a fit that was killed goes on from its checkpoint (of pythae's rows: starts again).

    Args:
        row: what is fitted.
        dataset: to what.
        epochs: passes over the training images; None: the default's own number for "default", else the report's.
        folder: for checkpoints.
        seed: of weights, order and noise.
        device: "auto", or as torch has it.
        progress: draw a progress bar.

    Raises:
        ConfigError: if the catalog has no such model, or the model cannot be built for these images.
        MissingExtraError: if pythae is needed and not installed.
        TrainingError: if training fails.
    """
    if row.group == "pythae":
        from latentia.benchmarks.peers import fit_pythae

        return fit_pythae(row, dataset, epochs or row.setting.epochs, folder, seed, device)
    estimator = _default(row) if row.group == "default" else _protocol(row, epochs or row.setting.epochs)
    if row.group == "default" and epochs is not None:
        estimator.set_params(max_epochs=epochs)
    estimator.set_params(random_state=seed, device=device, verbose=progress)
    estimator.fit(dataset, run_dir=folder, resume=True)
    settings = {
        "latent_dim": estimator.latent_dim_,
        "network": str(estimator.network_),
        "likelihood": str(estimator.likelihood_),
        "learning_rate": estimator.learning_rate,
        **{name: estimator.settings_[name] for name in ("max_epochs", "batch_size")},
    }
    if row.group == "report" and row.name == "beta-vae":
        settings["beta"] = row.setting.beta
    if row.group == "report" and hasattr(estimator.model, "schedule"):
        settings["schedule"] = repr(estimator.model.schedule)
    return Fitted(
        estimator.module_,
        lambda n: estimator.sample(n, mean=True, random_state=seed),
        float(sum(epoch["seconds"] for epoch in estimator.history_)),
        int(estimator.history_[-1]["step"]) if estimator.history_ else 0,
        settings,
    )


def _default(row: Row) -> Estimator:
    return Estimator(latent_dim=row.setting.latent_dim)


def _protocol(row: Row, epochs: int) -> Estimator:
    entry = entry_of(row)
    own = getattr(entry, "network", None)
    return Estimator(
        entry,
        latent_dim=row.setting.latent_dim,
        network="auto" if own else NETWORK,
        max_epochs=epochs,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        patience=epochs,  # the report trains to the end
    )


def as_uint8(images: NDArray[Any]) -> NDArray[Any]:
    """Images on [0, 1] as 8-bit ones; what lies outside is clipped."""
    return np.rint(np.clip(np.asarray(images, np.float64), 0, 1) * 255).astype(np.uint8)
