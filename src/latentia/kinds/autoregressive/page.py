"""From the run folder of an autoregressive model to its report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentia.kinds.autoregressive.run import DensityRun
from latentia.report import figures as charts
from latentia.report.cards import Card, Tile
from latentia.report.content import Figure, number
from latentia.report.head import about, choices_of, head_of
from latentia.report.image_cards import completion_card
from latentia.report.images import LARGE_IMAGE, pixels, square
from latentia.report.page import Page
from latentia.report.sections import sampler_card

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
    took = Figure(
        "sampler", seconds, "seconds", "", f"to draw {SAMPLES} items, activations cached", "sampler"
    )
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(estimator._entry()),
        settings={**run.config.get("params", {}), **estimator.settings_},
        choices=choices_of(estimator),
        extra=[took],
    )
    return Page(head, estimator.levels_.image_shape, cards(run, drawn, seconds))


def cards(run: DensityRun, drawn: np.ndarray, seconds: float) -> list[Card]:
    """All cards in reading order."""
    found = _images(run, drawn) if run.is_image else [_rows(run, drawn)]
    rows = run.estimator.history_
    if rows:
        lead = "Negative log-likelihood on the training and the validation part; both are exact."
        learning = Card(
            "learning-curves",
            "Learning curves",
            lead,
            alt=f"Negative log-likelihood over {len(rows)} epochs.",
            draw=lambda theme: charts.learning_curves(rows, theme),
        )
        found += [] if learning is None else [learning]
    numbers = SAMPLES * int(np.prod(run.estimator.event_shape_))
    lead = "Every layer keeps what it has computed for earlier numbers, so that an item costs one pass of the network."
    return [*found, sampler_card(lead, seconds, SAMPLES, f"{number(numbers)} numbers")]


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
