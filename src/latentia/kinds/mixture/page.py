"""From the run folder of a mixture to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from latentia.kinds.mixture import charts
from latentia.kinds.mixture.run import LABELS, MixtureRun, draw_items
from latentia.report.cards import Card, Tile, chart
from latentia.report.content import Figure, number
from latentia.report.embedding import LatentMap, latent_map
from latentia.report.head import head_of
from latentia.report.images import mosaic, pixels, square, tile_png
from latentia.report.page import write_page
from latentia.report.sections import filled

MAPPED = 3000
SUMMARISED = 20_000  # training rows whose responsibilities give the components' means
SAMPLES = 32
CLEAR = 0.9
_TOLD = 4  # features told of each component
_PLANE = 50  # directions that the map is laid out from

_UNITS = (
    ("log_likelihood", "nats", "mean per item"),
    ("n_components", "", "K"),
    ("train_log_likelihood", "nats", "mean per item"),
    ("bits_per_dim", "bits/dim", ""),
    ("aic", "", ""),
    ("bic", "", ""),
    ("icl", "", ""),
    ("laplace", "", "-2 log evidence by Laplace's method; of Dirichlet-multinomials -log evidence"),
    ("n_free", "", "free parameters"),
)
_OF_SPLIT = ("log_likelihood", "bits_per_dim")


def report_mixture(run: MixtureRun) -> Path:
    """Write the report of a mixture's run, its figures on the test part, and return the page's path.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    figures = run.figures("test" if run.spec.hold_out else "train")
    selection = figures["selection"]
    table = [
        Figure(name, figures[name], unit, figures["split"] if name in _OF_SPLIT else "train", note)
        for name, unit, note in _UNITS
        if figures[name] is not None
    ]
    settings = run.estimator.get_params(deep=False)
    head = head_of(run, run.model, run.entry, figures, table, _choices(selection), settings)
    return write_page(head, run.layout.event_shape, cards(run, selection), run.folder)


def cards(run: MixtureRun, selection: dict[str, Any] | None) -> list[Card]:
    """All cards in reading order; what the run has no data for is left out."""
    part = run.split("train").take(SUMMARISED)
    rows = run.layout.rows(part.x)
    responsibilities = run.estimator.predict_proba(rows)
    dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    image = run.dataset.is_image
    told = _means(run, dense, responsibilities) if image else _table(run, dense, responsibilities)
    found = [_map(run, dense, responsibilities), told, _samples(run) if image else None]
    found += [_curve(selection), _likelihood(run)]
    return filled([card for card in found if card is not None])


def _choices(selection: dict[str, Any] | None) -> list[tuple[str, str]]:
    if selection is None:
        return []
    chosen, tried = selection["chosen"], [row["n_components"] for row in selection["table"]]
    others = ", ".join(f"{label} {chosen[name]}" for name, label in LABELS.items())
    name = selection["criterion"]
    why = f"{LABELS[name]} is smallest there, of {tried[0]} to {tried[-1]}. Each criterion chooses: {others}."
    return [(f"n_components: {chosen[name]}", why)]


def _map(run: MixtureRun, rows: np.ndarray, responsibilities: np.ndarray) -> Card | None:
    values = rows.astype(float)
    unit = "items"
    if run.entry.estimator not in ("GaussianMixture", "BernoulliMixture", "CategoricalMixture"):
        values, unit = np.log1p(values), "items, by log(1 + count)"
    elif run.entry.estimator == "GaussianMixture" and not run.dataset.is_image:
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
    card = Card(
        "responsibility-map", "Responsibilities", lead, facts=_facts(plane, responsibilities, unit), wide=True
    )
    return chart(
        card,
        f"Map of {len(plane.points)} items, coloured by the most probable of {k} components.",
        lambda theme: charts.component_map(plane, responsibilities, _names(run), theme),
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
    return list(run.dataset.feature_names or [f"feature {i}" for i in range(d)])


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
    drawn = _tiles(run.layout.items(_component_means(rows, responsibilities)[order]))
    tiles = tuple(
        Tile(((tile_png(image), f"Mean image of component {k}"),), f"{k}: {run.estimator.weights_[k]:.1%}")
        for k, image in zip(order, drawn, strict=True)
    )
    lead = "The mean image of each component's items, with the component's number and weight."
    return Card(
        "components",
        "Components",
        lead,
        tiles=tiles,
        mosaic=mosaic(square(drawn)),
        sharp=_small(run),
        wide=True,
    )


def _samples(run: MixtureRun) -> Card:
    drawn = _tiles(draw_items(run.estimator, run.config, SAMPLES, seed=0))
    tiles = tuple(
        Tile(((tile_png(t), f"Sample {i + 1} of {len(drawn)} from the mixture"),))
        for i, t in enumerate(drawn)
    )
    lead = "New items: a component drawn by its weight, then an image drawn from it, noise and all."
    return Card(
        "samples", "Samples", lead, tiles=tiles, mosaic=mosaic(square(drawn)), sharp=_small(run), wide=True
    )


def _tiles(items: np.ndarray) -> np.ndarray:
    """Images as RGB tiles: from 0 to 1 black to white (what lies outside is cut), or up to the largest count."""
    values = items.astype(float)
    top = max(1.0, float(values.max())) if items.dtype.kind == "i" or values.max() > 2 else 1.0
    return pixels(np.clip(values / top, 0.0, 1.0))


def _small(run: MixtureRun) -> bool:
    return max(run.layout.event_shape[1:]) < 48


def _curve(selection: dict[str, Any] | None) -> Card | None:
    if selection is None:
        return None
    table, criterion = selection["table"], selection["criterion"]
    lead = (
        f"Each criterion by the number of components, its smallest value marked; {LABELS[criterion]} chooses."
    )
    return chart(
        Card("criteria", "How many components", lead),
        f"Criteria for {len(table)} numbers of components.",
        lambda theme: charts.criteria_curve(table, criterion, theme),
    )


def _likelihood(run: MixtureRun) -> Card | None:
    values = run.estimator.result_.log_likelihood
    return chart(
        Card("likelihood", "Likelihood by iteration", f"Stopping rule: {run.estimator.result_.criterion}."),
        f"Mean log-likelihood over {len(values)} iterations.",
        lambda theme: charts.likelihood_curve(values, theme),
    )
