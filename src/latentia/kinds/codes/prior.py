"""The second stage: the prior is trained on the codes of the finished autoencoder."""

from __future__ import annotations

from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia import training
from latentia.errors import ConfigError
from latentia.estimators.building import configured
from latentia.estimators.forms.arrays import Given, as_rows
from latentia.estimators.parameters import whole
from latentia.estimators.weights import split_weights
from latentia.kinds.codes.catalog import DiscreteEntry
from latentia.kinds.codes.figures import Stage
from latentia.latent.code_priors import CODE_PRIORS
from latentia.models import PriorOnly
from latentia.objectives import joint_bound, negative_elbo
from latentia.progress import stage
from latentia.training.randomness import seeded

TRAININGS = ("two-stage", "concurrent", "joint")
PRIOR = "gated-pixelcnn"
"""Over codes, where a person names none."""


def check(when: str, prior: str, entry: DiscreteEntry, by_class: bool) -> None:
    """Raise `ConfigError` for a prior over codes that cannot be trained as it is asked for."""
    if when not in TRAININGS:
        raise ConfigError(f"prior_training={when!r}: expected one of {', '.join(map(repr, TRAININGS))}")
    CODE_PRIORS[prior]  # raises for an unknown name
    if by_class and (when != "two-stage" or prior == "uniform"):
        raise ConfigError(
            "prior_by_class needs prior_training='two-stage' and a prior that is learned, not 'uniform'"
        )
    if when == "concurrent" and entry.quantizer == "gumbel":
        raise ConfigError(
            "prior_training='concurrent' leaves the encoder alone, but drawn codes are weighed by the prior: "
            "give 'joint' or 'two-stage'"
        )


def joint(entry: DiscreteEntry) -> DiscreteEntry:
    """The entry whose codes are drawn and trained, with their prior, in one bound.

    Raises:
        ConfigError: for a model that has no way to draw codes.
    """
    if entry.levels > 1 or entry.quantizer == "fsq":
        raise ConfigError(
            "prior_training='joint' draws codes by their distance, which two maps of codes or fsq have no way to: "
            "give 'two-stage' or 'concurrent', or another model"
        )
    quantizer = entry.quantizer if entry.quantizer == "gumbel" else "vq-stochastic"
    return replace(entry, quantizer=quantizer, objective=joint_bound())


def fit_prior(
    estimator: Any,
    given: Given,
    labels: NDArray[Any] | None,
    validation: Any,
    run_dir: str | Path | None,
    resume: bool,
) -> None:
    """Train the prior on the codes of the rows on which the autoencoder was trained."""
    codes = codes_of(estimator, given.rows, labels)
    # the same seed gives the same split as in the first stage
    train, held_out = (
        estimator._split(codes, estimator.seed_)
        if validation is None
        else (codes, codes_of(estimator, as_rows(estimator, validation, reset=False).rows, None))
    )
    weight, held_weight = (
        split_weights(estimator, given.weight) if validation is None else (given.weight, None)
    )
    if held_out is not None and held_out.shape[1] != train.shape[1]:
        held_out = None  # validation data without classes
    overrides: dict[str, Any] = {}
    if estimator.prior_epochs is not None:
        overrides["max_epochs"] = whole("prior_epochs", estimator.prior_epochs, 0)
    seed = (estimator.seed_ + 1) % 2**32
    config = configured(estimator, train, seed, held_out is not None, **overrides)
    as_numbers = methodcaller("long")
    with stage("second stage, the prior over codes"):
        history = training.fit(
            PriorOnly(estimator._final_prior),
            negative_elbo(),
            training.Batches(train, as_numbers).weighed(weight),
            None if held_out is None else training.Batches(held_out, as_numbers).weighed(held_weight),
            config,
            None if run_dir is None else Path(run_dir) / "prior",
            resume=resume,
        )
    estimator.prior_history_ = history.rows()
    estimator.module_.prior = estimator._final_prior.eval()
    estimator._final_prior = None


def codes_of(estimator: Any, rows: NDArray[Any], labels: NDArray[Any] | None) -> NDArray[np.int32]:
    """Codes of rows, `[n, positions]`, drawn where q is a distribution; the class in a last column, if there is one."""
    asked = estimator._inference()
    with torch.inference_mode(), seeded(estimator.seed_, asked.device):
        parts = [asked.module.encode(x).sample().cpu().numpy() for x in asked.batches(rows)]
    codes = np.concatenate(parts).astype(np.int32)
    return codes if labels is None else np.concatenate([codes, labels[:, None].astype(np.int32)], 1)


def stage_of(model: Any) -> Stage:
    """How a fitted model was fitted, as its remedies count from it."""
    own = getattr(model, "prior_history_", None)
    rows = len(model.event_shape_) == 1
    return Stage(len(model.history_), len(own) if own else None, model.n_groups_ if rows else None)
