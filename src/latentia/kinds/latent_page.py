"""What the page of a run with an encoder and a decoder shows, whatever its codes are."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data import Split
from latentia.data.column import Column
from latentia.data.items import dense
from latentia.diagnostics.copies import copies
from latentia.estimators.cells import Told, log_prob_by_column
from latentia.estimators.gaps import GAPS_COUNTED
from latentia.kinds.latent_run import LatentRun
from latentia.report.content import ReportInput
from latentia.report.diagnosis import checks
from latentia.report.exploring import Exploration
from latentia.report.figures import Learning
from latentia.report.head import about, choices_of, head_of

CODES_SHOWN = 5000
FEW = 1000  # items: a map of fewer is filled up with those of the training part
TABLE_ROWS_SHOWN = 500
IMAGES_SHOWN = 32
WORST_SHOWN = 12
SCORED = 500
SCORING_SAMPLES = 20
COMPARED = 500  # samples, and held-out rows, whose nearest training row is looked for


def latent_content(
    run: LatentRun, *, rated: bool, source: str, exploration: Exploration | None
) -> ReportInput:
    """Items, reconstructions, draws, codes and curves of a run, on its test part (or, without one, on its new rows).

    Args:
        run: opened.
        rated: whether codes have a rate and so a bound; else epochs were judged by the loss.
        source: where the codes of samples are drawn from, in words.
        exploration: what was explored between codes, if there is something between them.
    """
    split = run.whole_or("test")
    figures = run.figures(split)
    estimator, test = run.estimator, run.split(split).named()
    view = estimator.form_.viewable
    shown = test.take(IMAGES_SHOWN if run.is_image else TABLE_ROWS_SHOWN).x
    mapped, words = _mapped(run, test, split)
    worst, scores, what, cells = _worst(estimator, test.take(SCORED), figures.get("elbo") is not None)
    n_samples = 64 if run.is_image else max(64, len(mapped))
    history = _in_data_units(
        estimator.history_ if rated else [_without_rate(row) for row in estimator.history_],
        estimator.form_.log_volume,
    )
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(estimator._entry()),
        settings={**run.config.get("composition", {}), **estimator.settings_},
        choices=choices_of(estimator),
    )
    samples = view(estimator.sample(n_samples, mean=run.is_image, random_state=0))
    columns = getattr(estimator, "columns_", None)
    return ReportInput(
        **vars(head),
        history=history,
        kl_per_dim=_kl_per_dim(figures, figures["latent_dim"]),
        active=np.asarray(figures["active"], dtype=bool),
        originals=view(shown),
        reconstructions=view(estimator.reconstruct(shown)),
        samples=samples,
        worst=(
            view(worst.x),
            view(estimator.reconstruct(worst.x)) if cells is None else cells.expected,
            scores,
        ),
        columns=columns,
        copies="" if columns is None else _copies(run, columns, samples, view(shown), split, view),
        worst_cells=None if cells is None else -cells.log_prob,
        worst_names=[] if worst.names is None else [str(name) for name in worst.names],
        codes=run.vectors(mapped.x),
        labels=mapped.y,
        class_names=run.dataset.class_names,
        feature_names=None if run.is_image else run.columns,
        rows=None if run.is_image else view(mapped.x),
        split=split,
        coded=words,
        score=what,
        checks=checks(figures, Learning.of(history).kept if history else ""),
        attempts=_attempts(run.config),
        source=source,
        survives=_survives(estimator, test, figures) if run.is_image else None,
        among=_among(figures),
        exploration=exploration,
    )


def _copies(
    run: LatentRun,
    columns: Sequence[Column],
    samples: NDArray[Any],
    shown: NDArray[Any],
    split: str,
    view: Any,
) -> str:
    """How near samples of a table come to training rows, beside rows that were held out."""
    train = run.dataset.train
    if not len(train):
        return ""
    found = copies(
        samples[:COMPARED], view(train.take(CODES_SHOWN).x), None if split == "train" else shown[:COMPARED],
        [column.kind == "category" for column in columns],
    )  # fmt: skip
    return "" if found is None else found.told


def _mapped(run: LatentRun, test: Split, split: str) -> tuple[Split, str]:
    """The items of the map, and words for which they are: those of the part that is shown, and where they are few, of the training part too."""
    part = test.take(CODES_SHOWN)
    train = run.dataset.train
    if len(part) >= FEW or split == "train" or not len(train):
        return part, ""
    more = train.named().take(FEW - len(part))
    return Split.joined([part, more]), f": {len(part)} of the {split} split, {len(more)} of the train split"


def _survives(estimator: Any, test: Split, figures: dict[str, Any]) -> float | None:
    """Share of the variance of images that their reconstructions keep, 1 - sum |x - x'|^2 / sum |x - mean x|^2."""
    if figures.get("sse_of_mean") is None:
        return None
    items = dense(test.take(CODES_SHOWN).x)
    spread = (
        items.reshape(len(items), -1).var(axis=0, dtype=np.float64).sum() / float(estimator.form_.scale) ** 2
    )
    return None if spread <= 0 else max(0.0, 1 - float(figures["sse_of_mean"]) / float(spread))


