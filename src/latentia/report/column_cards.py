"""The cards of a report on a table of unlike columns: a line a column, what is drawn, what goes together, the least probable rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latentia.data.column import Column
from latentia.data.frames import frame_of
from latentia.diagnostics.associations import associations
from latentia.diagnostics.margins import margins
from latentia.report.cards import Card, of_split
from latentia.report.content import ReportInput, number
from latentia.report.theme import Theme, canvas, legend, plain, style

_MOST_SHOWN, _MOST_LINES, _MOST_WORST, _MOST_BARS = 12, 60, 12, 8
_NAMED = ("category", "ordinal", "binary")


def column_cards(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    """Cards before those that every report has, and after them."""
    assert report.columns is not None
    columns = tuple(report.columns)
    gaps = np.array(margins(report.originals, report.samples).ks)
    lines = _lines(report, columns, gaps)
    lead = (
        "What each column was taken as; the gap between the cumulative distributions of data and samples (0 alike, 1 apart); and what "
        f"reconstructions keep: of numbers the share of variance, of levels the share of cells that are right{of_split(report)}."
    )
    order = np.argsort(-gaps, kind="stable")[:_MOST_SHOWN]
    shown = f" Shown: the {_MOST_SHOWN} that differ most." if len(columns) > _MOST_SHOWN else ""
    drawing: list[Card | None] = [
        Card("columns", "Columns", lead, table=lines, wide=True),
        Card(
            "samples",
            f"Samples from {report.source}",
            f"Each column in the data and in samples.{shown}",
            alt=f"Histograms of each column: data filled, samples from {report.source} as a line.",
            draw=lambda theme: _margins(report, columns, order, gaps, theme),
        ),
        Card(
            "associations",
            "What goes together",
            "A dot for each pair of columns: how strongly they go together (0 not at all, 1 one tells the other) in the data and in samples. "
            "On the line, samples keep it.",
            alt="Scatter: association of each pair of columns in the data against that in the samples.",
            draw=lambda theme: _pairs(report, columns, theme),
        ),
    ]
    private = Card("copies", "Samples and training rows", report.copies) if report.copies else None
    return drawing, [_worst_rows(report, columns), private]


def kept_of(column: Column, told: NDArray[np.float64], rebuilt: NDArray[np.float64]) -> float:
    """What reconstructions keep of a column: of levels the share that is right, else the share of variance; NaN where nothing varies.

    >>> kept_of(Column("a", "category", levels=("u", "v")), np.array([0.0, 1.0, np.nan]), np.array([0.0, 0.0, 1.0]))
    0.5
    """
    known = ~np.isnan(told) & ~np.isnan(rebuilt)
    told, rebuilt = told[known], rebuilt[known]
    if not len(told):
        return float("nan")
    if column.kind in _NAMED:
        return float((told == rebuilt).mean())
    total = float(((told - told.mean()) ** 2).sum())
    return 1 - float(((told - rebuilt) ** 2).sum()) / total if total > 0 else float("nan")


def _lines(
    report: ReportInput, columns: Sequence[Column], gaps: NDArray[np.float64]
) -> tuple[tuple[str, ...], ...]:
    rows = [("column", "taken as", "missing", "gap of samples", "kept by reconstructions")]
    for j, column in enumerate(columns[:_MOST_LINES]):
        kept = kept_of(column, report.originals[:, j], report.reconstructions[:, j])
        share = float(np.isnan(report.originals[:, j]).mean())
        of = "right" if column.kind in _NAMED else "of variance"
        told = "not defined" if np.isnan(kept) else f"{kept:.0%} {of}"
        rows.append((column.name, f"{column.kind}: {column.why}", f"{share:.1%}", f"{gaps[j]:.2f}", told))
    if len(columns) > _MOST_LINES:
        rows.append((f"... and {len(columns) - _MOST_LINES} more", "", "", "", ""))
    return tuple(rows)


def _margins(
    report: ReportInput,
    columns: Sequence[Column],
    order: NDArray[np.int64],
    gaps: NDArray[np.float64],
    theme: Theme,
) -> Figure:
    across = min(3, len(order))
    down = -(-len(order) // across)
    figure = canvas(theme, 5.2, 0.5 + 1.5 * down)
    grid = np.atleast_1d(figure.subplots(down, across, squeeze=False)).ravel()
    for axes in grid[len(order) :]:
        axes.set_visible(False)
    for axes, j in zip(grid, order.tolist(), strict=False):
        style(axes, theme, grid=None)
        axes.set_title(
            f"{plain(columns[j].name, 17)}\ngap {gaps[j]:.2f}", fontsize=8.5, color=theme.ink, loc="left"
        )
        data, drawn = (rows[~np.isnan(rows[:, j]), j] for rows in (report.originals, report.samples))
        if columns[j].kind in _NAMED:
            _bars(axes, columns[j], data, drawn, theme)
        else:
            low, high = np.percentile(np.concatenate([data, drawn]), [1, 99]) if len(data) else (0.0, 1.0)
            bins = np.linspace(low, high if high > low else low + 1.0, 16)
            axes.hist(data, bins=bins, density=True, color=theme.data, alpha=0.35, label="data")
            axes.hist(
                drawn, bins=bins, density=True, histtype="step", color=theme.model, lw=1.5, label="samples"
            )
            axes.locator_params(axis="x", nbins=3)
        axes.set_yticks([])
        axes.tick_params(labelsize=8)
        axes.spines["left"].set_visible(False)
    handles, words = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, words, loc="outside upper left", ncols=2, frameon=False, fontsize=8.5, labelcolor=theme.ink
    )
    return figure


def _bars(
    axes: object, column: Column, data: NDArray[np.float64], drawn: NDArray[np.float64], theme: Theme
) -> None:
    """Shares of the most frequent levels."""
    levels = [str(level) for level in column.levels] + ["other"]
    shares = [
        np.bincount(x.astype(int), minlength=len(levels))[: len(levels)] / max(1, len(x))
        for x in (data, drawn)
    ]
    top = np.argsort(-shares[0], kind="stable")[:_MOST_BARS]
    top = top[(shares[0][top] > 0) | (shares[1][top] > 0)]
    places = np.arange(len(top))
    axes.bar(places, shares[0][top], 0.8, color=theme.data, alpha=0.35, label="data")  # type: ignore[attr-defined]
    axes.step(  # type: ignore[attr-defined]
        np.append(places - 0.5, len(top) - 0.5), np.append(shares[1][top], shares[1][top][-1:]), where="post", color=theme.model,
        lw=1.5, label="samples",
    )  # fmt: skip
    axes.set_xticks(places, [plain(levels[i], 8) for i in top], rotation=90, fontsize=7)  # type: ignore[attr-defined]


def _pairs(report: ReportInput, columns: Sequence[Column], theme: Theme) -> Figure | None:
    nominal = [column.kind == "category" for column in columns]
    data, drawn = (associations(rows, nominal) for rows in (report.originals, report.samples))
    upper = np.triu_indices(len(columns), k=1)
    x, y = data[upper], drawn[upper]
    known = ~np.isnan(x) & ~np.isnan(y)
    if not known.any():
        return None
    figure = canvas(theme, 5.2, 4.2)
    axes = figure.add_subplot()
    style(axes, theme, x="association in the data", y="association in the samples", grid="both")
    axes.plot([0, 1], [0, 1], color=theme.model, linewidth=1.4, label="as in the data")
    axes.scatter(x[known], y[known], s=12, color=theme.data, alpha=0.5, linewidths=0)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    legend(axes, theme, loc="upper left")
    return figure


def _worst_rows(report: ReportInput, columns: Sequence[Column]) -> Card | None:
    originals, rebuilt, scores = (np.asarray(part, dtype=float)[:_MOST_WORST] for part in report.worst)
    if not len(originals):
        return None
    names = report.worst_names or [str(i + 1) for i in range(len(originals))]
    told, expected = (frame_of(rows, columns).astype(object) for rows in (originals, rebuilt))
    weights = report.worst_cells
    body = []
    for i, (name, score) in enumerate(zip(names, scores, strict=False)):
        cells = (
            np.argsort(-weights[i], kind="stable")[:3]
            if weights is not None
            else np.arange(min(3, len(columns)))
        )
        body.append(
            (
                str(name),
                number(float(score)),
                "; ".join(
                    f"{columns[j].name}: {_cell(told.iloc[i, j])} → {_cell(expected.iloc[i, j])}"
                    for j in cells
                ),
            )
        )
    lead = f"The rows{of_split(report)} that the model explains least, with the cells that weigh most and what it expected there."
    return Card(
        "worst",
        "Least probable rows",
        lead,
        table=(("row", report.score, "observed → expected"), *body),
        wide=True,
    )


def _cell(cell: object) -> str:
    return number(cell) if isinstance(cell, float) else str(cell)
