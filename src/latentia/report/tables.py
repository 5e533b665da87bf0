"""Charts for vectors: rows of a table or of counts, with their reconstructions and the model's samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from latentia.report.theme import Theme, canvas, finite, legend, plain, style

_MAX_BARS = 24
_MAX_MARGINALS = 12
_MAX_HEATMAP = (24, 60)
_MOST_NAMED = 14  # columns of a heat map: names of more would lie on each other on a phone
_MAX_PAIRS = 4000
_MAX_DOTS = 4000


def is_count(rows: np.ndarray) -> bool:
    """Whether rows are counts: whole, not negative, and not just two values.

    >>> is_count(np.array([[0.0, 3.0]])), is_count(np.array([[0.0, 1.0]])), is_count(np.array([[0.5, 3.0]]))
    (True, False, False)
    """
    return bool(rows.size and (rows >= 0).all() and (rows == np.rint(rows)).all() and rows.max() > 1)


def r_squared(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Share of each feature's variance that the reconstruction keeps, `[d]`; NaN where a feature is constant.

    R^2 = 1 - sum (x - x')^2 / sum (x - mean x)^2, which is negative where the mean would do better.

    >>> r_squared(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 1.0]])).tolist()
    [0.5, nan]
    """
    total = ((originals - originals.mean(axis=0)) ** 2).sum(axis=0)
    residual = ((originals - reconstructions) ** 2).sum(axis=0)
    constant = total <= 1e-12 * np.maximum(1.0, (originals**2).sum(axis=0))
    return np.where(constant, np.nan, 1 - residual / np.where(constant, 1.0, total))


