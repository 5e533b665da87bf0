"""The cards of a report on images: samples, reconstructions, and the worst of these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentia.report.cards import Card, Tile, of_split
from latentia.report.content import ReportInput, number
from latentia.report.images import LARGE_IMAGE, pixels, square

_MAX_SAMPLES = 64
_MAX_PAIRS = 32
_MAX_WORST = 12
_NAME = 12  # characters of a name below an image


def image_cards(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    """Cards before those that every report has, and after them."""
    large = max(report.event_shape[1:]) >= LARGE_IMAGE
    most = 12 if large else _MAX_PAIRS
    worst, worst_rebuilt, scores = (part[:_MAX_WORST] for part in report.worst)
    samples, originals, rebuilt, worst, worst_rebuilt = (
        pixels(images) if len(images) else images
        for images in (
            report.samples[: 24 if large else _MAX_SAMPLES],
            report.originals[:most],
            report.reconstructions[:most],
            worst,
            worst_rebuilt,
        )
    )
    first = [
        _with_headline(_samples(samples, report.source, large), among(report)),
        _with_headline(_reconstructions(originals, rebuilt, of_split(report), large), _survives(report)),
    ]
    return first, [_worst_images(report, worst, worst_rebuilt, scores, large)]


def among(report: ReportInput) -> tuple[str, str] | None:
    """How many samples lie among data, as a headline."""
    if report.among is None:
        return None
    share, baseline = report.among
    return f"{share:.0%}", f"of samples lie among the data; of other data {baseline:.0%} do"


def _survives(report: ReportInput) -> tuple[str, str] | None:
    if report.survives is None:
        return None
    return f"{report.survives:.0%}", "of the variance of the pixels comes back in reconstructions"


def _with_headline(card: Card | None, headline: tuple[str, str] | None) -> Card | None:
    return None if card is None else replace(card, headline=headline)


def _tiled(card: Card, large: bool) -> Card:
    return replace(card, columns=4 if large else 8, sharp=not large)


def _samples(drawn: np.ndarray, source: str, large: bool) -> Card | None:
    total = len(drawn)
    if not total:
        return None
    tiles = tuple(Tile(((t, f"Sample {i + 1} of {total} from {source}"),)) for i, t in enumerate(drawn))
    lead = "New items, decoded from codes that were drawn at random."
    card = Card("samples", f"Samples from {source}", lead, tiles=tiles, sheet=square(drawn))
    return _tiled(card, large)


def _reconstructions(originals: np.ndarray, rebuilt: np.ndarray, of: str, large: bool) -> Card | None:
    if not len(originals):
        return None
    lead = f"Items{of}: the original above, its reconstruction below."
    tiles = tuple(
        Tile(((x, f"Original {i + 1}"), (r, f"Reconstruction of original {i + 1}")))
        for i, (x, r) in enumerate(zip(originals, rebuilt, strict=True))
    )
    card = Card("reconstructions", "Reconstructions", lead, tiles=tiles, sheet=_pairs(originals, rebuilt))
    return _tiled(card, large)


def completion_card(lead: str, originals: np.ndarray, first: np.ndarray, second: np.ndarray) -> Card:
    """Images above what became of them, each twice with other noise; all as RGB tiles of the same number.

    Args:
        lead: what was kept and what was drawn.
        originals: `[n, H, W, 3]`.
        first: completions.
        second: others.
    """
    above = originals.repeat(2, axis=0)
    below = np.stack([first, second], 1).reshape(above.shape)
    tiles = tuple(
        Tile(((x, f"Original {i // 2 + 1}"), (c, f"Completion of original {i // 2 + 1}")))
        for i, (x, c) in enumerate(zip(above, below, strict=True))
    )
    lead = f"{lead}: the original above, a completion below; each twice, with other noise."
    sheet = _pairs(above, below)
    card = Card("completions", "Completions", lead, tiles=tiles, sheet=sheet, wide=True)
    return _tiled(card, max(originals.shape[1:3]) >= LARGE_IMAGE)


def _pairs(originals: np.ndarray, rebuilt: np.ndarray, columns: int = 8) -> list[np.ndarray]:
    starts = range(0, len(originals), columns)
    return [half[start : start + columns] for start in starts for half in (originals, rebuilt)]


def _worst_images(
    report: ReportInput, originals: np.ndarray, rebuilt: np.ndarray, scores: np.ndarray, large: bool
) -> Card | None:
    if not len(originals):
        return None
    names = list(report.worst_names or [str(i + 1) for i in range(len(originals))])
    tiles = tuple(
        Tile(
            (
                (x, f"Item {name}, badly explained, score {number(float(s))}"),
                (r, f"Reconstruction of item {name}, badly explained"),
            ),
            f"{_short(name)}\n{number(float(s))}",
        )
        for x, r, s, name in zip(originals, rebuilt, scores, names, strict=False)
    )
    lead = f"The items{of_split(report)} that the model explains least, with their name or place and their {report.score}."
    card = Card("worst", "Worst reconstructions", lead, tiles=tiles, sheet=_pairs(originals, rebuilt))
    return replace(_tiled(card, large), columns=4 if large else 6)


def _short(name: str) -> str:
    """The end of a name, which tells files of a folder apart."""
    return name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
