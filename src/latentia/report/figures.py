"""The charts that every report has: learning curves, KL of each dimension, and the map of the latent space.

Each function takes plain arrays and a `Theme` and returns a matplotlib `Figure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from latentia.report.embedding import LatentMap
from latentia.report.theme import Theme, canvas, finite, legend, plain, style

_MAX_NAMED_CLASSES = 20
_MAX_DIMENSION_LABELS = 32
_OTHER = -1


@dataclass(frozen=True)
class Labels:
    """What the map is coloured by: classes (integers, negative where unknown, with their names) or a quantity."""

    classes: np.ndarray | None
    names: tuple[str, ...]
    quantity: np.ndarray | None

    @classmethod
    def of(cls, labels: np.ndarray | None, class_names: Sequence[str] | None, n: int) -> Labels:
        """Read labels of any kind: whole numbers and words are classes, other numbers are a quantity.

        >>> Labels.of(np.array(["b", "a", "b"]), None, 3).classes.tolist()
        [1, 0, 1]
        >>> Labels.of(np.array([0.5, 0.25]), None, 2).quantity.tolist()
        [0.5, 0.25]
        """
        if labels is None or n == 0:
            return cls(None, (), None)
        values = np.asarray(labels).ravel()
        if values.dtype.kind == "f":
            known = np.isfinite(values)
            if not (values[known] == np.rint(values[known])).all():
                return cls(None, (), finite(values))
            values = np.where(known, values, _OTHER).astype(np.int64)
        if values.dtype.kind not in "iub":
            values = np.array(["" if value is None else str(value) for value in values])
            found = [name for name in np.unique(values) if name]
            index = {name: i for i, name in enumerate(found)}
            return cls(np.array([index.get(value, _OTHER) for value in values]), tuple(map(str, found)), None)
        values = values.astype(np.int64)
        if class_names is not None and values.max() < len(class_names):
            return cls(values, tuple(class_names), None)
        numbers = np.unique(values[values >= 0])
        ranks = np.where(values >= 0, np.searchsorted(numbers, values), _OTHER)
        return cls(ranks, tuple(str(number) for number in numbers), None)


def _column(
    history: Sequence[Mapping[str, float | None]], *names: str, sign: float = 1.0
) -> np.ndarray | None:
    """The first of the named columns that has a number in it, with NaN where a row lacks one."""
    for name in names:
        values = finite([row.get(name) for row in history])
        if np.isfinite(values).any():
            return sign * values
    return None


def _epochs(history: Sequence[Mapping[str, float | None]]) -> np.ndarray:
    epochs = _column(history, "epoch")
    return np.arange(1.0, len(history) + 1) if epochs is None else epochs


def _curve(
    axes: Axes, x: np.ndarray, y: np.ndarray, color: str, label: str | None = None, dash: str = "-"
) -> None:
    """A line with dots where there are few points, so that a single epoch is seen too."""
    marker = "o" if np.isfinite(y).sum() <= 12 else None
    axes.plot(x, y, dash, color=color, linewidth=1.8, marker=marker, markersize=4, label=label)


def _limit(axes: Axes, *curves: np.ndarray | None) -> None:
    """Leave the fall of the first epochs out of the frame where it would flatten all that follows."""
    given = [curve for curve in curves if curve is not None]
    kept = np.concatenate([curve[len(curve) // 10 :] for curve in given])
    everything = np.concatenate(given)
    kept, everything = kept[np.isfinite(kept)], everything[np.isfinite(everything)]
    if len(kept) < 2 or np.ptp(kept) == 0 or np.ptp(everything) < 3 * np.ptp(kept):
        return
    margin = 0.08 * np.ptp(kept)
    axes.set_ylim(kept.min() - margin, kept.max() + margin)


def learning_curves(history: Sequence[Mapping[str, float | None]], theme: Theme) -> Figure | None:
    """Training loss and validation loss (mostly the negative bound) by epoch, best marked; None where neither is known."""
    train = _column(history, "train_loss")
    validation, judged_by = _column(history, "validation_elbo", sign=-1.0), "negative ELBO"
    loss = _column(history, "validation_loss")
    if loss is not None and (validation is None or not np.allclose(loss, validation, 1e-4, equal_nan=True)):
        validation, judged_by = (
            loss,
            "loss",
        )  # an objective that is no bound chose the epoch by what it minimises
    if train is None and validation is None:
        return None
    epochs = _epochs(history)
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="epoch", y="nats per item (lower is better)")
    if train is not None:
        _curve(axes, epochs, train, theme.model, "training loss", "--")
    if validation is not None:
        best = int(np.nanargmin(validation))
        label = f"validation: {judged_by} (best: epoch {epochs[best]:g})"
        _curve(axes, epochs, validation, theme.data, label)
        axes.plot(
            epochs[best], validation[best], "o", color=theme.data, markersize=8, markeredgecolor=theme.surface
        )
    _limit(axes, train, validation)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    legend(axes, theme, loc="upper right")
    return figure


def rate_and_distortion(history: Sequence[Mapping[str, float | None]], theme: Theme) -> Figure | None:
    """The two parts of the validation bound by epoch (and the learning rate); None where neither part is known."""
    panels = [
        ("distortion, nats", _column(history, "validation_distortion", "distortion"), theme.data),
        ("rate (KL), nats", _column(history, "validation_kl"), theme.model),
        ("learning rate", _column(history, "learning_rate"), theme.muted),
    ]
    if panels[0][1] is None:
        panels[0] = (panels[0][0], _column(history, "validation_log_likelihood", sign=-1.0), theme.data)
    if panels[0][1] is None and panels[1][1] is None:
        return None
    drawn = [(name, values, color) for name, values, color in panels if values is not None]
    epochs = _epochs(history)
    figure = canvas(theme, 5.2, 3.3)
    heights = [1.0 if name == "learning rate" else 1.6 for name, _, _ in drawn]
    grid = figure.subplots(len(drawn), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, values, color) in zip(grid, drawn, strict=True):
        style(axes, theme, title=name)
        _curve(axes, epochs, values, color)
        _limit(axes, values)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    grid[-1].set_xlabel("epoch", color=theme.muted, fontsize=9)
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    return figure


def kl_per_dimension(kl: np.ndarray, active: np.ndarray, theme: Theme) -> Figure | None:
    """KL of each latent dimension in nats, sorted; inactive dimensions are hatched. None without a finite KL."""
    values = finite(kl)
    if not np.isfinite(values).any():
        return None
    values = np.nan_to_num(values)
    order = np.argsort(-values, kind="stable")
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="latent dimension, sorted by KL", y="KL, nats")
    places = np.arange(len(order))
    width = 0.72 if len(order) <= 100 else 1.0
    on = np.asarray(active, dtype=bool)[order]
    axes.bar(places[on], values[order][on], width, color=theme.data, label=f"active ({on.sum()})")
    if not on.all():
        # An inactive dimension may carry exactly nothing: a stub under the axis shows that it is there.
        floor = 0.012 * max(values.max(), 1e-12)
        heights = np.maximum(values[order][~on], floor)
        axes.bar(
            places[~on], heights, width, facecolor=theme.surface, edgecolor=theme.muted,
            hatch="////" if len(order) <= 100 else None, linewidth=0.8, label=f"inactive ({(~on).sum()})",
        )  # fmt: skip
    if len(order) <= _MAX_DIMENSION_LABELS:
        axes.set_xticks(places, [str(i) for i in order])
    else:
        axes.set_xticks([])
    # With one bar or two, the frame is kept wide so that a bar stays a bar.
    axes.set_xlim(-0.7 - max(0, 3 - len(order)), len(order) - 0.3 + max(0, 3 - len(order)))
    legend(axes, theme, loc="upper right")
    return figure


def latent_picture(chart: LatentMap, labels: Labels, theme: Theme) -> Figure:
    """The latent space as a scatter of the codes (a histogram for D = 1), coloured and named by class."""
    figure = canvas(theme, 5.2, 3.0 if chart.points.shape[1] == 1 else 4.6)
    axes = figure.add_subplot()
    groups = _groups(chart, labels, theme)
    if chart.points.shape[1] == 1 and labels.quantity is None:
        _histogram(axes, chart, groups, theme)
        return figure
    style(axes, theme, grid=None)
    if chart.method == "codes":
        style(axes, theme, x="latent dimension 0", y="latent dimension 1", grid="both")
    else:
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
    size = float(np.clip(8000 / max(len(chart.points), 1), 6, 45))
    look: dict[str, Any] = {"s": size, "linewidths": 0.25, "edgecolors": theme.surface, "alpha": 0.85}
    if labels.quantity is not None:
        values = labels.quantity[chart.rows]
        if chart.points.shape[1] == 1:
            style(axes, theme, x="latent dimension 0", y="label", grid="both")
            axes.scatter(chart.points[:, 0], values, color=theme.data, **look)
            return figure
        axes.scatter(
            chart.points[:, 0],
            chart.points[:, 1],
            c=values,
            cmap=theme.sequential,
            plotnonfinite=True,
            **look,
        )
        scale = ScalarMappable(cmap=theme.sequential)
        scale.set_array(values[np.isfinite(values)])
        bar = figure.colorbar(scale, ax=axes, shrink=0.6, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=theme.muted, labelsize=8.5, length=0)
        bar.set_label("label", color=theme.muted, fontsize=9)
        return figure
    for _, color, rows in groups:
        axes.scatter(chart.points[rows, 0], chart.points[rows, 1], color=color, **look)
    for name, color, rows in groups:
        if name and color != theme.faint and len(rows):
            middle = _middle(chart.points[rows])
            axes.annotate(
                plain(name, 14), middle, ha="center", va="center", fontsize=12.5, fontweight="bold", color=theme.ink,
                path_effects=[withStroke(linewidth=3.2, foreground=theme.surface)],
            )  # fmt: skip
    others = [(name, color) for name, color, _ in groups if color == theme.faint and name]
    if others:
        legend(
            axes, theme, loc="lower right", handles=[Patch(color=color, label=name) for name, color in others]
        )
    return figure


def _middle(points: np.ndarray) -> tuple[float, float]:
    """The point of a class nearest to the medians of both axes: a name stands on its class, not between two parts."""
    x, y = points[np.argmin(((points - np.median(points, axis=0)) ** 2).sum(axis=1))]
    return float(x), float(y)


def _groups(chart: LatentMap, labels: Labels, theme: Theme) -> list[tuple[str, str, np.ndarray]]:
    """(name, colour, rows of the map) of each class; beyond 20 classes the frequent ones, and the rest in grey."""
    if labels.classes is None:
        return [("", theme.data, np.arange(len(chart.rows)))]
    classes = labels.classes[chart.rows]
    present, counts = np.unique(classes[classes >= 0], return_counts=True)
    named = list(present)
    if len(present) > _MAX_NAMED_CLASSES:
        frequent = present[np.argsort(-counts, kind="stable")][: _MAX_NAMED_CLASSES // 2]
        named = sorted(frequent)
    rest = np.flatnonzero((classes >= 0) & ~np.isin(classes, named))
    unknown = np.flatnonzero(classes < 0)
    groups = [(f"{len(present) - len(named)} other classes", theme.faint, rest)] if len(rest) else []
    groups += [("unlabelled", theme.faint, unknown)] if len(unknown) else []
    palette = theme.categories
    return groups + [
        (labels.names[c], palette[i % len(palette)], np.flatnonzero(classes == c))
        for i, c in enumerate(named)
    ]


def _histogram(axes: Axes, chart: LatentMap, groups: list[tuple[str, str, np.ndarray]], theme: Theme) -> None:
    values = chart.points[:, 0]
    style(axes, theme, x="latent dimension 0", y="items")
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    bins = np.linspace(low, high, int(np.clip(np.sqrt(len(values)) * 1.5, 8, 60)) + 1).tolist()
    axes.hist(
        [values[rows] for _, _, rows in groups], bins=bins, stacked=True, color=[color for _, color, _ in groups],
        label=[plain(name, 18) for name, _, _ in groups],
    )  # fmt: skip
    if any(name for name, _, _ in groups):
        legend(axes, theme, loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=1 + len(groups) // 13)
