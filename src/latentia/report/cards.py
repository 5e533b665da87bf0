"""What the page is made of: cards of words, charts, tiles of images, facts or a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.figure
import numpy as np

from latentia.report.content import ReportInput
from latentia.report.theme import Theme

Draw = Callable[[Theme], matplotlib.figure.Figure | None]


@dataclass(frozen=True)
class Tile:
    """One or two small images (original above reconstruction), each with its description, and a caption.

    An image is `[H, W, 3]`, as `latentia.report.images.pixels` gives it.

    Attributes:
        images: and the description of each.
        caption: below them.
        asked: whether it is what the tiles after it answer to: it is set apart from them.
        first: whether a group begins with its row: it is set apart from the row before.
    """

    images: tuple[tuple[np.ndarray, str], ...]
    caption: str = ""
    asked: bool = False
    first: bool = False


@dataclass(frozen=True)
class Colour:
    """A colour of a chart with what it stands for.

    Attributes:
        value: hexadecimal, of the light scheme.
        name: of the class.
        note: a figure of it.
    """

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Card:
    """A piece of the page: words, then charts, tiles, facts or a table.

    Attributes:
        id: of the piece, and name of its pictures' files.
        title: its heading.
        lead: what it shows, in a sentence or two.
        alt: what its chart shows, for who cannot see it.
        draw: draws its chart in a scheme; where that gives None there is nothing to draw, and the card is left out.
        tiles: small images.
        columns: how many tiles stand side by side.
        sharp: whether images are enlarged with sharp edges.
        facts: figures, each with what it is.
        table: rows, the head first.
        animation: pictures `[T, H, W, 3]` that are shown one after another, described by `alt`; None: there are none.
        sheet: rows of images `[columns, H, W, 3]`, written as one picture into the folder of figures.
        wide: whether it takes the whole row.
        key: what the colours of its chart stand for.
        headline: its one figure, with what it is, that also stands at the top of the page.
    """

    id: str
    title: str
    lead: str
    alt: str = ""
    draw: Draw | None = None
    tiles: tuple[Tile, ...] = ()
    columns: int = 8
    sharp: bool = True
    facts: tuple[tuple[str, str], ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    sheet: Sequence[np.ndarray] = ()
    animation: np.ndarray | None = None
    wide: bool = False
    key: tuple[Colour, ...] = ()
    headline: tuple[str, str] | None = None


def of_split(report: ReportInput) -> str:
    """Words that say which split the items are of, or none."""
    return f" of the {report.split} split" if report.split else ""
