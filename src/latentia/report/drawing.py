"""From cards to what stands in the page: charts and images as PNG, narrow cards beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from latentia.report.cards import Card
from latentia.report.images import mosaic, tile_png
from latentia.report.theme import DARK, LIGHT, to_png


@dataclass(frozen=True)
class Drawn:
    """A card with its pictures, as PNG.

    Attributes:
        card: the card.
        chart: in both schemes, light and dark; None where it has none.
        tiles: images of each tile, with their descriptions, and the caption.
        sheet: all its images as one; None where it has none.
    """

    card: Card
    chart: tuple[bytes, bytes] | None
    tiles: tuple[tuple[tuple[tuple[bytes, str], ...], str], ...]
    sheet: bytes | None

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Its pictures as files of the folder of figures: names and contents."""
        chart = [] if self.chart is None else [(f"{self.card.id}.png", self.chart[0])]
        return chart + ([] if self.sheet is None else [(f"{self.card.id}.png", self.sheet)])


def drawn(cards: Iterable[Card]) -> list[Drawn]:
    """Cards with their pictures; those whose data leave nothing to draw are left out."""
    found = []
    for card in cards:
        chart = None
        if card.draw is not None:
            light, dark = card.draw(LIGHT), card.draw(DARK)
            if light is None or dark is None:
                continue
            chart = to_png(light), to_png(dark)
        tiles = tuple(
            (tuple((tile_png(image), alt) for image, alt in tile.images), tile.caption) for tile in card.tiles
        )
        found.append(Drawn(card, chart, tiles, mosaic(list(card.sheet)) if len(card.sheet) else None))
    return _filled(found)


def _filled(found: list[Drawn]) -> list[Drawn]:
    """Make a narrow card wide where it would be alone in its row."""
    out: list[Drawn] = []
    left = False  # whether a narrow card waits for its neighbour
    for each in found:
        if each.card.wide and left:
            out[-1] = _widened(out[-1])
        left = not each.card.wide and not left
        out.append(each)
    if left:
        out[-1] = _widened(out[-1])
    return out


def _widened(each: Drawn) -> Drawn:
    return replace(each, card=replace(each.card, wide=True))