def comparable(reference: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Reference rows and others on one scale: standardised by the reference (its constant columns centred only)."""
    centre, scale = reference.mean(axis=0), reference.std(axis=0)
    scale = np.where(scale > 1e-12 * np.maximum(1.0, np.abs(centre)), scale, 1.0)
    return [(rows - centre) / scale for rows in (reference, *others)]


def explained(
    originals: np.ndarray, reconstructions: np.ndarray, names: Sequence[str], theme: Theme
) -> Figure | None:
    """R^2 of each feature as sorted bars: the best and the worst where there are many. None if all are constant."""
    scores = finite(r_squared(originals, reconstructions))
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    order = order[np.isfinite(scores[order])]
    if not len(order):
        return None
    title = "R² of each feature"
    if len(order) > _MAX_BARS:
        title = f"R² of the {_MAX_BARS // 2} best and {_MAX_BARS // 2} worst of {len(order)} features"
        order = np.concatenate([order[: _MAX_BARS // 2], order[-_MAX_BARS // 2 :]])
    figure = canvas(theme, 5.2, max(1.6, 0.7 + 0.21 * len(order)))
    axes = figure.add_subplot()
    style(axes, theme, title=title, grid="x")
    # A single hopeless feature must not squeeze all others: the axis ends at -0.5, the number tells the rest.
    shown = np.clip(scores[order], -0.5, 1.0)
    places = np.arange(len(order))[::-1]
    axes.barh(places, shown, 0.68, color=np.where(scores[order] >= 0, theme.data, theme.model))
    for place, width, score in zip(places, shown, scores[order], strict=True):
        axes.text(max(width, 0) + 0.015, place, f"{score:.2f}", va="center", fontsize=8, color=theme.muted)
    axes.set_yticks(places, [plain(names[i]) for i in order])
    axes.set_xlim(min(0.0, float(shown.min())), 1.1)
    axes.set_ylim(-0.7, len(order) - 0.3)
    return figure


def agreement(originals: np.ndarray, reconstructions: np.ndarray, theme: Theme) -> Figure:
    """Observed against reconstructed values of all features, standardised, with the line where they agree."""
    observed, rebuilt = (values.ravel() for values in comparable(originals, reconstructions))
    if len(observed) > _MAX_DOTS:
        chosen = np.random.default_rng(0).choice(len(observed), _MAX_DOTS, replace=False)
        observed, rebuilt = observed[chosen], rebuilt[chosen]
    figure = canvas(theme, 5.2, 4.2)
    axes = figure.add_subplot()
    style(axes, theme, x="observed, standard deviations from the mean", y="reconstructed", grid="both")
    axes.scatter(observed, rebuilt, s=7, color=theme.data, alpha=0.35, linewidths=0)
    reach = np.nanpercentile(np.abs(observed), 99.8) * 1.1 + 0.1 if len(observed) else 1.0
    axes.plot(
        [-reach, reach], [-reach, reach], color=theme.model, linewidth=1.4, label="perfect reconstruction"
    )
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    legend(axes, theme)
    return figure


def side_by_side(
    originals: np.ndarray, reconstructions: np.ndarray, names: Sequence[str], theme: Theme
) -> Figure:
    """The first rows as two heat maps on one scale, observed left and reconstructed right, standardised."""
    count, features = min(len(originals), _MAX_HEATMAP[0]), min(originals.shape[1], _MAX_HEATMAP[1])
    pair = [values[:count, :features] for values in comparable(originals, reconstructions)]
    figure = canvas(
        theme, 5.2, float(np.clip(1.3 + 0.11 * count + (0.9 if features <= _MOST_NAMED else 0), 1.8, 5.0))
    )
    grid = figure.subplots(1, 2, sharey=True)
    colours = LinearSegmentedColormap.from_list("diverging", theme.diverging)
    for axes, values, title in zip(grid, pair, ("observed", "reconstructed"), strict=True):
        style(axes, theme, title=title, grid=None)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.imshow(values, cmap=colours, vmin=-2.5, vmax=2.5, aspect="auto", interpolation="none")
        axes.set_yticks([])
        axes.set_xticks([])
        if features <= _MOST_NAMED:
            axes.set_xticks(
                range(features), [plain(name, 16) for name in names[:features]], rotation=90, fontsize=8
            )
    grid[0].set_ylabel(f"{count} rows", color=theme.muted, fontsize=9)
    bar = figure.colorbar(grid[0].images[0], ax=list(grid), shrink=0.7, pad=0.02, extend="both")
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.muted, labelsize=8, length=0)
    bar.set_label("standard deviations", color=theme.muted, fontsize=8)
    return figure


def marginal_distance(data: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Kolmogorov-Smirnov distance of each feature between data and samples, `[d]`: 0 alike, 1 apart."""
    from scipy.stats import ks_2samp

    return np.array(
        [ks_2samp(x, y, method="asymp").statistic for x, y in zip(data.T, samples.T, strict=True)]
    )


def marginals(data: np.ndarray, samples: np.ndarray, names: Sequence[str], theme: Theme) -> Figure:
    """Histograms of data and samples, feature by feature: all, or the 12 in which they differ most."""
    distance = marginal_distance(data, samples)
    chosen = np.argsort(-distance, kind="stable")[:_MAX_MARGINALS]
    columns = min(3, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = canvas(theme, 5.2, 0.5 + 1.4 * lines)
    grid = np.atleast_1d(figure.subplots(lines, columns, squeeze=False)).ravel()
    for axes in grid[len(chosen) :]:
        axes.set_visible(False)
    for axes, i in zip(grid, chosen, strict=False):
        style(axes, theme, grid=None)
        axes.set_title(
            f"{plain(names[i], 17)}\nKS {distance[i]:.2f}", fontsize=8.5, color=theme.ink, loc="left"
        )
        bins = _bins(data[:, i], samples[:, i])
        axes.hist(data[:, i], bins=bins, density=True, color=theme.data, alpha=0.35, label="data")
        axes.hist(
            samples[:, i],
            bins=bins,
            density=True,
            histtype="step",
            color=theme.model,
            lw=1.5,
            label="samples",
        )
        axes.set_yticks([])
        axes.tick_params(labelsize=8)
        axes.locator_params(axis="x", nbins=3)
        axes.spines["left"].set_visible(False)
    handles, words = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, words, loc="outside upper left", ncols=2, frameon=False, fontsize=8.5, labelcolor=theme.ink
    )
    return figure


def _bins(data: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Bins over the bulk of the data and the samples: one for each value of a small count, else up to 24."""
    both = np.concatenate([data, samples])
    low, high = np.percentile(both, [0.5, 99.5])
    low, high = min(low, data.min()), max(high, data.max())
    if (both == np.rint(both)).all() and high - low <= 24:
        return np.arange(low, high + 2) - 0.5
    if high - low < 1e-9 * max(1.0, abs(low)):
        return np.linspace(low - 0.5, low + 0.5, 12)
    return np.linspace(low, high, int(np.clip(np.sqrt(len(data)), 8, 24)) + 1)


def correlations(data: np.ndarray, samples: np.ndarray, theme: Theme) -> Figure | None:
    """Correlation of each pair of features, in the data against in the samples; None with fewer than two features."""
    varied = (np.ptp(data, axis=0) > 0) & (np.ptp(samples, axis=0) > 0)
    if varied.sum() < 2 or len(data) < 3 or len(samples) < 3:
        return None
    upper = np.triu_indices(int(varied.sum()), k=1)
    x, y = (np.corrcoef(rows[:, varied].T)[upper] for rows in (data, samples))
    if len(x) > _MAX_PAIRS:
        pairs = np.random.default_rng(0).choice(len(x), _MAX_PAIRS, replace=False)
        x, y = x[pairs], y[pairs]
    figure = canvas(theme, 5.2, 4.2)
    axes = figure.add_subplot()
    style(axes, theme, x="correlation in the data", y="correlation in the samples", grid="both")
    axes.plot([-1, 1], [-1, 1], color=theme.model, linewidth=1.4, label="as in the data")
    axes.scatter(x, y, s=12 if len(x) < 500 else 6, color=theme.data, alpha=0.5, linewidths=0)
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-1.05, 1.05)
    axes.set_aspect("equal")
    legend(axes, theme)
    return figure
