"""From the run folder of an autoregressive model to its report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentia.diagnostics.bits import levels
from latentia.kinds.autoregressive.run import DensityRun
from latentia.report import figures as charts
from latentia.report.cards import Card, Tile
from latentia.report.content import number
from latentia.report.diagnosis import NO, YES, Check, alike, question_card, trained
from latentia.report.figures import Learning
from latentia.report.head import about, choices_of, head_of
from latentia.report.image_cards import completion_card
from latentia.report.images import LARGE_IMAGE, pixels, square
from latentia.report.page import Page
from latentia.report.sections import sampler_card
from latentia.vocabulary import OVERFITTED

SAMPLES = 64
COMPLETIONS = 16
ROWS_SHOWN = 10


def page(run: DensityRun) -> Page:
    """What the report of an autoregressive model's run shows, its figures on the test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    estimator = run.estimator
    started = time.perf_counter()
    drawn = estimator.sample(SAMPLES, random_state=0)
    seconds = time.perf_counter() - started
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(estimator._entry()),
        settings={**run.config.get("params", {}), **estimator.settings_},
        choices=choices_of(estimator),
    )
    asked = question_card(questions(figures, estimator.history_))
    return Page(head, estimator.levels_.image_shape, [asked, *cards(run, figures, drawn, seconds)])


def questions(figures: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` gives."""
    kept = Learning.of(history, exact=True).kept if history else ""
    held_out = next((text for text in figures["evidence"] if "held-out" in text), None)
    answer = NO if OVERFITTED in figures["verdicts"] else YES
    holds = None if held_out is None else Check("Does it hold for new items?", answer, held_out)
    return [check for check in (holds, alike(figures), trained(figures, kept)) if check is not None]


def cards(run: DensityRun, figures: Mapping[str, Any], drawn: np.ndarray, seconds: float) -> list[Card]:
    """All cards in reading order."""
    found = _images(run, drawn) if run.is_image else [_rows(run, drawn)]
    rows = run.estimator.history_
    if rows:
        learning = Card(
            "learning-curves",
            "Learning curves",
            "Exact on both parts; the dot is the epoch whose weights are kept.",
            alt=f"Negative log-likelihood over {len(rows)} epochs.",
            draw=lambda theme: charts.learning_curves(rows, theme, exact=True),
        )
        found.append(learning)
    numbers = SAMPLES * int(np.prod(run.estimator.event_shape_))
    lead = "Every layer keeps what it has computed for earlier numbers, so that an item costs one pass of the network."
    sampler = sampler_card(lead, seconds, SAMPLES, f"{number(numbers)} numbers")
    sampler = replace(sampler, headline=(f"{1000 * seconds / SAMPLES:.2g} ms", "to draw an item"))
    return [replace(found[0], headline=_packed(run, figures)), *found[1:], sampler]


def _packed(run: DensityRun, figures: Mapping[str, Any]) -> tuple[str, str] | None:
    """How short items can be written with the model, against their levels one by one."""
    plain = float(np.log2(max(2, figures["n_levels"])))
    bits = -figures["log_likelihood"] / np.prod(run.estimator.event_shape_) / np.log(2)
    words = f"of their plain size is what items can be packed into: {bits:.2f} of {plain:.2f} bits a number, of {levels(figures['n_levels'])}"
    return f"{bits / plain:.0%}", words


def _tiles(run: DensityRun, items: np.ndarray) -> np.ndarray:
    """Items as RGB tiles, by their levels from black to white."""
    return pixels(run.estimator.levels_.viewable(items))


def _sheet(card: Card, tiles: Sequence[Tile], rows: list[np.ndarray], run: DensityRun, columns: int) -> Card:
    large = max(run.estimator.event_shape_[1:]) >= LARGE_IMAGE
    return replace(
        card,
        tiles=tuple(tiles),
        sheet=rows,
        columns=columns // 2 if large else columns,
        sharp=not large,
    )


def _images(run: DensityRun, drawn: np.ndarray) -> list[Card]:
    test = run.split(run.whole_or("test")).take(SAMPLES, seed=1)
    shown = [
        ("samples", "Samples", "New images, drawn pixel by pixel.", _tiles(run, drawn), "Sample"),
        (
            "data",
            "Data",
            "Images of the test split, at random.",
            _tiles(run, np.asarray(test.x)),
            "Test image",
        ),
    ]
    found = [
        _sheet(
            Card(name, title, lead),
            [Tile(((t, f"{word} {i + 1} of {len(tiles)}"),)) for i, t in enumerate(tiles)],
            square(tiles),
            run,
            8,
        )
        for name, title, lead, tiles, word in shown
    ]
    return [*found, _completions(run)]


def _completions(run: DensityRun) -> Card:
    part = run.split(run.whole_or("test")).take(COMPLETIONS)
    drawn = [run.completed(part.x, 0.5, seed=seed, labels=part.y) for seed in (0, 1)]
    lead = "The upper half of images of the test split is kept and the lower half drawn"
    return completion_card(lead, *(_tiles(run, items) for items in (np.asarray(part.x), *drawn)))


def _rows(run: DensityRun, drawn: np.ndarray) -> Card:
    """Rows of a table that were drawn, for data that are no images."""
    names = tuple(run.columns or [f"feature {i}" for i in range(drawn.shape[1])])
    body = [tuple(_written(value) for value in row) for row in drawn[:ROWS_SHOWN]]
    return Card("samples", "Samples", "New rows, drawn number by number.", table=(names, *body), wide=True)


def _written(value: Any) -> str:
    return number(float(value)) if float(value) != int(value) else number(int(value))
