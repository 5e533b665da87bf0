"""All cards of the page in reading order: those of the kind of data, and those that every report has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentia.report import figures
from latentia.report.cards import Card, of_split
from latentia.report.column_cards import column_cards
from latentia.report.content import ReportInput, number
from latentia.report.diagnosis import diagnosis_cards, information_card
from latentia.report.embedding import NEIGHBOURS, LatentMap, latent_map
from latentia.report.explore_cards import explore_cards
from latentia.report.image_cards import image_cards
from latentia.report.images import is_image
from latentia.report.map_chart import Labels, key_of, latent_picture
from latentia.report.vector_cards import vector_cards


def cards(report: ReportInput) -> list[Card]:
    """All cards of the report in reading order; what the run has no data for is left out."""
    if report.columns is not None:
        first, last = column_cards(report)
    else:
        first, last = image_cards(report) if is_image(report.event_shape) else vector_cards(report)
    judged, information = diagnosis_cards(report), information_card(report)
    learning, kl, latent = _learning(report), _kl(report), _latent(report)
    found = [*judged, *first, latent, *explore_cards(report), *learning, information, kl, *last]
    return [card for card in found if card is not None]


def sampler_card(lead: str, seconds: float, items: int, what: str) -> Card:
    """How long drawing takes: `what` was drawn for so many items."""
    facts = (
        (f"{seconds:.2g} s", f"to draw {items} items: {what}, one after another in each item"),
        (f"{1000 * seconds / items:.2g} ms", "an item"),
    )
    return Card("sampler", "Sampler", lead, facts=facts)


def _latent(report: ReportInput) -> Card | None:
    if not len(report.codes) or not report.codes.shape[1]:
        return None
    labels = Labels.of(report.labels, report.class_names, len(report.codes))
    plane = latent_map(report.codes, labels.classes)
    if not len(plane.points):
        return None
    dims = report.codes.shape[1]
    lead = {
        "codes": f"The {dims}-dimensional latent space as it is: a dot for the code of each item.",
        "t-SNE": "A dot for the code of each item, on a flat sheet (t-SNE): what is near on the map is near in latent space; "
        "distances between groups mean little.",
        "PCA": "A dot for the code of each item, in the plane of their two main directions (too few different codes for t-SNE).",
    }[plane.method]
    if labels.classes is not None and dims > 1:
        lead += " A name stands where most of its class lies together."
    alt = f"Map of {len(plane.points)} codes in {dims} dimensions" + (
        ", coloured by label." if labels.names else "."
    )
    card = Card("latent-map", "Latent space", lead, facts=_map_facts(report, plane), wide=True)
    headline = None
    if plane.label_accuracy is not None:
        words = (
            f"of labels are guessed right from the nearest codes; blindly it would be {plane.majority:.0%}"
        )
        headline = (f"{plane.label_accuracy:.0%}", words)
    return replace(
        card,
        alt=alt,
        draw=lambda theme: latent_picture(plane, labels, theme),
        key=key_of(plane, labels),
        headline=headline,
    )


def _map_facts(report: ReportInput, plane: LatentMap) -> tuple[tuple[str, str], ...]:
    total, shown = len(report.codes), len(plane.points)
    part = (
        f"of {number(total)} codes shown, drawn at random"
        if shown < total
        else f"items{report.coded or of_split(report)}"
    )
    facts = [(number(shown), part)]
    if plane.label_accuracy is not None and plane.majority is not None:
        words = (
            f"of labels are guessed right from the {NEIGHBOURS} nearest codes, each item left out of its own guess; always "
            f"guessing the most frequent class gives {plane.majority:.0%}."
        )
        facts.append((f"{plane.label_accuracy:.0%}", words))
    if plane.trustworthiness is not None:
        facts.append(
            (
                f"{plane.trustworthiness:.2f}",
                "trustworthiness: 1 if all neighbours on the map are neighbours in latent space.",
            )
        )
    return tuple(facts)


def _learning(report: ReportInput) -> list[Card | None]:
    rows = report.history
    if not rows:
        return []
    return [
        Card(
            "learning-curves",
            "Learning curves",
            "Both parts in one measure; the dot is the epoch whose weights are kept.",
            alt=f"Training and validation part over {len(rows)} epochs.",
            draw=lambda theme: figures.learning_curves(rows, theme),
        ),
        Card(
            "rate-distortion",
            "Rate and distortion",
            "The two parts of the validation bound: what the code costs, and what it leaves unexplained.",
            alt=f"Distortion and rate over {len(rows)} epochs.",
            draw=lambda theme: figures.rate_and_distortion(rows, theme),
        ),
    ]


def _kl(report: ReportInput) -> Card | None:
    active, dims = int(np.sum(report.active)), len(report.kl_per_dim)
    if not dims:
        return None
    lead = f"{active} of {dims} dimensions are active: the others carry next to nothing about the item."
    if active == dims:
        lead = f"All {dims} dimensions are active." if dims > 1 else "The one dimension is active."
    return Card(
        "kl-per-dimension",
        "What each dimension carries",
        lead,
        alt=f"Bars: KL of each of {dims} latent dimensions in nats, sorted; {active} are active.",
        draw=lambda theme: figures.kl_per_dimension(report.kl_per_dim, report.active, theme),
    )
