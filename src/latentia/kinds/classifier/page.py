"""The report of a classifier: what is taken for what, how sure it is, and what its components are."""

from __future__ import annotations

import matplotlib.figure
import numpy as np

from latentia.kinds.classifier.run import ClassifierRun, Predicted
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.head import about, head_of
from latentia.report.page import Page
from latentia.report.theme import Theme, canvas, style

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
        _confusion(run, probabilities, places),
        _reliability(probabilities, places),
        _components(run, part.x, places),
    ]
    return Page(head, run.event_shape, cards)


def _confusion(run: ClassifierRun, probabilities: np.ndarray, places: np.ndarray) -> Card:
    names, guessed = run.class_names, probabilities.argmax(1)
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


def _components(run: ClassifierRun, items: np.ndarray, places: np.ndarray) -> Card:
    """Weight of each component, the classes of its items, and the features that its rule weighs most."""
    estimator, names = run.estimator, run.columns or [f"feature {i}" for i in range(run.event_shape[0])]
    shares = estimator.responsibilities(np.asarray(items, dtype=np.float64))
    body = []
    spread = np.asarray(items, dtype=np.float64).std(axis=0)
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
    return Card("components", "Components", lead, table=(head, *body), wide=True)
