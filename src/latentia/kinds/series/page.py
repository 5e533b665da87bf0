"""The page of a run of series: series beside their reconstructions, draws, errors by column, the map of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from latentia.kinds.series.run import SeriesRun
from latentia.report import figures as pictures
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.diagnosis import checks
from latentia.report.embedding import latent_map
from latentia.report.head import about, choices_of, head_of
from latentia.report.map_chart import Labels, latent_picture
from latentia.report.page import Page
from latentia.report.theme import Theme, canvas, legend, style

SHOWN, MAPPED = 4, 3000
_COLUMNS = 4  # of a series that are drawn


def page(run: SeriesRun) -> Page:
    """What the report of a run shows, on its test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(run.estimator._entry()),
        settings={**run.estimator.get_params(deep=False), **run.estimator.settings_},
        choices=choices_of(run.estimator),
    )
    found = [
        _asked(figures),
        *_rebuilt(run, split),
        _samples(run),
        _forcing(figures),
        _columns(figures),
        _map(run, split),
        _kl(figures),
        _learning(run),
    ]
    return Page(head, run.event_shape, [card for card in found if card is not None])


def _asked(figures: dict[str, Any]) -> Card | None:
    rows: list[tuple[str, ...]] = [("Question", "Answer", "Figures")]
    for each in checks(figures):
        rows.append((each.question, each.answer, each.figures))
    if len(rows) == 1:
        return None
    return Card(
        "diagnosis", "Diagnosis", "Each answer with the figures behind it.", table=tuple(rows), wide=True
    )


def _rebuilt(run: SeriesRun, split: Any) -> list[Card]:
    part = run.split(split).take(SHOWN)
    items = [part.x.item(i) for i in range(len(part))]
    lead = "Held-out series (dots) and what their codes give back (lines), gaps filled."
    rebuilt = list(run.rebuilt(part.x))
    card = Card(
        "reconstructions",
        "Reconstructions",
        lead,
        alt=f"{len(items)} series beside their reconstructions.",
        draw=lambda theme: series_figure(items, rebuilt, run.names, theme),
        wide=True,
    )
    return [card]


def _samples(run: SeriesRun) -> Card:
    drawn, means = (list(run.drawn(SHOWN, seed=0, mean=mean)) for mean in (False, True))
    return Card(
        "samples",
        "Samples",
        "Draws from the model (dots) and their means (lines); lengths are drawn from those of training.",
        alt=f"{len(drawn)} series drawn from the model.",
        draw=lambda theme: series_figure(drawn, means, run.names, theme),
        wide=True,
    )


def series_figure(
    dots: Sequence[np.ndarray], lines: Sequence[np.ndarray], names: Sequence[str], theme: Theme
) -> Figure:
    """Series `[T, C]` as dots and others as lines: a row of charts for each column, a chart for each series."""
    names = names[:_COLUMNS]
    figure = canvas(theme, 2.0 * len(dots), 1.6 * len(names) + 0.3)
    grid = figure.subplots(len(names), len(dots), squeeze=False, sharey="row")
    for column, row in enumerate(grid):
        for place, axes in enumerate(row):
            style(axes, theme, y=_plain(names[column]) if place == 0 else "")
            axes.plot(dots[place][:, column], ".", color=theme.data, markersize=2.5)
            axes.plot(lines[place][:, column], "-", color=theme.model, linewidth=1.3)
    return figure


def _plain(text: str) -> str:
    """A name as matplotlib takes it: no dollar begins a formula."""
    return text.replace("$", r"\$")[:24]


def _forcing(figures: dict[str, Any]) -> Card | None:
    """Of a decoder that is told the numbers before each: what it foretells with them and without."""
    if "forced_explained" not in figures:
        return None
    rows: tuple[tuple[str, ...], ...] = (
        ("Numbers before each, and code", "Variance explained"),
        ("the true ones, the code of the series", f"{figures['forced_explained']:.1%}"),
        ("the true one before, no code: a regression", f"{figures['regression_explained']:.1%}"),
        ("its own, the code of the series", f"{figures['free_explained']:.1%}"),
        ("its own, the code of another", f"{figures['free_explained_other']:.1%}"),
        ("its own, no code", f"{figures['free_explained_zero']:.1%}"),
    )
    lead = (
        "The decoder is told the numbers before each. One that looks at its code as well foretells more, left alone with it, than with that of another "
        "series; one that does without it is good with the true numbers alone."
    )
    return Card("teacher-forcing", "With and without true numbers", lead, table=rows, wide=True)


def _columns(figures: dict[str, Any]) -> Card:
    rows: list[tuple[str, ...]] = [("Column", "Root mean squared error", "Variance explained")]
    rows += [
        (each["column"], number(each["rmse"]), f"{each['explained']:.1%}")
        for each in figures["diagnosis"]["columns"]
    ]
    lead = "Errors of reconstructions in the units of the data, over what is observed."
    return Card("columns", "Columns", lead, table=tuple(rows))


def _map(run: SeriesRun, split: Any) -> Card | None:
    part = run.split(split).take(MAPPED)
    codes = run.vectors(part.x)
    if part.y is not None:
        labels, how = Labels.of(part.y, run.dataset.class_names, len(codes)), "coloured by class"
    else:
        labels = Labels(None, (), np.asarray(part.x.lengths, dtype=float))
        how = "coloured by length"
    plane = latent_map(codes, labels.classes)
    if not len(plane.points):
        return None
    return Card(
        "latent-map",
        "Latent space",
        f"Posterior means in {codes.shape[1]} dimensions, {how}.",
        alt=f"Map of {len(plane.points)} codes, {how}.",
        draw=lambda theme: latent_picture(plane, labels, theme),
        wide=True,
    )


def _kl(figures: dict[str, Any]) -> Card | None:
    kl, active = np.asarray(figures["kl_per_dim"], dtype=float), np.asarray(figures["active"], dtype=bool)
    if len(kl) != len(active) or not len(kl):
        return None
    return Card(
        "kl-per-dimension",
        "What each dimension carries",
        f"{int(active.sum())} of {len(kl)} dimensions are active: the others carry next to nothing about the series.",
        alt=f"Bars: KL of each of {len(kl)} latent dimensions in nats, sorted.",
        draw=lambda theme: pictures.kl_per_dimension(kl, active, theme),
    )


def _learning(run: SeriesRun) -> Card | None:
    history = run.estimator.history_
    if len(history) < 2:
        return None
    return Card(
        "learning-curves",
        "Learning curves",
        "The negative bound by epoch, in nats a series.",
        alt=f"Negative bound over {len(history)} epochs.",
        draw=lambda theme: learning_figure(history, theme),
    )


def learning_figure(history: Sequence[dict[str, Any]], theme: Theme) -> Figure:
    """The loss of training and the negative bound of validation by epoch."""
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="epoch", y="nats a series")
    for name, sign, label, colour in (
        ("train_loss", 1.0, "training", theme.model),
        ("validation_elbo", -1.0, "validation", theme.data),
    ):
        values = np.array([np.nan if row.get(name) is None else sign * row[name] for row in history])
        if np.isfinite(values).any():
            axes.plot([row["epoch"] for row in history], values, color=colour, label=label, linewidth=1.6)
    legend(axes, theme, loc="best")
    return figure
