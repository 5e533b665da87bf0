"""From the run folder of a mixture to its report."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.data.items import dense
from latentia.kinds.mixture import charts
from latentia.kinds.mixture.run import MixtureRun
from latentia.kinds.mixture.words import CRITERIA
from latentia.report.cards import Card, Tile
from latentia.report.content import number
from latentia.report.embedding import LatentMap, latent_map
from latentia.report.head import about, head_of
from latentia.report.images import LARGE_IMAGE, pixels, square
from latentia.report.page import Page

MAPPED = 3000
SUMMARISED = 20_000  # training rows whose responsibilities give the components' means
SAMPLES = 32
CLEAR = 0.9
_TOLD = 4  # features told of each component
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
    return Page(head, run.event_shape, cards(run, figures["selection"]))


def cards(run: MixtureRun, selection: dict[str, Any] | None) -> list[Card]:
    """All cards in reading order; what the run has no data for is left out."""
    part = run.split("train" if len(run.dataset.train) else run.whole_or("test")).take(SUMMARISED)
    responsibilities = run.memberships(part.x)
    rows = dense(run.estimator.layout_.stored(part.x))
    image = run.is_image
    told = _means(run, rows, responsibilities) if image else _table(run, rows, responsibilities)
    found = [_map(run, rows, responsibilities), told, _samples(run) if image else None]
    found += [_curve(selection), _likelihood(run)]
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
    lead = {
        "codes": "Items as they are",
        "t-SNE": "Items on a flat sheet (t-SNE): near on the map means alike; distances between groups mean little",
        "PCA": "Items in the plane of their two main directions",
    }[plane.method]
    lead += ", in the colour of their most probable component, paler where it is in doubt. The numbers are the components."
    k = responsibilities.shape[1]
    return Card(
        "responsibility-map",
        "Responsibilities",
        lead,
        facts=_facts(plane, responsibilities, unit),
        wide=True,
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


def _facts(plane: LatentMap, responsibilities: np.ndarray, unit: str) -> tuple[tuple[str, str], ...]:
    clear = float((responsibilities.max(1) > CLEAR).mean())
    facts = [
        (number(len(plane.points)), f"{unit}, of the training part"),
        (f"{clear:.1%}", f"of items belong to one component with a probability above {CLEAR:g}."),
    ]
    if plane.trustworthiness is not None:
        words = "trustworthiness: how far neighbours on this map are neighbours in the data. 1 is perfect."
        facts.append((f"{plane.trustworthiness:.3f}", words))
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
        for k in np.argsort(-weights, kind="stable")
    ]
    lead = "The features in which the mean of its items differs most from the mean of all, in standard deviations."
    head = ("component", "weight", "what is special")
    return Card("components", "Components", lead, table=(head, *body), wide=True)


def _means(run: MixtureRun, rows: np.ndarray, responsibilities: np.ndarray) -> Card:
    """The mean image of each component, the heaviest first."""
    order = np.argsort(-run.estimator.weights_, kind="stable")
    drawn = _tiles(run, run.estimator.layout_.items(_component_means(rows, responsibilities)[order]))
    tiles = tuple(
        Tile(((image, f"Mean image of component {k}"),), f"{k}: {run.estimator.weights_[k]:.1%}")
        for k, image in zip(order, drawn, strict=True)
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


def _curve(selection: dict[str, Any] | None) -> Card | None:
    if selection is None:
        return None
    table, criterion = selection["table"], selection["criterion"]
    lead = f"Each criterion by the number of components, its smallest value marked; {CRITERIA[criterion]} chooses."
    return Card(
        "criteria",
        "How many components",
        lead,
        alt=f"Criteria for {len(table)} numbers of components.",
        draw=lambda theme: charts.criteria_curve(table, criterion, theme),
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
