"""The charts of a report on a mixture: items by component, criteria over K, and likelihood by iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from latentia.kinds.mixture.words import CRITERIA
from latentia.report.embedding import LatentMap
from latentia.report.map_chart import bare, heart, named
from latentia.report.theme import Theme, canvas, finite, plain, style

_MAX_CURVE = 12  # points that are marked one by one
_SHADES = 4  # of a colour, by how much the component is in doubt


def component_map(
    plane: LatentMap, responsibilities: np.ndarray, names: Sequence[str], theme: Theme
) -> Figure:
    """Items in a plane (a histogram for one feature) in the colour of their component, paler where it is in doubt."""
    shares = responsibilities[plane.rows]
    component, certain = shares.argmax(1), shares.max(1)
    k = shares.shape[1]
    palette = [theme.categories[i % len(theme.categories)] for i in range(k)]
    figure = canvas(theme, 5.2, 3.0 if plane.points.shape[1] == 1 else 4.3)
    axes = figure.add_subplot()
    if plane.points.shape[1] == 1:
        style(axes, theme, x=plain(names[0]), y="items")
        values = plane.points[:, 0]
        axes.hist([values[component == i] for i in range(k)], bins=30, stacked=True, color=palette)
        return figure
    if plane.method == "codes":
        style(axes, theme, x=plain(names[0]), y=plain(names[1]), grid="both")
    else:
        style(axes, theme, grid=None)
        bare(axes)
    doubt = (1 - certain) / max(1 - 1 / k, 1e-12)  # 0 certain, 1 no preference
    size = float(np.clip(8000 / max(len(plane.points), 1), 5, 32))
    steps = np.rint(_SHADES * doubt).astype(int)
    for i in range(k):
        for step in np.unique(steps[component == i]):
            points = plane.points[(component == i) & (steps == step)]
            axes.scatter(
                points[:, 0],
                points[:, 1],
                s=size,
                color=palette[i],
                alpha=0.9 - 0.65 * step / _SHADES,
                linewidths=0,
            )
    for i in np.unique(component):
        place = heart(plane.points[component == i], plane.points)
        if place is not None:
            named(axes, str(i), place, theme)
    return figure


def criteria_curve(table: Sequence[Mapping[str, float]], criterion: str, theme: Theme) -> Figure | None:
    """A panel for each criterion by the number of components, smallest value marked, the one in force in colour.

    None with fewer than two numbers: there is nothing to choose from.
    """
    if len(table) < 2:
        return None
    numbers = [row["n_components"] for row in table]
    figure = canvas(theme, 5.2, 4.0)
    grid = figure.subplots(2, 2, sharex=True)
    for axes, (name, label) in zip(grid.ravel(), CRITERIA.items(), strict=True):
        values = finite([row[name] for row in table])
        color = theme.data if name == criterion else theme.muted
        style(axes, theme, title=f"{label} (chooses)" if name == criterion else label)
        axes.plot(numbers, values, "o-", color=color, linewidth=1.8, markersize=3.5)
        if np.isfinite(values).any():
            best = int(np.nanargmin(values))
            axes.plot(numbers[best], values[best], "o", color=theme.model, markersize=8)
        axes.margins(y=0.12)  # the mark of the smallest value is whole
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        _whole(axes)
    for axes in grid[-1]:
        axes.set_xlabel("components", color=theme.muted, fontsize=9)
    return figure


def likelihood_curve(log_likelihood: Sequence[float], theme: Theme) -> Figure | None:
    """Mean log-likelihood of the training items by iteration of EM; None where nothing is known."""
    values = np.asarray(log_likelihood, dtype=float)
    if not np.isfinite(values).any():
        return None
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="iteration", y="log-likelihood, nats per item")
    marker = "o" if len(values) <= _MAX_CURVE else None
    axes.plot(
        np.arange(1, len(values) + 1), values, color=theme.data, linewidth=1.8, marker=marker, markersize=4
    )
    _whole(axes)
    return figure


def _whole(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
