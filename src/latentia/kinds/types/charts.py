"""The charts of a report on community types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from latentia.diagnostics.prediction_strength import MODERATE, STRONG
from latentia.kinds.types.choosing import Choice
from latentia.kinds.types.fits import CRITERIA, HELD_OUT
from latentia.kinds.types.honesty import STABLE, Honesty
from latentia.kinds.types.tables import CLEAR
from latentia.kinds.types.words import LABELS
from latentia.report.theme import Theme, canvas, legend, plain, style

_WIDE = 7.2  # inches


def criteria_figure(choice: Choice, criterion: str, theme: Theme) -> Figure | None:
    """A panel for each criterion and one for held-out samples, by the number of types, the best marked; None with one number."""
    if len(choice.tried) < 2:
        return None
    numbers = [each.n_components for each in choice.tried]
    held = HELD_OUT in choice.chosen
    names = [*CRITERIA, *([HELD_OUT] if held else [])]
    rows = -(-len(names) // 3)
    figure = canvas(theme, _WIDE, 0.3 + 2.1 * rows)
    panels = figure.subplots(rows, 3, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        values = np.array(
            [
                float("nan") if (v := getattr(each, name.replace("-", "_"))) is None else v
                for each in choice.tried
            ]
        )
        title = "held-out, nats a sample" if name == HELD_OUT else LABELS[name]
        style(axes, theme, x="types", title=f"{title} (decides)" if name == criterion else title)
        axes.plot(
            numbers,
            values,
            "o-",
            color=theme.data if name == criterion else theme.muted,
            linewidth=1.8,
            markersize=3.5,
        )
        if name == HELD_OUT:
            error = np.array([each.held_out_error or 0.0 for each in choice.tried])
            axes.fill_between(
                numbers, values - error, values + error, color=theme.faint, alpha=0.4, linewidth=0
            )
        best = numbers.index(choice.chosen[name])
        axes.plot(numbers[best], values[best], "o", color=theme.model, markersize=8)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def honesty_figure(honesty: Honesty, theme: Theme) -> Figure | None:
    """Prediction strength of each split, agreement of each bootstrap draw, samples between each pair; None where nothing was looked at."""
    if not honesty.prediction_strength and not honesty.bootstrap and not honesty.between:
        return None
    figure = canvas(theme, _WIDE, 2.8)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, values, marks, title in (
        (left, honesty.prediction_strength, (MODERATE, STRONG), "prediction strength"),
        (middle, honesty.bootstrap, (STABLE,), "bootstrap agreement"),
    ):
        style(axes, theme, title=title)
        axes.set_ylim(min(-0.02, *values, 0) if values else 0, 1.05)
        axes.set_xticks([])
        for mark in marks:
            axes.axhline(mark, color=theme.model, linewidth=1.2, linestyle="--")
        axes.plot(
            np.linspace(-0.5, 0.5, len(values)) if len(values) > 1 else [0.0] * len(values),
            values,
            "o",
            color=theme.data,
            markersize=5,
        )
        if values:
            axes.axhline(float(np.median(values)), color=theme.data, linewidth=1.2)
        axes.set_xlim(-1, 1)
    style(right, theme, title="share between types", x="pair (grey: drawn from the fit)")
    pairs = honesty.between[:12]
    places = np.arange(len(pairs))
    right.bar(places - 0.2, [pair.observed for pair in pairs], 0.38, color=theme.data)
    right.bar(
        places + 0.2, [pair.simulated for pair in pairs], 0.38, color=theme.faint, label="drawn from the fit"
    )
    highest = max((max(pair.observed, pair.simulated) for pair in pairs), default=0.0)
    right.set_ylim(0, max(0.1, 1.1 * highest))
    right.set_xticks(places, [f"{pair.pair[0] + 1}-{pair.pair[1] + 1}" for pair in pairs])
    return figure


def _palette(theme: Theme, k: int) -> list[str]:
    return [theme.categories[i % len(theme.categories)] for i in range(k)]


def _bounds(labels: np.ndarray, k: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(labels, minlength=k))])


def bars_figure(shares: np.ndarray, names: Sequence[str], labels: np.ndarray, theme: Theme) -> Figure:
    """Stacked bars of compositions, samples sorted by type.

    Args:
        shares: `[n, t + 1]`: proportions of some taxa and of all others, samples in the order shown.
        names: of the columns, `[t + 1]`.
        labels: type of each sample, from 0 and rising, `[n]`.
        theme: of the colours.
    """
    figure = canvas(theme, _WIDE, 3.8)
    axes = figure.add_subplot()
    style(axes, theme, y="proportion", grid=None)
    colors = [*_palette(theme, len(names) - 1), theme.faint]
    bottom, edges = np.zeros(len(shares)), np.arange(len(shares) + 1) - 0.5
    for j, name in enumerate(names):
        top = bottom + shares[:, j]
        low, high = (np.append(values, values[-1]) for values in (bottom, top))
        axes.fill_between(edges, low, high, step="post", color=colors[j], linewidth=0, label=plain(name, 30))
        bottom = top
    _mark_types(axes, labels, theme)
    axes.set_ylim(0, 1)
    legend(axes, theme, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _mark_types(axes: Axes, labels: np.ndarray, theme: Theme) -> None:
    k = int(labels.max(initial=0)) + 1
    bounds = _bounds(labels, k)
    shown = [i for i in range(k) if bounds[i + 1] > bounds[i]]
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xticks([(bounds[i] + bounds[i + 1] - 1) / 2 for i in shown], [f"type {i + 1}" for i in shown])
    for bound in bounds[1:-1]:
        axes.axvline(bound - 0.5, color=theme.ink, linewidth=1.2)


def heat_figure(roots: np.ndarray, names: Sequence[str], labels: np.ndarray, theme: Theme) -> Figure:
    """Square roots of proportions, `[n, t]`: a row for each driver taxon, a column for each sample, sorted by type."""
    figure = canvas(theme, _WIDE, 1.2 + 0.19 * len(names))
    axes = figure.add_subplot()
    style(axes, theme, grid=None)
    image = axes.imshow(roots.T, aspect="auto", interpolation="nearest", cmap=theme.sequential)
    axes.set_yticks(np.arange(len(names)), [plain(name, 40) for name in names])
    axes.tick_params(axis="y", labelsize=7.5)
    _mark_types(axes, labels, theme)
    bar = figure.colorbar(image, ax=axes, pad=0.01)
    bar.ax.tick_params(colors=theme.muted, labelsize=8, length=0)
    bar.outline.set_visible(False)
    bar.set_label("square root of proportion", color=theme.muted, fontsize=8.5)
    return figure


def certainty_figure(certain: np.ndarray, labels: np.ndarray, k: int, theme: Theme) -> Figure:
    """How probable the most probable type of each sample is."""
    figure = canvas(theme, 5.2, 3.2)
    axes = figure.add_subplot()
    style(axes, theme, x="probability of the most probable type", y="samples")
    low = min(1 / k, float(certain.min(initial=1.0)))
    axes.hist(
        [certain[labels == i] for i in range(k)], bins=np.linspace(low, 1, 31).tolist(), stacked=True, color=_palette(theme, k),
        label=[f"type {i + 1}" for i in range(k)],
    )  # fmt: skip
    axes.axvline(CLEAR, color=theme.ink, linewidth=1, linestyle="--")
    legend(axes, theme, loc="upper left")
    return figure


def ordination_figure(
    points: np.ndarray, shares: tuple[float, float], labels: np.ndarray, k: int, theme: Theme
) -> Figure:
    """Samples `[n, 2]` in the plane of the two main directions, in the colour of their type."""
    figure = canvas(theme, 5.2, 4.4)
    axes = figure.add_subplot()
    style(
        axes,
        theme,
        x=f"first direction ({shares[0]:.0%} of variance)",
        y=f"second direction ({shares[1]:.0%})",
        grid="both",
    )
    colors = np.array(_palette(theme, k))[labels]
    axes.scatter(
        points[:, 0],
        points[:, 1],
        c=colors.tolist(),
        s=float(np.clip(6000 / max(len(points), 1), 8, 45)),
        linewidths=0,
        alpha=0.85,
    )
    legend(
        axes,
        theme,
        handles=[Patch(color=color, label=f"type {i + 1}") for i, color in enumerate(_palette(theme, k))],
    )
    return figure
