"""The cards of a report on images: samples, reconstructions, and the worst of these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentia.report.cards import Card, Tile, of_split
from latentia.report.content import ReportInput, number
from latentia.report.images import LARGE_IMAGE, mosaic, pixels, square, tile_png

_MAX_SAMPLES = 64
_MAX_PAIRS = 32
_MAX_WORST = 12


def image_cards(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    """Cards before those that every report has, and after them."""
    height, width = report.event_shape[1:]
    large = max(height, width) >= LARGE_IMAGE
    return [_samples(report, large), _reconstructions(report, large)], [_worst_images(report, large)]


def _tiled(card: Card, large: bool) -> Card:
    return replace(card, columns=4 if large else 8, sharp=not large)


def _samples(report: ReportInput, large: bool) -> Card | None:
    if not len(report.samples):
        return None
    drawn = pixels(report.samples[: 24 if large else _MAX_SAMPLES])
    total = len(drawn)
    tiles = tuple(
        Tile(((tile_png(t), f"Sample {i + 1} of {total} from {report.source}"),)) for i, t in enumerate(drawn)
    )
    lead = "New items, decoded from codes that were drawn at random."
    sheet = mosaic(square(drawn))
    return _tiled(Card("samples", f"Samples from {report.source}", lead, tiles=tiles, mosaic=sheet), large)


def _reconstructions(report: ReportInput, large: bool) -> Card | None:
    if not len(report.originals):
        return None
    count = 12 if large else _MAX_PAIRS
    originals, rebuilt = pixels(report.originals[:count]), pixels(report.reconstructions[:count])
    lead = f"Items{of_split(report)}: the original above, its reconstruction below."
    tiles = tuple(
        Tile(((tile_png(x), f"Original {i + 1}"), (tile_png(r), f"Reconstruction of original {i + 1}")))
        for i, (x, r) in enumerate(zip(originals, rebuilt, strict=True))
    )
    sheet = mosaic(_pairs(originals, rebuilt))
    return _tiled(Card("reconstructions", "Reconstructions", lead, tiles=tiles, mosaic=sheet), large)


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
        Tile(((tile_png(x), f"Original {i // 2 + 1}"), (tile_png(c), f"Completion of original {i // 2 + 1}")))
        for i, (x, c) in enumerate(zip(above, below, strict=True))
    )
    lead = f"{lead}: the original above, a completion below; each twice, with other noise."
    sheet = mosaic(_pairs(above, below))
    card = Card("completions", "Completions", lead, tiles=tiles, mosaic=sheet, wide=True)
    return _tiled(card, max(originals.shape[1:3]) >= LARGE_IMAGE)


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
    lead = f"The items{of_split(report)} that the model explains least, with their {report.score}."
    sheet = mosaic(_pairs(originals, rebuilt))
    card = Card("worst", "Worst reconstructions", lead, tiles=tiles, mosaic=sheet)
    return replace(_tiled(card, large), columns=4 if large else 6)
