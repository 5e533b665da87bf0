"""The map of the latent space: items as dots in the colours of their classes, or of a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from latentia.report.cards import Colour
from latentia.report.embedding import LatentMap
from latentia.report.theme import LIGHT, Theme, canvas, finite, plain, style

_MAX_NAMED_CLASSES = 20
_OTHER = -1
_NEAR = 0.1  # of the map's width: what lies about a point
_TOGETHER = 0.4  # of a class that lies about one point: its name may stand there


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


@dataclass(frozen=True)
class Group:
    """The dots of one class: its name, its colour of the light scheme, its rows of the map."""

    name: str
    colour: str
    rows: np.ndarray


def latent_picture(chart: LatentMap, labels: Labels, theme: Theme) -> Figure:
    """The latent space as a scatter of the codes (a histogram for D = 1), coloured by class or quantity."""
    groups = groups_of(chart, labels, theme)
    if chart.points.shape[1] == 1 and labels.quantity is None:
        low = canvas(theme, 5.2, 3.0)
        _histogram(low.add_subplot(), chart, groups, theme)
        return low
    figure = canvas(theme, 5.2, 4.3)
    axes = figure.add_subplot()
    style(axes, theme, grid=None)
    if chart.method == "codes":
        style(axes, theme, x="latent dimension 0", y="latent dimension 1", grid="both")
    else:
        bare(axes)
    size = float(np.clip(8000 / max(len(chart.points), 1), 5, 32))
    look: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": 0.8}
    if labels.quantity is not None:
        _by_quantity(figure, axes, chart, labels.quantity[chart.rows], look, theme)
        return figure
    for group in groups:
        axes.scatter(chart.points[group.rows, 0], chart.points[group.rows, 1], color=group.colour, **look)
    for group in groups:
        place = heart(chart.points[group.rows], chart.points)
        if group.name and group.colour != theme.faint and place is not None:
            named(axes, plain(group.name, 14), place, theme)
    return figure


def bare(axes: Axes) -> None:
    """Take ticks and frame away: places on a flat sheet have no units."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def named(axes: Axes, name: str, place: tuple[float, float], theme: Theme) -> None:
    """Write a name on dots, with a halo in the colour of the card."""
    axes.annotate(
        name, place, ha="center", va="center", fontsize=10.5, fontweight="bold", color=theme.ink, gid="halo"
    )


def heart(points: np.ndarray, everything: np.ndarray) -> tuple[float, float] | None:
    """The point about which most of a class lies; None of a class that is scattered: a name would say where it is not.

    Args:
        points: of the class, `[m, 2]`.
        everything: of all classes, `[n, 2]`.
    """
    if not len(points):
        return None
    near = _NEAR * float(np.ptp(everything, axis=0).max())
    some = points[:: max(1, len(points) // 500)]
    within = (np.linalg.norm(some[:, None] - some[None], axis=2) <= near).mean(axis=1)
    best = int(within.argmax())
    if len(everything) > 1 and within[best] < _TOGETHER:
        return None
    x, y = some[best]
    return float(x), float(y)


def key_of(chart: LatentMap, labels: Labels) -> tuple[Colour, ...]:
    """What the colours of the map stand for, with how many items each class has and how many of them are guessed right."""
    if labels.classes is None:
        return ()
    out = []
    for group in groups_of(chart, labels, LIGHT):
        note = f"{len(group.rows):,}"
        right = None if chart.right is None else chart.right[group.rows]
        if right is not None and np.isfinite(right).any():
            note += f", {np.nanmean(right):.0%} right"
        out.append(Colour(group.colour, group.name, note))
    return tuple(out)


def _by_quantity(
    figure: Figure, axes: Axes, chart: LatentMap, values: np.ndarray, look: dict[str, Any], theme: Theme
) -> None:
    if chart.points.shape[1] == 1:
        style(axes, theme, x="latent dimension 0", y="label", grid="both")
        axes.scatter(chart.points[:, 0], values, color=theme.data, **look)
        return
    dots = {"c": values, "cmap": theme.sequential, "plotnonfinite": True, **look}
    axes.scatter(chart.points[:, 0], chart.points[:, 1], **dots)
    scale = ScalarMappable(cmap=theme.sequential)
    scale.set_array(values[np.isfinite(values)])
    bar = figure.colorbar(scale, ax=axes, shrink=0.6, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.muted, labelsize=8.5, length=0)
    bar.set_label("label", color=theme.muted, fontsize=9)


def groups_of(chart: LatentMap, labels: Labels, theme: Theme) -> list[Group]:
    """The dots of each class; beyond 20 classes of the frequent ones, and the rest in grey."""
    if labels.classes is None:
        return [Group("", theme.data, np.arange(len(chart.rows)))]
    classes = labels.classes[chart.rows]
    present, counts = np.unique(classes[classes >= 0], return_counts=True)
    named = list(present)
    if len(present) > _MAX_NAMED_CLASSES:
        frequent = present[np.argsort(-counts, kind="stable")][: _MAX_NAMED_CLASSES // 2]
        named = sorted(frequent)
    rest = np.flatnonzero((classes >= 0) & ~np.isin(classes, named))
    unknown = np.flatnonzero(classes < 0)
    groups = [Group(f"{len(present) - len(named)} other classes", theme.faint, rest)] if len(rest) else []
    groups += [Group("unlabelled", theme.faint, unknown)] if len(unknown) else []
    palette = theme.categories
    return groups + [
        Group(labels.names[c], palette[i % len(palette)], np.flatnonzero(classes == c))
        for i, c in enumerate(named)
    ]


def _histogram(axes: Axes, chart: LatentMap, groups: list[Group], theme: Theme) -> None:
    values = chart.points[:, 0]
    style(axes, theme, x="latent dimension 0", y="items")
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    bins = np.linspace(low, high, int(np.clip(np.sqrt(len(values)) * 1.5, 8, 60)) + 1).tolist()
    axes.hist(
        [values[group.rows] for group in groups],
        bins=bins,
        stacked=True,
        color=[group.colour for group in groups],
    )
