"""From the run folder of a mixture to its report."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.data.items import dense
from latentia.estimators.gaps import GAPS_COUNTED
from latentia.kinds.mixture import charts
from latentia.kinds.mixture.questions import questions
from latentia.kinds.mixture.run import MixtureRun
from latentia.kinds.mixture.words import CRITERIA
from latentia.report.cards import Card, Colour, Tile
from latentia.report.content import number
from latentia.report.diagnosis import question_card
from latentia.report.embedding import LatentMap, latent_map
from latentia.report.head import about, head_of
from latentia.report.images import LARGE_IMAGE, pixels, square
from latentia.report.page import Page
from latentia.report.theme import LIGHT

MAPPED = 3000
SUMMARISED = 20_000  # training rows whose responsibilities give the components' means
SAMPLES = 32
CLEAR = 0.9
_TOLD = 4  # features told of each component
_MOST_CLASSES = 12
_SCORED = 5000
_TOLD_ROWS = 8
_PLANE = 50  # directions that the map is laid out from


def page(run: MixtureRun) -> Page:
    """What the report of a mixture's run shows, its figures on the test part."""
    split = run.whole_or("test")
    all_rows = run.spec is not None and not run.spec.hold_out
    figures = run.figures("train" if all_rows and split != "new" else split)
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(run.entry),
        settings=run.estimator.get_params(deep=False),
        choices=_choices(figures["selection"]),
    )
    return Page(head, run.event_shape, [question_card(questions(figures)), *cards(run, figures)])


def cards(run: MixtureRun, figures: dict[str, Any]) -> list[Card]:
    """All cards in reading order; what the run has no data for is left out."""
    selection = figures["selection"]
    part = run.split("train" if len(run.dataset.train) else run.whole_or("test")).take(SUMMARISED)
    responsibilities = run.memberships(part.x)
    rows = dense(run.estimator.layout_.stored(part.x))
    image = run.is_image
    told = _means(run, rows, responsibilities) if image else _table(run, rows, responsibilities)
    found = [_map(run, rows, responsibilities), told, _classes(run, part.y, responsibilities, figures)]
    found += [_samples(run) if image else None, _curve(selection), _likelihood(run), _unusual(run)]
    return [card for card in found if card is not None]


def _choices(selection: dict[str, Any] | None) -> list[tuple[str, str]]:
    if selection is None:
        return []
    chosen, tried = selection["chosen"], [row["n_components"] for row in selection["table"]]
    others = ", ".join(f"{label} {chosen[name]}" for name, label in CRITERIA.items())
    name = selection["criterion"]
    why = (
        f"{CRITERIA[name]} is smallest there, of {tried[0]} to {tried[-1]}. Each criterion chooses: {others}."
    )
    return [(f"n_components: {chosen[name]}", why)]


def _map(run: MixtureRun, rows: np.ndarray, responsibilities: np.ndarray) -> Card | None:
    values = rows.astype(float)
    unit = "items"
    if run.estimator.components_.spans:
        values, unit = np.log1p(values), "items, by log(1 + count)"
    elif run.estimator.layout_.dense and not run.is_image:
        values = _standardised(values) if values.shape[1] > 2 else values  # columns have units of their own
    if values.shape[1] > _PLANE:
        values = _main_directions(values)
    plane = latent_map(values, max_points=MAPPED)
    if not len(plane.points):
        return None
    where = {
        "codes": "as they are",
        "t-SNE": "on a flat sheet (t-SNE): near on the map means alike; distances between groups mean little",
        "PCA": "in the plane of their two main directions",
    }[plane.method]
    lead = f"Items in the colour of their most probable component, paler where it is in doubt, {where}."
    k, weights = responsibilities.shape[1], run.estimator.weights_
    clear = float((responsibilities.max(1) > CLEAR).mean())
    palette = LIGHT.categories
    key = tuple(Colour(palette[i % len(palette)], str(i), f"{weights[i]:.1%}") for i in range(k))
    return Card(
        "responsibility-map",
        "Which component each item belongs to",
        lead,
        facts=_facts(plane, clear, unit),
        wide=True,
        key=key,
        headline=(f"{clear:.0%}", f"of items belong clearly to one of {k} components") if k > 1 else None,
        alt=f"Map of {len(plane.points)} items, coloured by the most probable of {k} components.",
        draw=lambda theme: charts.component_map(plane, responsibilities, _names(run), theme),
    )


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _main_directions(values: np.ndarray) -> np.ndarray:
    """Rows `[n, d]` in their 50 main directions: t-SNE is slow in more."""
    centred = values - values.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ directions[:, -_PLANE:])


