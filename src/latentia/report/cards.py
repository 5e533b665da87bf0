"""What the page is made of: cards of words, charts, tiles of images, facts or a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import matplotlib.figure

from latentia.report.content import ReportInput
from latentia.report.theme import DARK, LIGHT, Theme, to_png

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


def _picture(name: str, alt: str, draw: Draw) -> Picture | None:
    light, dark = draw(LIGHT), draw(DARK)
    return None if light is None or dark is None else Picture(name, alt, to_png(light), to_png(dark))


def chart(card: Card, alt: str, draw: Draw) -> Card | None:
    """The card with its chart drawn in both schemes; None where the data leave nothing to draw."""
    picture = _picture(card.id, alt, draw)
    return None if picture is None else replace(card, pictures=(picture,))


def of_split(report: ReportInput) -> str:
    """Words that say which split the items are of, or none."""
    return f" of the {report.split} split" if report.split else ""
