"""The diagnosis of an estimator, and what it is told of a fit besides its model: the learning curve's end, the weight of the rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latentia.diagnostics import Diagnosis, Evaluation, diagnose
from latentia.diagnostics.undertraining import ShortOf
from latentia.estimators.defaults import MOST_EPOCHS
from latentia.estimators.forms.arrays import column_names
from latentia.estimators.plan import FEWEST_UPDATES
from latentia.objectives import TermSum

DIAGNOSED_ROWS = 10_000


def rate_weight(objective: object) -> float | None:
    """The weight of the rate at the end of training; None if the objective is no sum with a term for it.

    Example:
        >>> from latentia.objectives import negative_elbo
        >>> rate_weight(negative_elbo(beta=4.0))
        4.0
    """
    terms = objective.terms if isinstance(objective, TermSum) else ()
    return next((term.weight_at(1.0) for term in terms if term.name == "kl"), None)


def last_gain(history: Sequence[Mapping[str, Any]]) -> float | None:
    """By how much the last validation bound exceeds the mean training bound of its epoch, in nats; None if not known.

    Example:
        >>> last_gain([{"train_distortion": 30.0, "train_kl": 5.0, "validation_elbo": -32.0}])
        3.0
    """
    if not history:
        return None
    distortion, kl, bound = (
        history[-1].get(name) for name in ("train_distortion", "train_kl", "validation_elbo")
    )
    if distortion is None or bound is None:
        return None
    return float(bound) + float(distortion) + float(kl or 0.0)


def score_of(row: Mapping[str, Any]) -> float:
    """What an epoch was judged by: minus the objective's loss, where that is known, else the bound; of held-out rows."""
    loss = row.get("validation_loss")
    return float(row["validation_elbo"] if loss is None else -loss)


def short_of(estimator: Any) -> ShortOf | None:
    """What a fit had that its `max_minutes` or Ctrl-C ended before it had the updates that a network needs; None of all others.

    Half of the epochs that there would have been are enough, as a small table has them in few updates, and a bound that fell ends a fit as well.
    """
    plan, cooled = getattr(estimator, "plan_", None), estimator.cooled_
    if not estimator.history_ or estimator.stopped_early_ or not (plan or cooled):
        return None
    done, epochs = estimator.history_[-1]["step"], estimator.history_[-1]["epoch"]
    most = MOST_EPOCHS if plan else estimator.settings_["max_epochs"]
    wanted = min(FEWEST_UPDATES, round(0.5 * most * done / max(epochs, 1e-9)))
    return ShortOf(done, wanted, cooled) if done < wanted else None


def diagnosed(
    estimator: Any,
    X: Any,
    train: Any,
    evaluation: Evaluation | None,
    thorough: bool,
    columns: Sequence[str] | None,
) -> Diagnosis:
    """What `LatentEstimator.diagnose` gives; the arguments are its."""
    rows, asked = estimator._way.given(estimator, X, reset=False).rows, estimator._inference()
    judged = [row for row in estimator.history_ if row.get("validation_elbo") is not None]
    best = getattr(estimator, "best_epoch_", None)
    return diagnose(
        asked.module,
        asked.batches(rows[:DIAGNOSED_ROWS], 250),
        evaluation=evaluation,
        train=None if train is None else estimator.evaluate(train, n_importance=0),
        history=[score_of(row) for row in judged],
        bounds=[row["validation_elbo"] for row in judged],
        kept=next((at for at, row in enumerate(judged, 1) if row["epoch"] == best), None),
        last_gain=last_gain(estimator.history_),
        short=short_of(estimator),
        rate_weight=rate_weight(estimator.objective_),
        columns=_names(estimator) or columns,
        sampler=estimator._source(asked.module),
        thorough=thorough,
    )


def _names(estimator: Any) -> list[str] | None:
    """Names of the columns that an estimator models, if it knows them."""
    table = getattr(estimator, "columns_", None)
    return column_names(estimator) if table is None else [column.name for column in table]
