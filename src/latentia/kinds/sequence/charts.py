"""Charts of a run of sequences: against counts, by position and length, gaps, and the learning curves with their phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from latentia.report.cards import Card, Draw
from latentia.report.theme import Theme, canvas, finite, legend, style

BINS = 30  # of the histogram of gaps


def charted(card: Card, alt: str, draw: Draw) -> Card:
    """A card with a chart; `alt` says what it shows."""
    return replace(card, alt=alt, draw=draw)


def against_counts(rows: Sequence[tuple[str, float]], theme: Theme) -> Figure:
    """Nats per item of several models as bars; the last rows are those of the model itself."""
    figure = canvas(theme, 5.2, 0.9 + 0.36 * len(rows))
    axes = figure.add_subplot()
    style(axes, theme, x="nats per item (lower is better)", grid="x")
    places = np.arange(len(rows))[::-1]
    values = np.array([value for _, value in rows])
    colours = [theme.faint if name.endswith("gram") else theme.model for name, _ in rows]
    axes.barh(places, values, 0.62, color=colours)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {value:.2f}", va="center", fontsize=8.5, color=theme.ink)
    axes.set_yticks(places, [name for name, _ in rows])
    axes.set_xlim(0, float(values.max()) * 1.15)
    return figure


def forced_and_free(curves: Mapping[str, np.ndarray], theme: Theme) -> Figure:
    """Loss of a token by its position, for several prefixes and codes."""
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="position in the item", y="nats a token")
    looks = {
        "true prefix, own code": (theme.data, "-"),
        "true prefix, another's code": (theme.data, ":"),
        "own words, own code": (theme.model, "-"),
        "own words, another's code": (theme.model, ":"),
    }
    for name, values in curves.items():
        colour, dash = looks[name]
        places = np.arange(1, len(values) + 1)
        marker = "o" if len(values) <= 25 else None
        axes.plot(places, values, dash, color=colour, label=name, linewidth=1.6, marker=marker, markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    legend(axes, theme, loc="best")
    return figure


def by_length(lengths: np.ndarray, per_token: np.ndarray, theme: Theme) -> Figure:
    """Loss of a token by the length of its item: a dot an item, and the mean of eight groups of like length."""
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="tokens of the item", y="nats a token")
    axes.scatter(lengths, per_token, s=7, color=theme.data, alpha=0.25, linewidths=0, label="an item")
    groups = np.array_split(np.argsort(lengths, kind="stable"), min(8, len(lengths)))
    x = [float(lengths[group].mean()) for group in groups]
    y = [float((per_token[group] * lengths[group]).sum() / lengths[group].sum()) for group in groups]
    axes.plot(
        x, y, "o-", color=theme.model, linewidth=1.6, markersize=4, label="mean of items of like length"
    )
    legend(axes, theme, loc="best")
    return figure


def phases(
    pretraining: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], theme: Theme
) -> Figure:
    """Negative bound, rate and beta by epoch; the phase as an autoencoder and the time in which beta rises are shaded."""
    figure = canvas(theme, 5.2, 4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    style(upper, theme, y="nats per item")
    style(lower, theme, x="epoch", y="rate (KL), nats")
    first = len(pretraining)
    epochs = np.arange(1, first + len(history) + 1)

    def column(name: str, sign: float = 1.0) -> np.ndarray:
        values = [row.get(name) for row in (*pretraining, *history)]
        return sign * finite(values)

    upper.plot(
        epochs,
        column("train_distortion"),
        "--",
        color=theme.model,
        label="training distortion",
        linewidth=1.4,
    )
    bound = column("validation_elbo", -1.0)
    bound[:first] = np.nan
    upper.plot(
        epochs, bound, "o-", color=theme.data, label="validation: negative ELBO", linewidth=1.6, markersize=3
    )
    rate = column("validation_kl")
    rate[:first] = np.nan
    lower.plot(epochs, rate, "o-", color=theme.data, linewidth=1.6, markersize=3)
    beta = column("train_beta")
    beta[:first] = 0.0
    rising = np.flatnonzero(np.nan_to_num(beta, nan=1.0) < 0.999)
    until = (int(rising.max()) + 1 if len(rising) else 0) + 0.5
    for axes in (upper, lower):
        if first:
            axes.axvspan(0.5, first + 0.5, color=theme.faint, alpha=0.45, linewidth=0)
        if until > first + 0.5:
            axes.axvspan(first + 0.5, until, color=theme.faint, alpha=0.2, linewidth=0)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    legend(upper, theme, loc="best")
    return figure


def gap_figure(data: np.ndarray, draws: np.ndarray, unit: float, theme: Theme) -> Figure:
    """Two histograms of the logarithms of gaps, as shares of each."""
    figure = canvas(theme, 5.2, 3.0)
    axes = figure.add_subplot()
    style(axes, theme, x="gap" + (f" + {unit:.3g}" if unit else ""), y="share")
    both = np.concatenate([data, draws])
    edges = np.exp(np.linspace(both.min() - 1e-3, both.max() + 1e-3, BINS + 1))
    looks: tuple[dict[str, Any], ...] = (
        {"color": theme.data, "alpha": 0.5, "label": "data"},
        {"color": theme.model, "histtype": "step", "linewidth": 1.6, "label": "draws"},
    )
    for values, look in zip((data, draws), looks, strict=True):
        if len(values):
            axes.hist(np.exp(values), bins=list(edges), weights=np.full(len(values), 1 / len(values)), **look)
    axes.set_xscale("log")
    legend(axes, theme, loc="best")
    return figure
