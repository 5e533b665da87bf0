"""One self-contained HTML page that tells how a fit went: `render`.

Pictures are inlined, no script runs, nothing is fetched; the page follows the reader's light or dark scheme.
"""

from __future__ import annotations

import base64
import re
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from latentia.files import write_atomically
from latentia.report.cards import Card
from latentia.report.content import Figure, Head, ReportInput, number
from latentia.report.glossary import GLOSSARY, explain, label
from latentia.report.sections import cards

__all__ = ["Figure", "Head", "ReportInput", "render", "write_page"]

_HEADLINES = 4

# Verdict -> how the banner looks, and what the verdict means. The look is told by icon and words as well.
_MEANING = {
    "healthy": ("good", "No sign of a failed fit was found."),
    "posterior collapse": ("bad", "The codes say next to nothing about the items: the decoder ignores them."),
    "inference collapse": (
        "bad",
        "The encoder gives every item the same code, while the model itself still tells them apart.",
    ),
    "prior holes": (
        "caution",
        "Some codes of the prior decode to things unlike the data: samples fall short of the reconstructions.",
    ),
    "partial posterior collapse": ("caution", "Most dimensions of the code carry next to nothing."),
    "overfitted": ("caution", "Items that were held out are rebuilt far worse than those trained on."),
    "under-trained": ("caution", "The bound was still rising when training ended."),
    "information overload": (
        "caution",
        "The codes carry more than the prior can supply: samples from it fall short of the reconstructions.",
    ),
    "dead codes": ("caution", "Most codes of the codebook never occur."),
    "singular component": (
        "bad",
        "A component has shrunk onto too few items: its density says nothing of new ones.",
    ),
    "empty component": ("caution", "A component explains next to nothing, or did so during the fit."),
    "duplicate components": ("caution", "Two components do the work of one."),
    "not converged": ("caution", "The likelihood was still rising when EM stopped."),
    "k at the edge": ("caution", "The best number of components is the first or last that was tried."),
}


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
    return write_page(report, report.event_shape, cards(report), Path(folder))


def write_page(head: Head, event_shape: tuple[int, ...], shown: list[Card], folder: Path) -> Path:
    """Write `report.html` and the pictures of its cards into a folder, and return the page's path.

    Args:
        head: what the page says beside its cards.
        event_shape: of an item; images are shown at this size.
        shown: the cards.
        folder: the run folder; made if it is not there.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    html = _html(head, event_shape, shown)
    for card in shown:
        for picture in card.pictures:
            write_atomically(folder / "figures" / f"{picture.name}.png", picture.light)
        if card.mosaic is not None:
            write_atomically(folder / "figures" / f"{card.id}.png", card.mosaic)
    write_atomically(folder / "report.html", html.encode())
    return folder / "report.html"


def _html(head: Head, event_shape: tuple[int, ...], shown: list[Card]) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number,
        "prose": _prose,
        "uri": _data_uri,
        "explain": explain,
        "label": label,
    }
    resources = files("latentia.report")
    template = environment.from_string(resources.joinpath("template.html.j2").read_text(encoding="utf-8"))
    level, meaning = _MEANING.get(head.verdict.strip().lower(), ("caution", ""))
    return template.render(
        head=head,
        event_shape=event_shape,
        cards=shown,
        headlines=list(head.figures)[:_HEADLINES],
        level=level,
        meaning=meaning,
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
