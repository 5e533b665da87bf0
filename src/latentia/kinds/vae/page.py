"""From a run folder to its report, and from drawn items to a file."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.estimators.entry import Entry
from latentia.files import write_atomically, write_csv
from latentia.kinds.autoregressive.page import report_density
from latentia.kinds.autoregressive.run import DensityRun
from latentia.kinds.codes.catalog import DISCRETE
from latentia.kinds.codes.estimator import VQVAE
from latentia.kinds.codes.page import report_discrete
from latentia.kinds.mixture.page import report_mixture
from latentia.kinds.mixture.run import MixtureRun
from latentia.kinds.run import Run
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.estimator import VAE
from latentia.report.content import Figure, ReportInput
from latentia.report.diagnosis import checks
from latentia.report.exploring import explored
from latentia.report.head import choices_of, head_of
from latentia.report.images import mosaic, pixels, square, viewable
from latentia.report.page import render

CODES_SHOWN = 5000
TABLE_ROWS_SHOWN = 500
IMAGES_SHOWN = 32
WORST_SHOWN = 12
SCORED = 500
SCORING_SAMPLES = 20

_UNITS = (
    ("elbo", "nats", "evidence lower bound, mean per item"),
    ("log_likelihood", "nats", "importance-weighted, mean per item"),
    ("distortion", "nats", "-E log p(x|z)"),
    ("kl", "nats", "rate: KL(q(z|x) || p(z))"),
    ("bits_per_dim", "bits/dim", ""),
    ("uniform_bits_per_dim", "bits/dim", "with every code taken as equally likely"),
    ("perplexity", "codes", "effective number of codes in use, over the whole split"),
    ("used_codes", "codes", "codes that occur in the split"),
    ("sse", "per item", "squared error summed over an item, z drawn from q(z|x)"),
    ("sse_of_mean", "per item", "the same, z the posterior mean"),
    ("sigma2", "", "variance of p(x|z) in force"),
)


def report_run(run: Run) -> Path:
    """Write the report of a run, on its test part, and return the page's path.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    if isinstance(run, MixtureRun):
        return report_mixture(run)
    if isinstance(run, DensityRun):
        return report_density(run)
    content = report_input(run)
    if isinstance(run.estimator, VQVAE):
        return report_discrete(run, content)
    return render(content, run.folder)


def report_input(run: Run) -> ReportInput:
    """What the report of a model with an encoder and a decoder shows, on the run's test part."""
    figures = run.figures("test")
    estimator, test = run.estimator, run.split("test")
    image = run.dataset.is_image
    shown = test.take(IMAGES_SHOWN if image else TABLE_ROWS_SHOWN).x
    coded = test.take(CODES_SHOWN)
    worst, scores, what = _worst(
        estimator, test.take(SCORED).x, "elbo" in figures and figures["elbo"] is not None
    )
    n_samples = 64 if image else max(64, shown.shape[0])
    settings = {**run.config["composition"], **run.config["fit"]["settings"]}
    settings.pop("prior_history", None)  # curves are drawn, not listed
    choices = choices_of(estimator)
    head = head_of(
        run, str(estimator.model), _entry(estimator), figures, _figures(figures), choices, settings
    )
    return ReportInput(
        **vars(head),
        history=_in_data_units(_judged(estimator, figures), estimator.form_.log_volume),
        kl_per_dim=_kl_per_dim(figures, figures["latent_dim"]),
        active=np.asarray(figures["active"], dtype=bool),
        originals=viewable(estimator.form_, shown),
        reconstructions=viewable(estimator.form_, estimator.reconstruct(shown)),
        samples=viewable(estimator.form_, estimator.sample(n_samples, mean=image, random_state=0)),
        worst=(
            viewable(estimator.form_, worst),
            viewable(estimator.form_, estimator.reconstruct(worst)),
            scores,
        ),
        codes=estimator.transform(coded.x),
        labels=coded.y,
        class_names=run.dataset.class_names,
        feature_names=None if image else run.dataset.feature_names,
        split="test",
        score=what,
        checks=checks(figures),
        attempts=_attempts(run.config),
        source="the prior" if estimator.sampler_ is None else "the aggregate posterior",
        # between two code numbers there is nothing to walk on
        exploration=None
        if isinstance(estimator, VQVAE)
        else explored(estimator, test, run.split("train"), partial(viewable, estimator.form_)),
    )


def _attempts(config: dict[str, Any]) -> list[dict[str, Any]]:
    """What `--auto-remedy` tried, and which of it the run is."""
    tried = config.get("attempts", [])
    return [{**attempt, "kept": attempt["folder"] == config.get("kept")} for attempt in tried]


