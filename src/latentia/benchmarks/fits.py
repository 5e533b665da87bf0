"""Fitting one row of Table 1: by this library's estimator, resumably, or by pythae's trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentia.benchmarks.fitted import Fitted
from latentia.benchmarks.peers import fit_pythae
from latentia.benchmarks.protocol import Row, options_of
from latentia.data import Dataset
from latentia.kinds.vae.estimator import VAE as Estimator


def fit(
    row: Row, dataset: Dataset, epochs: int | None, folder: Path, seed: int, device: str, progress: bool
) -> Fitted:
    """Fit a row; a fit that was killed goes on from its checkpoint (of pythae's rows: starts again).

    Args:
        row: what is fitted.
        dataset: to what.
        epochs: passes over the training images in place of the report's; rows with `own_length` keep theirs.
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
        return fit_pythae(row, dataset, epochs or row.setting.epochs, folder, seed, device)
    options: dict[str, Any] = {"latent_dim": row.setting.latent_dim}
    if row.group != "default":
        options = options_of(row, epochs or row.setting.epochs)
    estimator = Estimator(**options, random_state=seed, device=device, verbose=progress)
    estimator.fit(dataset, run_dir=folder, resume=True)
    chosen = {
        "latent_dim": estimator.latent_dim_,
        "network": str(estimator.network_),
        "likelihood": str(estimator.likelihood_),
        "learning_rate": estimator.learning_rate,
        **{name: estimator.settings_[name] for name in ("max_epochs", "batch_size")},
    }
    history = estimator.history_
    return Fitted(
        estimator.module_,
        lambda n: estimator.sample(n, mean=True, random_state=seed),
        float(sum(epoch["seconds"] for epoch in history)),
        # The steps of the encoder alone, in an aggressive phase, come on top.
        int(history[-1]["step"] + sum(epoch.get("encoder_steps", 0) for epoch in history)) if history else 0,
        {**options, **chosen},
    )