def _facts(plane: LatentMap, clear: float, unit: str) -> tuple[tuple[str, str], ...]:
    facts = [
        (number(len(plane.points)), f"{unit}, of the training part"),
        (f"{clear:.0%}", f"of items belong to one component with a probability above {CLEAR:g}"),
    ]
    if plane.trustworthiness is not None:
        words = "trustworthiness: 1 if all neighbours on this map are neighbours in the data"
        facts.append((f"{plane.trustworthiness:.2f}", words))
    return tuple(facts)


def _names(run: MixtureRun) -> list[str]:
    d = run.estimator.n_features_in_
    return list(run.columns or [f"feature {i}" for i in range(d)])


def _component_means(rows: np.ndarray, responsibilities: np.ndarray) -> np.ndarray:
    mass = np.maximum(responsibilities.sum(axis=0), 1e-300)
    return np.asarray(responsibilities.T @ rows / mass[:, None])


def _table(run: MixtureRun, rows: np.ndarray, responsibilities: np.ndarray) -> Card:
    """Weight of each component, and the features in which its items differ most from the rest."""
    names, weights = _names(run), run.estimator.weights_
    means, overall, spread = _component_means(rows, responsibilities), rows.mean(axis=0), rows.std(axis=0)
    differ = np.abs(means - overall) / np.where(spread > 0, spread, np.inf)
    body = [
        (
            str(k),
            f"{weights[k]:.1%}",
            "; ".join(
                f"{names[j]}: {number(float(means[k, j]))} (all: {number(float(overall[j]))})"
                for j in np.argsort(-differ[k], kind="stable")[:_TOLD]
            ),
        )
        for k in range(len(weights))
    ]
    lead = (
        "The features whose mean over a component's items is furthest from the mean of all, counted in standard deviations; the means "
        "themselves are in the units of the data."
    )
    head = ("component", "weight", "what is special")
    return Card("components", "Components", lead, table=(head, *body), wide=True)


def _means(run: MixtureRun, rows: np.ndarray, responsibilities: np.ndarray) -> Card:
    """The mean image of each component."""
    drawn = _tiles(run, run.estimator.layout_.items(_component_means(rows, responsibilities)))
    tiles = tuple(
        Tile(((image, f"Mean image of component {k}"),), f"{k}: {run.estimator.weights_[k]:.1%}")
        for k, image in enumerate(drawn)
    )
    lead = "The mean image of each component's items, with the component's number and weight."
    return Card(
        "components",
        "Components",
        lead,
        tiles=tiles,
        sheet=square(drawn),
        sharp=_small(run),
        wide=True,
    )


def _samples(run: MixtureRun) -> Card:
    drawn = _tiles(run, run.drawn(SAMPLES, seed=0))
    tiles = tuple(
        Tile(((t, f"Sample {i + 1} of {len(drawn)} from the mixture"),)) for i, t in enumerate(drawn)
    )
    lead = "New items: a component drawn by its weight, then an image drawn from it, noise and all."
    return Card("samples", "Samples", lead, tiles=tiles, sheet=square(drawn), sharp=_small(run), wide=True)


