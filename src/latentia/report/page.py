"""One self-contained HTML page that tells how a fit went: `render`.

Pictures are inlined, no script runs, nothing is fetched; the page follows the reader's light or dark scheme.
"""

from __future__ import annotations

import base64
import itertools
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from latentia.files import write_atomically
from latentia.report.cards import Card
from latentia.report.content import Figure, Head, ReportInput, number
from latentia.report.drawing import Drawn, drawn
from latentia.report.sections import cards
from latentia.vocabulary import GLOSSARY

__all__ = ["Figure", "Head", "Page", "ReportInput", "render", "write_page"]

_HEADLINES = 4


@dataclass(frozen=True)
class Page:
    """What is written as a page.

    Attributes:
        head: what it says beside its cards.
        event_shape: of an item; images are shown at this size.
        cards: in reading order.
    """

    head: Head
    event_shape: tuple[int, ...]
    cards: list[Card]


def render(report: ReportInput, folder: Path) -> Path:
    """Write `report.html` and its pictures, `figures/*.png`, into a folder, and return the page's path.

    Each file is written whole or not at all. The same input gives the same bytes.

    Args:
        report: what the page shows.
        folder: the run folder; made if it is not there.

    Raises:
        RunFolderError: the folder cannot be written.

    >>> import numpy as np, tempfile
    >>> x, z = np.random.default_rng(0).random((8, 1, 4, 4)), np.random.default_rng(1).normal(size=(8, 2))
    >>> report = ReportInput(
    ...     title="A fit", model="sigma-vae", model_summary="A VAE", data="noise", command="latentia fit noise",
    ...     created="2025-01-01T12:00:00", verdict="healthy", evidence=["Both units are active."], remedies=[],
    ...     figures=[Figure("elbo", -12.5, "nats", "test")], history=[{"epoch": 1, "train_loss": 3.0}],
    ...     kl_per_dim=np.array([1.0, 0.5]), active=np.array([True, True]), originals=x, reconstructions=x,
    ...     samples=x, worst=(x[:2], x[:2], np.array([-20.0, -19.0])), codes=z)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = render(report, Path(folder))
    ...     page.name, sorted(path.name for path in Path(folder, "figures").iterdir())[:2]
    ('report.html', ['kl-per-dimension.png', 'latent-map.png'])
    """
    return write_page(Page(report, report.event_shape, cards(report)), Path(folder))


def write_page(page: Page, folder: Path, name: str = "report.html", *, pictures: bool = True) -> Path:
    """Write a page and the pictures of its cards, `figures/*.png`, into a folder, and return the page's path.

    Args:
        page: what is written.
        folder: made if it is not there.
        name: of the page's file.
        pictures: also write the pictures, which the page has within itself, as files.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    cards = drawn(page.cards)
    for file, content in itertools.chain.from_iterable(card.files for card in cards if pictures):
        write_atomically(folder / "figures" / file, content)
    write_atomically(folder / name, _html(page, cards).encode())
    return folder / name


def _html(page: Page, cards: list[Drawn]) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "prose": _prose, "uri": _data_uri}
    resources = files("latentia.report")
    template = environment.from_string(resources.joinpath("template.html.j2").read_text(encoding="utf-8"))
    return template.render(
        head=page.head,
        event_shape=page.event_shape,
        cards=cards,
        headlines=list(page.head.figures)[:_HEADLINES],
        level=page.head.word.level,
        meaning=page.head.word.meaning,
        glossary=GLOSSARY,
        style=Markup(resources.joinpath("style.css").read_text(encoding="utf-8")),
    )


def _prose(text: str) -> Markup:
    """Text as HTML, escaped; what stands between backticks becomes code.

    >>> str(_prose("use `a < b` & see"))
    'use <code>a &lt; b</code> &amp; see'
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(png).decode())
