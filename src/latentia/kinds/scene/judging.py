"""The diagnosis of a model of scenes: what every model with codes is asked, and what is asked of slots."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray

from latentia.diagnostics import (
    Diagnosis,
    Evaluation,
    Finding,
    Remedy,
    decoder_dependence,
    generalisation_gap,
    ordered,
    prior_gap,
    sample_density,
)
from latentia.diagnostics.finding import another_seed
from latentia.diagnostics.findings import overfitting
from latentia.diagnostics.sample_findings import holes, shorter
from latentia.diagnostics.undertraining import LAST_GAIN, kept_early, undertraining
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.hints import last_gain, score_of, short_of
from latentia.kinds.scene.editing import rebuilt
from latentia.kinds.scene.findings import found_in
from latentia.kinds.scene.state import IMAGES, state_of
from latentia.kinds.scene.words import WORDS

_SCORED = 200


def with_central_error(figures: Evaluation, asked: Any, rows: NDArray[Any]) -> Evaluation:
    """The figures, with the squared error of the images that are put together of what is seen."""
    squares = 0.0
    for x, image in zip(asked.batches(rows, 100), rebuilt(asked, rows, 100), strict=True):
        squares += float((x - image).double().square().sum())
    return replace(figures, sse_of_mean=squares / len(rows))


def diagnosed_scenes(
    estimator: Any,
    X: Any,
    train: Any,
    evaluation: Evaluation | None,
    thorough: bool,
    truth: Mapping[str, Any],
) -> Diagnosis:
    """What `SceneVAE.diagnose` gives; the arguments are its."""
    started = time.perf_counter()
    rows, asked = as_rows(estimator, X, reset=False).rows, estimator._inference()
    figures = estimator.evaluate(X, n_importance=0) if evaluation is None else evaluation
    of_train = None if train is None else estimator.evaluate(train, n_importance=0)
    x = torch.cat(list(asked.batches(rows[:IMAGES])))
    deterministic = figures.kl is None
    gap = None if deterministic else prior_gap(asked.module, x)
    generalisation = None if of_train is None else generalisation_gap(of_train, figures)
    per_object = replace(figures, latent_dim=estimator.latent_dim_)
    findings = [
        *found_in(state_of(estimator, rows, truth)),
        *_training(estimator, figures),
        overfitting(per_object, of_train, generalisation),
        _holes(per_object, gap),
        _deterministic() if deterministic else None,
    ]
    return Diagnosis(
        verdict=ordered([finding for finding in findings if finding is not None], WORDS.order),
        evaluation=figures,
        information=None,
        dependence=decoder_dependence(asked.module, x),
        prior_gap=gap,
        sampler_gap=None,
        smoothness=None,
        generalisation=generalisation,
        amortisation=None,
        true_posterior=None,
        sample_density=sample_density(asked.module, x[:_SCORED]) if thorough and not deterministic else None,
        margins=None,
        seconds=time.perf_counter() - started,
    )


def _training(estimator: Any, figures: Evaluation) -> list[Finding | None]:
    """Whether training ended too early."""
    judged = [row for row in estimator.history_ if row.get("validation_elbo") is not None]
    size = 1
    for side in estimator.event_shape_:
        size *= side
    least = LAST_GAIN * size
    scores = [score_of(row) for row in judged]
    early = None
    if figures.elbo is not None:
        early = kept_early(
            [row["validation_elbo"] for row in judged], getattr(estimator, "best_epoch_", None), least
        )
    return [
        None if early is None else replace(early, remedies=(another_seed(),)),
        undertraining(scores, last_gain(estimator.history_), least, short_of(estimator)),
    ]


def _holes(figures: Evaluation, gap: Any) -> Finding | None:
    found = holes(figures, gap)
    if found is None or not found.name:
        return found
    ordered_prior = Remedy(
        "a prior in which slots depend on each other: `--model genesis-v2`", ("genesis-v2",)
    )
    return replace(found, remedies=(*shorter(figures), ordered_prior))


def _deterministic() -> Finding:
    return Finding(
        "", "Codes are deterministic: no bound is claimed, and samples from the prior are not to be expected."
    )