def _tiles(run: MixtureRun, items: np.ndarray) -> np.ndarray:
    """Items as RGB tiles."""
    return pixels(run.estimator.layout_.viewable(items))


def _small(run: MixtureRun) -> bool:
    return max(run.event_shape[1:]) < LARGE_IMAGE


def _classes(
    run: MixtureRun, y: np.ndarray | None, responsibilities: np.ndarray, figures: dict[str, Any]
) -> Card | None:
    """How many items of each class are in each component; None without classes."""
    names = run.dataset.class_names
    if y is None or names is None or figures.get("adjusted_rand_index") is None:
        return None
    component, k = responsibilities.argmax(1), responsibilities.shape[1]
    counts = np.zeros((k, len(names)), dtype=int)
    np.add.at(counts, (component[y >= 0], y[y >= 0]), 1)
    shown = np.argsort(-counts.sum(axis=0), kind="stable")[:_MOST_CLASSES]
    shown = np.sort(shown)
    body = [(str(i), *(number(int(counts[i, j])) for j in shown)) for i in range(k)]
    rand, mutual = figures["adjusted_rand_index"], figures["normalized_mutual_information"]
    whose = "Training items" if len(run.dataset.train) else "Items"
    lead = f"{whose} by their most probable component and by their class, which the fit never saw."
    if len(shown) < len(names):
        lead += f" The {len(shown)} most frequent of {len(names)} classes."
    return Card(
        "classes",
        "Components and classes",
        lead,
        facts=(
            (_signed(rand), "adjusted Rand index: 1 if components and classes are the same groups, 0 by chance"),
            (_signed(mutual), "normalised mutual information: 1 if each tells the other, 0 if neither says anything"),
        ),
        table=(("component", *(names[j] for j in shown)), *body),
        wide=True,
        headline=(_signed(rand), "agreement of components and classes (adjusted Rand index: 1 the same, 0 by chance)"),
    )  # fmt: skip


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _unusual(run: MixtureRun) -> Card | None:
    """For tables: the rows that the mixture explains least."""
    if run.is_image:
        return None
    split = run.whole_or("test")
    part = run.split(split).named().take(_SCORED)
    gaps = getattr(run.estimator, "columns_", None) is not None
    scores = -run.estimator.unusual(part.x) if gaps else run.log_density(part.x)
    order = np.argsort(scores)[:_TOLD_ROWS]
    component = run.memberships(part.x)[order].argmax(1)
    assert part.names is not None
    body = [
        (str(part.names[i]), number(float(scores[i])), str(k)) for i, k in zip(order, component, strict=True)
    ]
    lead = f"The rows of the {split} split that the mixture explains least, by name or by place (from 0)."
    head = ("row", GAPS_COUNTED if gaps else "log-likelihood, nats", "component")
    return Card("worst", "Most unusual rows", lead, table=(head, *body))


def _curve(selection: dict[str, Any] | None) -> Card | None:
    if selection is None:
        return None
    table, criterion = selection["table"], selection["criterion"]
    lead = f"Each criterion by the number of components, its smallest value marked; {CRITERIA[criterion]} chooses."
    tried = [row["n_components"] for row in table]
    words = f"components, chosen by {CRITERIA[criterion]} out of {tried[0]} to {tried[-1]}"
    return Card(
        "criteria",
        "How many components",
        lead,
        alt=f"Criteria for {len(table)} numbers of components.",
        draw=lambda theme: charts.criteria_curve(table, criterion, theme),
        headline=(str(selection["chosen"][criterion]), words),
    )


def _likelihood(run: MixtureRun) -> Card | None:
    values = run.estimator.result_.log_likelihood
    return Card(
        "likelihood",
        "Likelihood by iteration",
        f"Stopping rule: {run.estimator.result_.criterion}.",
        alt=f"Mean log-likelihood over {len(values)} iterations.",
        draw=lambda theme: charts.likelihood_curve(values, theme),
    )