def write_items(
    items: NDArray[Any], path: Path, features: Sequence[str] | None = None, beside: Any = None
) -> Path:
    """Write drawn or rebuilt items as .png (images), .npy or .csv.

    Args:
        items: `[n, *event]`.
        path: the file; its suffix says the format.
        features: column names of a table.
        beside: for .png, originals drawn in a row above the items.

    Raises:
        ConfigError: if the suffix does not suit the items.
        RunFolderError: if the file cannot be written.
    """
    suffix = path.suffix.lower()
    image = items.ndim == 4
    if suffix == ".npy":
        write_atomically(path, lambda file: np.save(file, items, allow_pickle=False))
    elif suffix == ".png" and image:
        tiles = _tiles(items)
        rows = square(tiles)
        if beside is not None:
            originals, columns = _tiles(np.asarray(beside)), 8
            rows = []
            for start in range(0, len(tiles), columns):
                rows += [originals[start : start + columns], tiles[start : start + columns]]
        write_atomically(path, mosaic(rows))
    elif suffix == ".csv" and not image:
        table = pd.DataFrame(items, columns=list(features) if features else None)
        write_csv(path, table)
    else:
        kinds = ".png or .npy" if image else ".csv or .npy"
        what = "images" if image else "a table"
        raise ConfigError(f"--out {path}: {what} can be written as {kinds}")
    return path


def _tiles(items: NDArray[Any]) -> NDArray[Any]:
    """Images as RGB tiles; binary and unbounded ones are stretched to black and white."""
    if items.dtype == np.uint8 and items.max(initial=0) > 1:
        return pixels(items)
    values = items.astype(np.float64)
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    return pixels((values - low) / (high - low))


def _worst(estimator: VAE, items: Any, has_bound: bool) -> tuple[NDArray[Any], NDArray[Any], str]:
    """The items that the model explains worst, worst first, with their scores."""
    array = items.toarray() if hasattr(items, "toarray") else np.asarray(items)
    if has_bound:
        scorer = copy.copy(estimator)  # an order needs no better estimate
        scorer.n_importance = SCORING_SAMPLES
        scores, what = scorer.score_samples(array), "log-likelihood, nats"
    else:
        top = 255 if estimator.form_.kind == "pixels" else 1  # in the units of the table of figures
        difference = (estimator.reconstruct(array).astype(np.float64) - array) / top
        scores, what = -(difference**2).reshape(len(array), -1).sum(1), "negative squared error"
    order = np.argsort(scores)[:WORST_SHOWN]
    return array[order], scores[order], what


def _judged(estimator: VAE, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The learning curves; deterministic codes have no rate and no bound, and are judged by the loss."""
    if figures["kl"] is not None or isinstance(estimator, VQVAE):
        return estimator.history_
    gone = ("validation_elbo", "validation_kl", "train_kl")
    return [{name: value for name, value in row.items() if name not in gone} for row in estimator.history_]


def _in_data_units(history: list[dict[str, Any]], log_volume: float) -> list[dict[str, Any]]:
    """Learning curves in the units in which the figures are: of the data, not of their standardised form."""
    shift = {"train_loss": log_volume, "distortion": log_volume, "validation_distortion": log_volume}
    shift |= {"validation_elbo": -log_volume, "validation_log_likelihood": -log_volume}
    return [
        {k: v + shift[k] if k in shift and v is not None else v for k, v in row.items()} for row in history
    ]


def _kl_per_dim(figures: dict[str, Any], latent_dim: int) -> NDArray[Any]:
    """KL of each dimension; NaN, which leaves the chart out, where it is not defined or does not factorise."""
    kept = figures["kl_per_dim"]
    return np.asarray(kept, dtype=float) if kept and len(kept) == latent_dim else np.full(latent_dim, np.nan)


def _entry(estimator: VAE) -> Entry:
    entry = estimator.model
    if isinstance(entry, str):
        return DISCRETE[entry] if entry in DISCRETE else CATALOG[entry]
    return entry


def _figures(figures: dict[str, Any]) -> list[Figure]:
    rows = [
        Figure(name, figures[name], unit, figures["split"], note)
        for name, unit, note in _UNITS
        if figures.get(name) is not None
    ]
    active = f"{figures['active_units']} of {figures['latent_dim']}"
    rows.insert(min(3, len(rows)), Figure("active_units", active, "dimensions", figures["split"], ""))
    return rows
