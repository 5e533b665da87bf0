"""One self-contained HTML page that tells how a fit went: `render`.

Pictures are inlined, no script runs, nothing is fetched; the page follows the reader's light or dark scheme.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from latentia.files import write_atomically
from latentia.report.cards import Card
from latentia.report.content import Figure, Head, ReportInput
from latentia.report.drawing import Drawn, drawn
from latentia.report.sections import cards
from latentia.report.theme import LIGHT, schemes
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
    """Write `report.html` and its pictures, `figures/*.svg`, `*.png` and `*.gif`, into a folder, and return the page's path.

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
    ('report.html', ['kl-per-dimension.svg', 'latent-map.svg'])
    """
    return write_page(Page(report, report.event_shape, cards(report)), Path(folder))


def write_page(page: Page, folder: Path, name: str = "report.html", *, pictures: bool = True) -> Path:
    """Write a page and the pictures of its cards, `figures/*.svg`, `*.png` and `*.gif`, into a folder, and return the page's path.

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


@dataclass(frozen=True)
class Headline:
    """A figure at the top of the page, and the piece of the page that says more of it."""

    id: str
    value: str
    unit: str
    words: str


def headlines(head: Head, cards: Sequence[Drawn]) -> list[Headline]:
    """What the cards say in one figure; where they say nothing, the first figures of the table."""
    told = [(each.card.id, each.card.headline) for each in cards]
    found = [Headline(place, line[0], "", line[1]) for place, line in told if line is not None]
    if not found:
        words = [(figure, f", {figure.split} split" if figure.split else "") for figure in head.figures]
        found = [Headline("figures", figure.text, figure.unit, figure.title + part) for figure, part in words]
    return found[:_HEADLINES]


def menu(head: Head, cards: Sequence[Drawn]) -> list[tuple[str, str]]:
    """Where the page can be entered: id and title of its pieces."""
    found = [("verdict", "Verdict"), *((each.card.id, each.card.title) for each in cards)]
    found += [("figures", "Figures")] if head.figures else []
    found += [("settings", "Settings")] if head.choices or head.settings else []
    return [*found, ("command", "Command")]


def glossary(head: Head, cards: Sequence[Drawn]) -> dict[str, str]:
    """Those words of the glossary that the page uses."""
    texts = [*head.evidence, *(step.text for step in head.remedies)]
    texts += [f"{figure.title} {figure.unit} {figure.note}" for figure in head.figures]
    for card in (each.card for each in cards):
        texts += [card.title, card.lead, card.alt, *itertools.chain(*card.facts, *card.table)]
    said = " ".join(texts).lower()
    return {word: meaning for word, meaning in GLOSSARY.items() if word.lower() in said}


def _html(page: Page, cards: list[Drawn]) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"prose": _prose, "uri": _data_uri, "variable": _variable}
    resources = files("latentia.report")
    template = environment.from_string(resources.joinpath("template.html.j2").read_text(encoding="utf-8"))
    answered = any(each.card.id == "diagnosis" for each in cards)
    return template.render(
        head=page.head,
        event_shape=page.event_shape,
        cards=cards,
        evidence=() if answered else page.head.evidence,
        headlines=headlines(page.head, cards),
        menu=menu(page.head, cards),
        level=page.head.word.level,
        meaning=page.head.word.meaning,
        glossary=glossary(page.head, cards),
        style=Markup(schemes() + resources.joinpath("style.css").read_text(encoding="utf-8")),
    )


def _prose(text: str) -> Markup:
    """Text as HTML, escaped; what stands between backticks becomes code.

    >>> str(_prose("use `a < b` & see"))
    'use <code>a &lt; b</code> &amp; see'
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _variable(colour: str) -> str:
    """A colour of the light scheme in the page's variables."""
    name = LIGHT.variables().get(colour)
    return f"var({name})" if name else colour


def _data_uri(picture: bytes, kind: str = "png") -> Markup:
    return Markup(f"data:image/{kind};base64," + base64.b64encode(picture).decode())
