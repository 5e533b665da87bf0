"""The report of a classifier: what is taken for what, how sure it is, and what its components are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.figure
import numpy as np

from latentia.kinds.classifier.run import ClassifierRun, Predicted
from latentia.kinds.classifier.words import OVERCONFIDENT, USELESS
from latentia.kinds.mixture.words import DUPLICATE, EDGE, EMPTY, NOT_CONVERGED, SINGULAR
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.diagnosis import NO, YES, Check, question_card
from latentia.report.head import about, head_of
from latentia.report.page import Page
from latentia.report.theme import Theme, canvas, style
from latentia.vocabulary import OVERFITTED

_BINS = 10
_TOLD = 4  # features told of each component


def page(run: ClassifierRun) -> Page:
    """What the report of a classifier's run shows, on its test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    head = head_of(
        run, figures, run.kind.words, about=about(run.entry), settings=run.estimator.get_params(deep=False)
    )
    part = run.split(split)
    probabilities, places = run.class_probabilities(part.x), run.places(part)
    cards = [
        question_card(questions(figures)),
        _confusion(run, probabilities, places),
        _reliability(probabilities, places),
        _components(run, part.x, places),
    ]
    return Page(head, run.event_shape, cards)


def questions(figures: Mapping[str, Any]) -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` gives."""
    faults, seen = figures["verdicts"], figures["evidence"]
    wrong = [name for name in (SINGULAR, EMPTY, DUPLICATE) if name in faults]
    # the evidence has the faults first, each in one sentence, in their order
    told = [seen[place] for place, name in enumerate(faults) if name in wrong]
    least = f"The smallest of {figures['n_components']} holds {min(figures['weights']):.1%} of the items."
    came = "came to rest" if figures["converged"] else "was stopped"
    asked = [
        ("Does it tell the classes apart?", USELESS, _sentence(seen, "are given their class")),
        ("Does it hold for new items?", OVERFITTED, _sentence(seen, "on training rows")),
        ("Is it as sure as it should be?", OVERCONFIDENT, _sentence(seen, "mean confidence")),
        ("Is the number of components settled?", EDGE, _sentence(seen, "number of components")),
        ("Did the fit come to rest?", NOT_CONVERGED, f"EM {came} after {figures['n_iter']} iterations."),
    ]
    found = [Check(what, NO if fault in faults else YES, text) for what, fault, text in asked if text]
    return [
        *found,
        Check("Does every component stand for something?", NO if wrong else YES, " ".join(told) or least),
    ]


def _sentence(seen: list[str], words: str) -> str:
    """The sentence of the evidence that has these words; empty if there is none."""
    return next((text for text in seen if words in text), "")


def _confusion(run: ClassifierRun, probabilities: np.ndarray, places: np.ndarray) -> Card:
    names, guessed, found = run.class_names, probabilities.argmax(1), Predicted.of(probabilities, places)
    rows = []
    for place, name in enumerate(names):
        own = places == place
        counts = np.bincount(guessed[own], minlength=len(names))
        right = f"{counts[place] / own.sum():.0%}" if own.any() else ""
        rows.append((name, *(number(int(count)) for count in counts), right))
    lead = "Rows: the true class of held-out items; columns: the class that is most probable to the model."
    return Card(
        "confusion",
        "What is taken for what",
        lead,
        table=(("true class", *names, "right"), *rows),
        wide=len(names) > 4,
        headline=(
            f"{found.accuracy:.0%}",
            f"of {found.n} items are given their class; always the most frequent one: {max(found.shares):.0%}",
        ),
    )


def _reliability(probabilities: np.ndarray, places: np.ndarray) -> Card:
    found = Predicted.of(probabilities, places)
    lead = (
        "Items by how sure the model is, in ten groups of equal size, against the share that is right: on the line, it is as sure as it "
        "should be; below it, surer."
    )
    facts = (
        (f"{found.confidence:.1%}", "mean probability of the class that is guessed"),
        (f"{found.accuracy:.1%}", "guessed rightly"),
    )
    return Card(
        "reliability",
        "How sure it is",
        lead,
        facts=facts,
        headline=(f"{found.confidence:.0%}", f"mean confidence, where {found.accuracy:.0%} are right"),
        alt="Share of right guesses against the probability that the model gives them.",
        draw=lambda theme: reliability_figure(probabilities, places, theme),
    )


def reliability_figure(
    probabilities: np.ndarray, places: np.ndarray, theme: Theme
) -> matplotlib.figure.Figure | None:
    """Share of right guesses against mean confidence in groups of equal size; None with fewer than 20 items."""
    if len(places) < 2 * _BINS:
        return None
    sure, right = probabilities.max(1), probabilities.argmax(1) == places
    groups = np.array_split(np.argsort(sure, kind="stable"), _BINS)
    x, y = (np.array([values[group].mean() for group in groups]) for values in (sure, right.astype(float)))
    error = np.array(
        [np.sqrt(max(p * (1 - p), 1e-12) / len(group)) for p, group in zip(y, groups, strict=True)]
    )
    low = max(0.0, min(x.min(), (y - error).min()) - 0.05)
    figure = canvas(theme, 5.2, 3.6)
    axes = figure.add_subplot()
    style(axes, theme, x="mean probability of the guessed class", y="share guessed rightly", grid="both")
    axes.plot([low, 1], [low, 1], color=theme.muted, linewidth=1)
    axes.errorbar(x, y, yerr=2 * error, color=theme.data, marker="o", linestyle="none", markersize=5)
    axes.set_xlim(low, 1.01)
    return figure


def _components(run: ClassifierRun, items: Any, places: np.ndarray) -> Card:
    """Weight of each component, the classes of its items, and the features that its rule weighs most."""
    estimator, names = run.estimator, run.columns or [f"feature {i}" for i in range(run.event_shape[0])]
    rows = items if estimator.columns_ is not None else np.asarray(items, dtype=np.float64)
    shares = estimator.responsibilities(rows)
    body = []
    seen, names = estimator.seen_by_rules(rows, names)
    spread = seen.std(axis=0)
    for k in np.argsort(-estimator.weights_, kind="stable"):
        mass = np.array([shares[places == place, k].sum() for place in range(len(run.class_names))])
        mass = mass / max(mass.sum(), 1e-300)
        told = ", ".join(
            f"{run.class_names[c]} {mass[c]:.0%}" for c in np.argsort(-mass)[:3] if mass[c] >= 0.005
        )
        weight = np.abs(estimator.coef_[k] * spread).max(axis=0)
        features = ", ".join(names[j] for j in np.argsort(-weight, kind="stable")[:_TOLD])
        body.append((str(k), f"{estimator.weights_[k]:.1%}", told, features))
    head = ("component", "weight", "classes of its items", "features that its rule weighs most")
    lead = "Each component is a cluster of items with a linear rule of its own."
    how_many = (str(len(body)), "components")
    return Card("components", "Components", lead, table=(head, *body), wide=True, headline=how_many)
