"""From cards to what stands in the page: charts as SVG, images as PNG, narrow cards beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from latentia.report.animation import embedded
from latentia.report.cards import Card, Tile
from latentia.report.images import mosaic, tile_png
from latentia.report.svg import standalone, to_svg
from latentia.report.theme import LIGHT


@dataclass(frozen=True)
class DrawnTile:
    """A tile with its images as PNG, each with its description; its caption; how it is set apart, as classes of the page."""

    images: tuple[tuple[bytes, str], ...]
    caption: str
    look: str


@dataclass(frozen=True)
class Drawn:
    """A card with its pictures.

    Attributes:
        card: the card.
        chart: an SVG element in the colours of the page; None where it has none.
        tiles: its tiles.
        sheet: all its images as one; None where it has none.
        animation: a GIF, and its first picture as PNG for who wants no motion; None where it has none.
    """

    card: Card
    chart: str | None
    tiles: tuple[DrawnTile, ...]
    sheet: bytes | None
    animation: tuple[bytes, bytes] | None = None

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Its pictures as files of the folder of figures: names and contents."""
        chart = [] if self.chart is None else [(f"{self.card.id}.svg", standalone(self.chart))]
        sheet = [] if self.sheet is None else [(f"{self.card.id}.png", self.sheet)]
        return (
            chart + sheet + ([] if self.animation is None else [(f"{self.card.id}.gif", self.animation[0])])
        )


def drawn(cards: Iterable[Card]) -> list[Drawn]:
    """Cards with their pictures; those whose data leave nothing to draw are left out."""
    found = []
    for card in cards:
        chart = None
        if card.draw is not None:
            figure = card.draw(LIGHT)
            if figure is None:
                continue
            chart = to_svg(figure, card.id, card.alt)
        tiles = tuple(map(_drawn_tile, card.tiles))
        sheet = mosaic(list(card.sheet)) if len(card.sheet) else None
        frames = card.animation
        moving = None if frames is None else (embedded(frames), tile_png(frames[0]))
        found.append(Drawn(card, chart, tiles, sheet, moving))
    return _filled(found)


def _drawn_tile(tile: Tile) -> DrawnTile:
    look = " ".join(name for name, on in (("asked", tile.asked), ("first", tile.first)) if on)
    return DrawnTile(tuple((tile_png(image), alt) for image, alt in tile.images), tile.caption, look)


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
