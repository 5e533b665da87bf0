"""The charts that every report has: learning curves, and KL of each dimension.

Each function takes plain arrays and a `Theme` and returns a matplotlib `Figure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from latentia.report.content import number
from latentia.report.theme import Theme, canvas, legend, style

_MAX_DIMENSION_LABELS = 32


def _column(
    history: Sequence[Mapping[str, float | None]], *names: str, sign: float = 1.0
) -> np.ndarray | None:
    """The first of the named columns that has a number in it, with NaN where a row lacks one."""
    for name in names:
        known = np.array([row.get(name) for row in history], dtype=float)
        values = np.where(np.isfinite(known), known, np.nan)
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


@dataclass(frozen=True)
class Learning:
    """What was learned epoch by epoch, training and validation part by the same measure.

    Attributes:
        measure: what falls: "negative bound (ELBO)", "loss" or "negative log-likelihood".
        epochs: their numbers, `[n]`.
        train: nats an item, NaN where unknown, `[n]`; None where it is not known at all.
        validation: the same of the validation part.
    """

    measure: str
    epochs: np.ndarray
    train: np.ndarray | None
    validation: np.ndarray | None

    @classmethod
    def of(cls, history: Sequence[Mapping[str, float | None]], *, exact: bool = False) -> Learning:
        """From rows of a history; `exact`: its bound is the log-likelihood itself.

        An objective that is no bound chose the epoch by what it minimises: then both are its loss.
        """
        train, loss = _column(history, "train_loss"), _column(history, "validation_loss")
        bound = _column(history, "validation_elbo", sign=-1.0)
        if loss is not None and (bound is None or not np.allclose(loss, bound, 1e-4, equal_nan=True)):
            return cls("loss", _epochs(history), train, loss)
        distortion, rate = _column(history, "train_distortion"), _column(history, "train_kl")
        if bound is not None and distortion is not None and rate is not None:
            train = (
                distortion + rate
            )  # the loss may weigh the rate, or come to weigh it in the course of training
        measure = "negative log-likelihood" if exact else "negative bound (ELBO)"
        return cls(measure if bound is not None else "loss", _epochs(history), train, bound)

    @property
    def best(self) -> int | None:
        """Place of the epoch that the validation part found best."""
        return None if self.validation is None else int(np.nanargmin(self.validation))

    @property
    def kept(self) -> str:
        """Which weights are kept, in words.

        >>> Learning.of([{"epoch": i + 1, "validation_elbo": v} for i, v in enumerate([-9.0, -4.0, -5.0])]).kept
        'The weights of epoch 2 of 3 are kept: after it the validation part was explained worse (5.00 nats an item against 4.00).'
        """
        if self.best is None or self.validation is None:
            return "No part was held out: the weights of the last epoch are kept."
        best, last = self.best, len(self.epochs) - 1
        if best == last:
            return "The weights of the last epoch are kept: it explained the validation part best."
        found = np.flatnonzero(np.isfinite(self.validation))[-1]
        values = f"{number(float(self.validation[found]))} nats an item against {number(float(self.validation[best]))}"
        return (
            f"The weights of epoch {self.epochs[best]:g} of {self.epochs[last]:g} are kept: after it the validation part was "
            f"explained worse ({values})."
        )


def learning_curves(
    history: Sequence[Mapping[str, float | None]], theme: Theme, *, exact: bool = False
) -> Figure | None:
    """Training and validation part by epoch, in one measure, best epoch marked; None where neither is known."""
    seen = Learning.of(history, exact=exact)
    if seen.train is None and seen.validation is None:
        return None
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="epoch", y=f"{seen.measure}, nats")
    if seen.train is not None:
        _curve(axes, seen.epochs, seen.train, theme.model, "training", "--")
    if seen.validation is not None and seen.best is not None:
        best = seen.best
        label = f"validation (best: epoch {seen.epochs[best]:g})" if len(seen.epochs) > 1 else "validation"
        _curve(axes, seen.epochs, seen.validation, theme.data, label)
        axes.plot(seen.epochs[best], seen.validation[best], "o", color=theme.data, markersize=8)
    _limit(axes, seen.train, seen.validation)
    _by_epoch(axes, seen.epochs)
    legend(axes, theme)
    return figure


def _by_epoch(axes: Axes, epochs: np.ndarray) -> None:
    """Whole numbers below the axis, those of a single epoch too."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)


def rate_and_distortion(history: Sequence[Mapping[str, float | None]], theme: Theme) -> Figure | None:
    """The two parts of the validation bound by epoch; None where neither is known."""
    distortion = _column(history, "validation_distortion", "distortion")
    if distortion is None:
        distortion = _column(history, "validation_log_likelihood", sign=-1.0)
    rate = _column(history, "validation_kl")
    panels = [("distortion, nats", distortion, theme.data), ("rate (KL), nats", rate, theme.model)]
    drawn = [(name, values, color) for name, values, color in panels if values is not None]
    if not drawn:
        return None
    epochs = _epochs(history)
    figure = canvas(theme, 5.2, 3.3)
    grid = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, values, color) in zip(grid, drawn, strict=True):
        style(axes, theme, title=name)
        _curve(axes, epochs, values, color)
        _limit(axes, values)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    grid[-1].set_xlabel("epoch", color=theme.muted, fontsize=9)
    _by_epoch(grid[-1], epochs)
    return figure


def kl_per_dimension(kl: np.ndarray, active: np.ndarray, theme: Theme) -> Figure | None:
    """KL of each latent dimension in nats, sorted; inactive dimensions are hatched. None without a finite KL."""
    values = np.asarray(kl, dtype=float)
    if not np.isfinite(values).any():
        return None
    values = np.where(np.isfinite(values), values, 0.0)
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
    legend(axes, theme)
    return figure
