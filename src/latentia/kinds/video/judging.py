"""The diagnosis of a model of videos."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from latentia.diagnostics import Diagnosis, Evaluation, Finding, generalisation_gap, ordered
from latentia.diagnostics.findings import overfitting
from latentia.diagnostics.undertraining import LAST_GAIN, undertraining
from latentia.estimators.hints import last_gain, score_of, short_of
from latentia.kinds.video.findings import found_in
from latentia.kinds.video.state import state_of
from latentia.kinds.video.words import WORDS


def diagnosed_videos(
    estimator: Any, X: Any, train: Any, evaluation: Evaluation | None, truth: Mapping[str, Any]
) -> Diagnosis:
    """What `VideoVAE.diagnose` gives; the arguments are its."""
    started = time.perf_counter()
    figures = estimator.evaluate(X, n_importance=0) if evaluation is None else evaluation
    of_train = None if train is None else estimator.evaluate(train, n_importance=0)
    generalisation = None if of_train is None else generalisation_gap(of_train, figures)
    judged = [row for row in estimator.history_ if row.get("validation_elbo") is not None]
    least = LAST_GAIN * math.prod(estimator.event_shape_)
    findings: list[Finding | None] = [
        *found_in(state_of(estimator, estimator._videos(X), truth)),
        undertraining(
            [score_of(row) for row in judged], last_gain(estimator.history_), least, short_of(estimator)
        ),
        overfitting(figures, of_train, generalisation),
    ]
    return Diagnosis(
        verdict=ordered([finding for finding in findings if finding is not None], WORDS.order),
        evaluation=figures,
        information=None,
        dependence=None,
        prior_gap=None,
        sampler_gap=None,
        smoothness=None,
        generalisation=generalisation,
        amortisation=None,
        true_posterior=None,
        sample_density=None,
        margins=None,
        seconds=time.perf_counter() - started,
    )
