"""Cards of a run of sequences about its codes: reconstructions, ways between items, neighbours, the map."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from latentia import explore
from latentia.kinds.sequence.charts import charted
from latentia.kinds.sequence.measures import similarity
from latentia.kinds.sequence.run import SequenceRun
from latentia.kinds.sequence.text_cards import joint_of
from latentia.kinds.written import shown
from latentia.report import figures as pictures
from latentia.report import marked
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.diagnosis import information_curve
from latentia.report.embedding import NEIGHBOURS, latent_map
from latentia.report.map_chart import Labels, key_of, latent_picture

REBUILT = 12
STEPS = 8
QUERIES, NEAREST = 3, 4
MAPPED = 3000
SEARCHED = 20_000


def code_cards(run: SequenceRun, split: Any, figures: dict[str, Any]) -> list[Card | None]:
    """In reading order."""
    return [
        _rebuilt(run, split, figures),
        *_ways(run, split),
        _nearest(run, split),
        _map(run, split),
        _information(run),
        _kl(figures),
    ]


def _rebuilt(run: SequenceRun, split: Any, figures: dict[str, Any]) -> Card:
    part = run.split(split).take(REBUILT)
    form = run.estimator.form_
    originals = form.cut(part.x)
    rebuilt = [form.said(item) for item in run.rebuilt(part.x)]
    rows: list[tuple[str, ...]] = [("Item", "Reconstruction, changed tokens marked", "Alike")]
    for own, other in zip(originals, rebuilt, strict=True):
        joint = joint_of(run)
        rows.append(
            (
                marked.shown(joint.join(own)),
                marked.changed(own, other, joint),
                f"{similarity(own, other):.0%}",
            )
        )
    likeness = figures["diagnosis"]["reconstruction"]
    lead = (
        f"Items by way of their codes, the likeliest token at each step. Over {likeness['n']} items a reconstruction keeps "
        f"{likeness['own']:.0%} of its item, one from another item's code {likeness['other']:.0%}, one from none {likeness['zero']:.0%}."
    )
    return Card("reconstructions", "Reconstructions", lead, table=tuple(rows), wide=True)


def _ways(run: SequenceRun, split: Any) -> list[Card]:
    part = run.split(split).take(4, seed=1)
    cards = []
    for number_, places in enumerate(([0, 1], [2, 3])[: len(part) // 2], 1):
        rows: list[tuple[str, ...]] = [("Step", "Item", "log p a token")]
        before: Any = None
        for step, (item, score) in enumerate(run.way(part.subset(places).x, STEPS, "linear")):
            text = marked.shown(str(shown(item)))
            same = item == before
            rows.append(
                (str(step), Markup("<small>{0}</small>").format(text) if same else text, f"{score:.2f}")
            )
            before = item
        lead = "From one item of the test part to another in a straight line between their codes; small where nothing has changed."
        cards.append(Card(f"way-{number_}", "A way between two items", lead, table=tuple(rows)))
    return cards


def _nearest(run: SequenceRun, split: Any) -> Card | None:
    """Of a model in memory whose training items are not at hand: neighbours among the items themselves."""
    known = bool(len(run.dataset.train))
    searched = run.split("train" if known else split).take(SEARCHED)
    part = run.split(split).take(QUERIES, seed=2)
    if len(searched) <= NEAREST:
        return None
    found = explore.neighbours(run.vectors(searched.x), run.vectors(part.x), NEAREST + (not known))
    form = run.estimator.form_
    where = "training items" if known else "other items"
    rows: list[tuple[str, ...]] = [("Item", f"{where.capitalize()} with the nearest codes")]
    for item, places in zip(form.listed(part.x), found.indices[:, 0 if known else 1 :], strict=True):
        nearest = [marked.shown(str(shown(each)), 160) for each in form.listed(searched.subset(places).x)]
        rows.append((marked.shown(str(shown(item)), 160), Markup("<br>").join(nearest)))
    lead = f"Items, and the {where} whose codes lie nearest."
    return Card("neighbours", "Neighbours", lead, table=tuple(rows), wide=True)


def _map(run: SequenceRun, split: Any) -> Card | None:
    part = run.split(split).take(MAPPED)
    codes = run.vectors(part.x)
    names = run.dataset.class_names
    if part.y is not None:
        labels = Labels.of(part.y, names, len(codes))
        how = "coloured by class"
    else:
        lengths = run.estimator.form_.stored(part.x).lengths
        labels = Labels(None, (), lengths.astype(float))
        how = "coloured by length"
    plane = latent_map(codes, labels.classes)
    if not len(plane.points):
        return None
    facts = [(number(len(plane.points)), f"items, {how}")]
    if plane.label_accuracy is not None and plane.majority is not None:
        words = (
            f"of classes are guessed right from the {NEIGHBOURS} nearest codes, each item left out of its own guess; always the most "
            f"frequent class gives {plane.majority:.1%}"
        )
        facts.append((f"{plane.label_accuracy:.1%}", words))
    lead = f"Posterior means in {codes.shape[1]} dimensions" + (
        ", laid on a flat sheet (t-SNE)." if plane.method == "t-SNE" else "."
    )
    card = Card("latent-map", "Latent space", lead, facts=tuple(facts), wide=True, key=key_of(plane, labels))
    return charted(
        card,
        f"Map of {len(plane.points)} codes, {how}.",
        lambda theme: latent_picture(plane, labels, theme),
    )


def _information(run: SequenceRun) -> Card | None:
    lead = "Mutual information of items and codes on some validation items, looked at every few epochs."
    return charted(
        Card("information", "What the codes tell", lead),
        "Mutual information by epoch.",
        lambda theme: information_curve(run.estimator.history_, theme),
    )


def _kl(figures: dict[str, Any]) -> Card | None:
    kl, active = np.asarray(figures["kl_per_dim"], dtype=float), np.asarray(figures["active"], dtype=bool)
    if len(kl) != len(active) or not len(kl):
        return None
    lead = f"{int(active.sum())} of {len(kl)} dimensions are active: the others carry next to nothing about the item."
    return charted(
        Card("kl-per-dimension", "What each dimension carries", lead),
        f"Bars: KL of each of {len(kl)} latent dimensions in nats, sorted.",
        lambda theme: pictures.kl_per_dimension(kl, active, theme),
    )