def _among(figures: dict[str, Any]) -> tuple[float, float] | None:
    """Share of samples among data, and of other data, as the diagnosis found them."""
    measured = figures.get("diagnosis") or {}
    gap = measured.get("sampler_gap") or measured.get("prior_gap")
    return (gap["precision"], gap["baseline"]) if gap else None


def _attempts(config: dict[str, Any]) -> list[dict[str, Any]]:
    """What `--auto-remedy` tried, and which of it the run is."""
    tried = config.get("attempts", [])
    return [{**attempt, "kept": attempt["folder"] == config.get("kept")} for attempt in tried]


def _worst(estimator: Any, part: Split, has_bound: bool) -> tuple[Split, NDArray[Any], str, Told | None]:
    """The items that the model explains worst, worst first, with their scores; of tables of unlike columns, what is to be said of their cells."""
    array, columns = dense(part.x), getattr(estimator, "columns_", None)
    if has_bound:
        scorer = copy.copy(estimator)  # an order needs no better estimate
        scorer.n_importance = SCORING_SAMPLES
        modelled = {"total": "modelled"} if scorer.conditions_on_total else {}
        scores, what = scorer.score_samples(array, **modelled), "log-likelihood, nats"
        if hasattr(scorer, "unusual"):
            scores, what = -scorer.unusual(array), GAPS_COUNTED
    else:
        top = 255 if estimator.form_.kind == "pixels" else 1  # in the units of the table of figures
        view = (lambda x: x) if columns is None else estimator.form_.viewable
        difference = (view(estimator.reconstruct(array)).astype(np.float64) - view(array)) / top
        if columns is not None:
            difference = np.nan_to_num(difference / np.nanstd(view(array), axis=0).clip(1e-12))
        scores, what = -(difference**2).reshape(len(array), -1).sum(1), "negative squared error"
    order = np.argsort(scores)[:WORST_SHOWN]
    worst = replace(part.subset(order), x=array[order])
    cells = estimator._cells() if columns is not None and has_bound else None
    told = None if cells is None else log_prob_by_column(cells, dense(worst.x).values)
    return worst, scores[order], what, told


def _without_rate(row: dict[str, Any]) -> dict[str, Any]:
    """An epoch of a model with deterministic codes, which have no rate and no bound."""
    gone = ("validation_elbo", "validation_kl", "train_kl")
    return {name: value for name, value in row.items() if name not in gone}


def _in_data_units(history: list[dict[str, Any]], log_volume: float) -> list[dict[str, Any]]:
    """Learning curves in the units in which the figures are: of the data, not of their standardised form."""
    losses = ("train_loss", "train_distortion", "distortion", "validation_loss", "validation_distortion")
    shift = dict.fromkeys(losses, log_volume)
    shift |= {"validation_elbo": -log_volume, "validation_log_likelihood": -log_volume}
    return [
        {k: v + shift[k] if k in shift and v is not None else v for k, v in row.items()} for row in history
    ]


def _kl_per_dim(figures: dict[str, Any], latent_dim: int) -> NDArray[Any]:
    """KL of each dimension; NaN, which leaves the chart out, where it is not defined or does not factorise."""
    kept = figures["kl_per_dim"]
    return np.asarray(kept, dtype=float) if kept and len(kept) == latent_dim else np.full(latent_dim, np.nan)
