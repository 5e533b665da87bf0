"""The cards of the page: which pictures and tables are drawn for this kind of data, with their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest

import matplotlib.figure
import numpy as np

from latentia.report import figures, tables
from latentia.report.content import ReportInput, number
from latentia.report.embedding import NEIGHBOURS, LatentMap, latent_map
from latentia.report.images import is_image, mosaic, pixels, square, tile_png
from latentia.report.theme import DARK, LIGHT, Theme, to_png

_MAX_SAMPLES = 64
_MAX_PAIRS = 32
_MAX_WORST = 12
_LARGE_IMAGE = 48

Draw = Callable[[Theme], matplotlib.figure.Figure | None]


@dataclass(frozen=True)
class Picture:
    """A chart in both schemes, as PNG, with the name of its file and a description for those who cannot see it."""

    name: str
    alt: str
    light: bytes
    dark: bytes


@dataclass(frozen=True)
class Tile:
    """One or two small images (original above reconstruction), each with its description, and a caption."""

    images: tuple[tuple[bytes, str], ...]
    caption: str = ""


@dataclass(frozen=True)
class Card:
    """A piece of the page: words, then charts, tiles, facts or a table; `wide` ones take the whole row."""

    id: str
    title: str
    lead: str
    pictures: tuple[Picture, ...] = ()
    tiles: tuple[Tile, ...] = ()
    columns: int = 8
    sharp: bool = True
    facts: tuple[tuple[str, str], ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    mosaic: bytes | None = None
    wide: bool = False


def cards(report: ReportInput) -> list[Card]:
    """All cards of the report in reading order; what the run has no data for is left out."""
    first, last = _images(report) if is_image(report.event_shape) else _vectors(report)
    found = [*first, _latent(report), *_learning(report), _kl(report), *last]
    return _filled([card for card in found if card is not None])


def _filled(found: list[Card]) -> list[Card]:
    """Make a narrow card wide where it would be alone in its row."""
    out: list[Card] = []
    left = False  # whether a narrow card waits for its neighbour
    for card in found:
        if card.wide and left:
            out[-1] = replace(out[-1], wide=True)
        left = not card.wide and not left
        out.append(card)
    if left:
        out[-1] = replace(out[-1], wide=True)
    return out


def _picture(name: str, alt: str, draw: Draw) -> Picture | None:
    light, dark = draw(LIGHT), draw(DARK)
    return None if light is None or dark is None else Picture(name, alt, to_png(light), to_png(dark))


def _chart(card: Card, alt: str, draw: Draw) -> Card | None:
    picture = _picture(card.id, alt, draw)
    return None if picture is None else replace(card, pictures=(picture,))


def _of_split(report: ReportInput) -> str:
    return f" of the {report.split} split" if report.split else ""


# Images


def _images(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    height, width = report.event_shape[1:]
    large = max(height, width) >= _LARGE_IMAGE
    return [_samples(report, large), _reconstructions(report, large)], [_worst_images(report, large)]


def _tiled(card: Card, large: bool) -> Card:
    return replace(card, columns=4 if large else 8, sharp=not large)


def _samples(report: ReportInput, large: bool) -> Card | None:
    if not len(report.samples):
        return None
    drawn = pixels(report.samples[: 24 if large else _MAX_SAMPLES])
    total = len(drawn)
    tiles = tuple(
        Tile(((tile_png(t), f"Sample {i + 1} of {total} from the prior"),)) for i, t in enumerate(drawn)
    )
    lead = "New items, decoded from codes that were drawn at random."
    sheet = mosaic(square(drawn))
    return _tiled(Card("samples", "Samples from the prior", lead, tiles=tiles, mosaic=sheet), large)


def _reconstructions(report: ReportInput, large: bool) -> Card | None:
    if not len(report.originals):
        return None
    count = 12 if large else _MAX_PAIRS
    originals, rebuilt = pixels(report.originals[:count]), pixels(report.reconstructions[:count])
    lead = f"Items{_of_split(report)}: the original above, its reconstruction below."
    tiles = tuple(
        Tile(((tile_png(x), f"Original {i + 1}"), (tile_png(r), f"Reconstruction of original {i + 1}")))
        for i, (x, r) in enumerate(zip(originals, rebuilt, strict=True))
    )
    sheet = mosaic(_pairs(originals, rebuilt))
    return _tiled(Card("reconstructions", "Reconstructions", lead, tiles=tiles, mosaic=sheet), large)


def _pairs(originals: np.ndarray, rebuilt: np.ndarray, columns: int = 8) -> list[np.ndarray]:
    starts = range(0, len(originals), columns)
    return [half[start : start + columns] for start in starts for half in (originals, rebuilt)]


def _worst_images(report: ReportInput, large: bool) -> Card | None:
    originals, rebuilt, scores = (part[:_MAX_WORST] for part in report.worst)
    if not len(originals):
        return None
    originals, rebuilt = pixels(originals), pixels(rebuilt)
    digits = 1 if np.abs(scores).max() >= 10 else 2
    tiles = tuple(
        Tile(
            (
                (tile_png(x), f"Badly reconstructed item {i + 1}, score {number(float(s))}"),
                (tile_png(r), f"Reconstruction of badly reconstructed item {i + 1}"),
            ),
            f"{s:,.{digits}f}".replace("-", "−"),
        )
        for i, (x, r, s) in enumerate(zip(originals, rebuilt, scores, strict=True))
    )
    lead = f"The items{_of_split(report)} that the model explains least, with their {report.score}."
    sheet = mosaic(_pairs(originals, rebuilt))
    card = Card("worst", "Worst reconstructions", lead, tiles=tiles, mosaic=sheet)
    return replace(_tiled(card, large), columns=4 if large else 6)


# Vectors


def _vectors(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    originals, rebuilt = report.originals.astype(float), report.reconstructions.astype(float)
    samples = report.samples.astype(float)
    scale = ""
    if tables.is_count(originals):
        # Counts span orders of magnitude: what is compared is log(1 + count).
        originals, rebuilt, samples = (
            np.log1p(np.maximum(rows, 0)) for rows in (originals, rebuilt, samples)
        )
        scale = " Counts are compared as log(1 + count)."
    rebuilding = _rebuilt_rows(report, originals, rebuilt, scale) if len(originals) else []
    drawing = _drawn_rows(report, originals, samples, scale) if len(originals) and len(samples) else []
    # Side by side: what is drawn from the model on the left, what is rebuilt on the right.
    paired = [card for pair in zip_longest(drawing, rebuilding[:2]) for card in pair]
    return paired, [*rebuilding[2:], _worst_rows(report)]


def _drawn_rows(report: ReportInput, data: np.ndarray, samples: np.ndarray, scale: str) -> list[Card | None]:
    names = report.names
    lead = (
        "Each feature in the data and in samples. KS is the largest gap between the two cumulative "
        f"distributions: 0 alike, 1 apart.{_most_different(len(names))}{scale}"
    )
    return [
        _chart(
            Card("samples", "Samples from the prior", lead),
            "Histograms of each feature: data filled, samples from the prior as a line.",
            lambda theme: tables.marginals(data, samples, names, theme),
        ),
        _chart(
            Card(
                "correlations",
                "Dependence between features in samples",
                "A dot for each pair: on the line, samples keep it.",
            ),
            "Scatter: correlation of each pair of features in the data against that in the samples.",
            lambda theme: tables.correlations(data, samples, theme),
        ),
    ]


def _rebuilt_rows(
    report: ReportInput, data: np.ndarray, rebuilt: np.ndarray, scale: str
) -> list[Card | None]:
    names = report.names
    rows = f"{number(len(data))} rows{_of_split(report)}"
    return [
        _chart(
            Card(
                "explained",
                "Reconstructions",
                f"Share of each feature's variance that survives the code.{scale}",
            ),
            "Bars: R squared of the reconstruction for each feature.",
            lambda theme: tables.explained(data, rebuilt, names, theme),
        ),
        _chart(
            Card("agreement", "Originals against reconstructions", f"{rows}, all features."),
            "Scatter of observed against reconstructed values, standardised.",
            lambda theme: tables.agreement(data, rebuilt, theme),
        ),
        _chart(
            Card("heatmap", "Row by row", f"Patterns on the left should come back on the right.{scale}"),
            "Two heat maps of standardised values: observed rows left, reconstructed rows right.",
            lambda theme: tables.side_by_side(data, rebuilt, names, theme),
        ),
    ]


def _most_different(features: int) -> str:
    return " Shown: the 12 features that differ most." if features > 12 else ""


def _worst_rows(report: ReportInput) -> Card | None:
    originals, rebuilt, scores = (np.asarray(part, dtype=float)[:_MAX_WORST] for part in report.worst)
    if not len(originals):
        return None
    spread = (
        report.originals.astype(float).std(axis=0) if len(report.originals) else np.ones(originals.shape[1])
    )
    misses = np.abs(originals - rebuilt) / np.where(spread > 0, spread, 1.0)
    body = tuple(
        (
            number(float(score)),
            "; ".join(
                f"{report.names[j]}: {number(float(x[j]))} → {number(float(r[j]))}"
                for j in np.argsort(-miss)[:3]
            ),
        )
        for x, r, score, miss in zip(originals, rebuilt, scores, misses, strict=True)
    )
    lead = f"The rows{_of_split(report)} that the model explains least, with the features it misses most."
    head = (report.score, "observed → reconstructed")
    return Card("worst", "Worst reconstructions", lead, table=(head, *body), wide=True)


# Every kind of data


def _latent(report: ReportInput) -> Card | None:
    if not len(report.codes) or not report.codes.shape[1]:
        return None
    labels = figures.Labels.of(report.labels, report.class_names, len(report.codes))
    chart = latent_map(report.codes, labels.classes)
    if not len(chart.points):
        return None
    dims = report.codes.shape[1]
    how = {
        "codes": f"The {dims}-dimensional latent space as it is: the posterior mean of each item.",
        "t-SNE": "Posterior means on a flat sheet (t-SNE). Near on the map means near in latent space; "
        "distances between groups mean little.",
        "PCA": "Posterior means in the plane of their two main directions (too few different codes for t-SNE).",
    }[chart.method]
    lead = how + (
        " Names stand in the middle of their class." if labels.classes is not None and dims > 1 else ""
    )
    alt = f"Map of {len(chart.points)} codes in {dims} dimensions" + (
        ", coloured by label." if labels.names else "."
    )
    card = Card("latent-map", "Latent space", lead, facts=_map_facts(report, chart), wide=True)
    return _chart(card, alt, lambda theme: figures.latent_picture(chart, labels, theme))


def _map_facts(report: ReportInput, chart: LatentMap) -> tuple[tuple[str, str], ...]:
    total, shown = len(report.codes), len(chart.points)
    part = (
        f"of {number(total)} codes shown, drawn at random" if shown < total else f"codes{_of_split(report)}"
    )
    facts = [(number(shown), part)]
    if chart.label_accuracy is not None and chart.majority is not None:
        words = (
            f"of labels are guessed right from the {NEIGHBOURS} nearest codes in latent space, each item left out of "
            f"its own guess. Always guessing the most frequent class gives {chart.majority:.1%}."
        )
        facts.append((f"{chart.label_accuracy:.1%}", words))
    if chart.trustworthiness is not None:
        words = (
            "trustworthiness: how far neighbours on this map are neighbours in latent space. 1 is perfect."
        )
        facts.append((f"{chart.trustworthiness:.3f}", words))
    return tuple(facts)


def _learning(report: ReportInput) -> list[Card | None]:
    rows = report.history
    if not rows:
        return []
    return [
        _chart(
            Card(
                "learning-curves",
                "Learning curves",
                "Loss on the training part and bound on the validation part.",
            ),
            f"Training loss and validation bound over {len(rows)} epochs.",
            lambda theme: figures.learning_curves(rows, theme),
        ),
        _chart(
            Card("rate-distortion", "Rate and distortion", "The two parts of the validation bound."),
            f"Distortion, rate and learning rate over {len(rows)} epochs.",
            lambda theme: figures.rate_and_distortion(rows, theme),
        ),
    ]


def _kl(report: ReportInput) -> Card | None:
    active, dims = int(np.sum(report.active)), len(report.kl_per_dim)
    lead = f"{active} of {dims} dimensions are active: the others carry next to nothing about the item."
    if active == dims:
        lead = f"All {dims} dimensions are active." if dims > 1 else "The one dimension is active."
    return _chart(
        Card("kl-per-dimension", "What each dimension carries", lead),
        f"Bars: KL of each of {dims} latent dimensions in nats, sorted; {active} are active.",
        lambda theme: figures.kl_per_dimension(report.kl_per_dim, report.active, theme),
    )
