"""What a report says of discrete codes: how they are used, where they lie, and what they cost under the prior."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.figure
import numpy as np

from latentia.kinds.codes.run import CodesRun
from latentia.kinds.codes.words import DEAD_CODES
from latentia.kinds.latent_page import CODES_SHOWN, latent_content
from latentia.report.cards import Card, of_split
from latentia.report.content import ReportInput, number
from latentia.report.diagnosis import NO, YES, Check
from latentia.report.image_cards import completion_card
from latentia.report.images import pixels
from latentia.report.page import Page
from latentia.report.sections import cards, sampler_card
from latentia.report.theme import Theme, canvas, legend, style

_NAMED_CODES = 40
_NUMBERED = 8  # positions along a side, whose rates are written in numbers
_COMPLETIONS = 16
_TIMED_SAMPLES = 64


@dataclass(frozen=True)
class CodesInput:
    """The codes of a split, as plain NumPy.

    Attributes:
        codes: code numbers, `[N, n]`.
        n_codes: K.
        shapes: (h, w) of each map of codes.
        vectors: the codebook, `[K, D]`; None where there is none.
        rates: nats of each position under the prior, mean over the items, `[n]`.
        prior: name of the prior.
    """

    codes: np.ndarray
    n_codes: int
    shapes: tuple[tuple[int, int], ...]
    vectors: np.ndarray | None
    rates: np.ndarray
    prior: str

    @property
    def counts(self) -> np.ndarray:
        """How often each code occurs, `[K]`."""
        return np.bincount(self.codes.ravel(), minlength=self.n_codes)


def page(run: CodesRun) -> Page:
    """What the report of a run with discrete codes shows, on its test part."""
    estimator = run.estimator
    # between two code numbers there is nothing to walk on
    content = latent_content(run, rated=True, source="the prior", exploration=None)
    shown = run.split(run.whole_or("test")).take(CODES_SHOWN)
    given = CodesInput(
        codes=estimator.transform(shown.x),
        n_codes=estimator.module_.coder.n_codes,
        shapes=estimator.code_shapes_,
        vectors=_vectors(estimator),
        rates=np.asarray(content.kl_per_dim),
        prior=estimator.composition_.prior,
    )
    figures = run.figures(run.whole_or("test"))
    content = replace(
        content,
        kl_per_dim=np.array([]),  # a map of its own shows them
        active=np.array([]),
        checks=[*content.checks, usage_check(figures)],
    )
    *general, worst = cards(content)
    found = [*general, *code_cards(given, content), worst, *_completions(run), _sampler(estimator, given)]
    return Page(content, content.event_shape, found)


def usage_check(figures: Mapping[str, Any]) -> Check:
    """Whether codes are in use, from what `latentia evaluate --json` gives."""
    text = (
        f"{number(figures['used_codes'])} of {number(figures['n_codes'])} codes occur; {number(figures['perplexity'])} that are all "
        "equally frequent would be as varied."
    )
    return Check("Are the codes in use?", NO if DEAD_CODES in figures["verdicts"] else YES, text)


def code_cards(codes: CodesInput, report: ReportInput) -> list[Card]:
    """The cards on codes; what there is nothing to draw of is left out."""
    found = [_usage(codes, report), _rates(codes), _codebook(codes)]
    return [card for card in found if card is not None]


def _completions(run: CodesRun) -> list[Card]:
    """Images whose lower codes are drawn anew; nothing for tables."""
    if not run.is_image:
        return []
    originals = run.split(run.whole_or("test")).take(_COMPLETIONS).x
    drawn = [run.completed(originals, 0.5, seed=seed) for seed in (0, 1)]
    shown = [pixels(run.estimator.form_.viewable(items)) for items in (originals, *drawn)]
    lead = "The codes of the upper half of images of the test split are kept and those of the lower half drawn from the prior"
    return [completion_card(lead, *shown)]


def _sampler(estimator: Any, codes: CodesInput) -> Card:
    started = time.perf_counter()
    estimator.sample(_TIMED_SAMPLES, mean=True, random_state=0)
    seconds = time.perf_counter() - started
    positions = sum(h * w for h, w in codes.shapes)
    lead = "Codes are drawn from the prior one after another, and decoded together."
    return sampler_card(lead, seconds, _TIMED_SAMPLES, f"{number(_TIMED_SAMPLES * positions)} codes")


def _vectors(estimator: Any) -> np.ndarray | None:
    quantizer = getattr(estimator.module_.coder, "quantizer", None)
    vectors = getattr(quantizer, "vectors", None)
    return None if vectors is None else vectors.detach().cpu().double().numpy()


def _usage(codes: CodesInput, report: ReportInput) -> Card | None:
    counts = codes.counts
    used = int((counts > 0).sum())
    share = counts[counts > 0] / max(counts.sum(), 1)
    perplexity = float(np.exp(-(share * np.log(share)).sum()))
    lead = f"How often each of {number(codes.n_codes)} codes occurs in the items{of_split(report)}, the most frequent first."
    facts = (
        (f"{number(used)} of {number(codes.n_codes)}", "codes occur in these items"),
        (number(perplexity), "perplexity: so many codes, all alike, would be as varied"),
    )
    return Card(
        "code-usage",
        "Code usage",
        lead,
        facts=facts,
        headline=(f"{used / codes.n_codes:.0%}", f"of {number(codes.n_codes)} codes are in use"),
        alt=f"Counts of {codes.n_codes} codes, sorted; {used} occur.",
        draw=lambda theme: usage_figure(counts, theme),
    )


def _codebook(codes: CodesInput) -> Card | None:
    if codes.vectors is None or len(codes.vectors) < 3:
        return None
    vectors, counts = codes.vectors, codes.counts
    lead = "The vectors of all codes in the plane of their two main directions; larger dots occur more often, hollow ones never."
    return Card(
        "codebook-map",
        "Codebook",
        lead,
        alt=f"Map of {len(vectors)} code vectors.",
        draw=lambda theme: codebook_figure(vectors, counts, theme),
    )


def _rates(codes: CodesInput) -> Card | None:
    n = sum(h * w for h, w in codes.shapes)
    if len(codes.rates) != n or not np.isfinite(codes.rates).all():
        return None
    uniform = float(np.log(codes.n_codes))
    lead = (
        f"Nats that the prior ({codes.prior}) needs for the code at each position of the map of codes, those before it being known; "
        f"if all codes were equally likely it would be {number(uniform)} everywhere. In all {number(float(codes.rates.sum()))} of "
        f"{number(n * uniform)}."
    )
    return Card(
        "rate-map",
        "Rate of the codes",
        lead,
        alt=f"Rate of {n} positions under the prior.",
        draw=lambda theme: rate_figure(codes.rates, codes.shapes, uniform, theme),
    )


def usage_figure(counts: np.ndarray, theme: Theme) -> matplotlib.figure.Figure | None:
    """Sorted counts of codes as bars, with the mean as a line; None where nothing was counted."""
    if not counts.sum():
        return None
    ordered = np.sort(counts)[::-1]
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="code, by frequency", y="occurrences")
    axes.bar(np.arange(len(ordered)), ordered, 0.8 if len(ordered) <= 100 else 1.0, color=theme.data)
    axes.axhline(counts.mean(), color=theme.model, linewidth=1.4, linestyle="--", label="if all were alike")
    axes.set_xlim(-0.7, len(ordered) - 0.3)
    legend(axes, theme)
    return figure


def codebook_figure(vectors: np.ndarray, counts: np.ndarray, theme: Theme) -> matplotlib.figure.Figure:
    """Code vectors in their principal plane, sized by how often they occur; a few are named by number."""
    points = principal_plane(vectors)
    figure = canvas(theme, 5.2, 3.9)
    axes = figure.add_subplot()
    style(axes, theme, x="first main direction", y="second main direction", grid="both")
    used = counts > 0
    size = 12 + 140 * counts / max(counts.max(), 1)
    axes.scatter(points[used, 0], points[used, 1], s=size[used], color=theme.data, alpha=0.7, linewidths=0)
    axes.scatter(points[~used, 0], points[~used, 1], s=14, facecolors="none", edgecolors=theme.muted)
    if len(vectors) <= _NAMED_CODES:
        for k, point in enumerate(points):
            axes.annotate(str(k), (float(point[0]), float(point[1])), fontsize=8.5, color=theme.ink)
    return figure


def rate_figure(
    rates: np.ndarray, shapes: tuple[tuple[int, int], ...], uniform: float, theme: Theme
) -> matplotlib.figure.Figure:
    """A heat map of the rate for each map of codes, from 0 to log K or to the largest."""
    figure = canvas(theme, 5.2, 3.0)
    splits = np.split(rates, np.cumsum([h * w for h, w in shapes])[:-1])
    panels = figure.subplots(1, len(shapes), squeeze=False)[0]
    top = max(uniform, float(rates.max()))
    for i, (axes, part, shape) in enumerate(zip(panels, splits, shapes, strict=True)):
        name = "" if len(shapes) == 1 else ("top", "bottom")[i]
        style(axes, theme, title=name, grid=None)
        image = axes.imshow(
            part.reshape(shape), cmap=theme.sequential, vmin=0, vmax=top, interpolation="none"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        if max(shape) <= _NUMBERED:
            for (row, column), rate in np.ndenumerate(part.reshape(shape)):
                colour = "#ffffff" if rate < 0.6 * top else "#1d1f24"  # on violet, and on yellow
                axes.text(column, row, f"{rate:.1f}", ha="center", va="center", fontsize=9, color=colour)
    bar = figure.colorbar(image, ax=list(panels), shrink=0.7)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.muted, labelsize=8.5, length=0)
    bar.set_label("nats", color=theme.muted, fontsize=9)
    return figure


def principal_plane(vectors: np.ndarray) -> np.ndarray:
    """Coordinates in the plane of the two main directions, `[K, 2]`; a missing direction is 0.

    >>> principal_plane(np.array([[0.0], [2.0]])).round(6).tolist() in ([[-1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]])
    True
    """
    centred = vectors - vectors.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    points = left[:, :2] * size[:2]
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
