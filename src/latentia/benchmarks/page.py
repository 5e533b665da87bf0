"""The page of Table 1: for each data set the figures, and what each model rebuilds and invents, side by side."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from latentia.benchmarks.layout import COLUMNS, Line, lines
from latentia.benchmarks.protocol import published
from latentia.benchmarks.table1 import Table
from latentia.files import write_atomically
from latentia.report.images import pixels
from latentia.report.theme import encode, schemes

PER_ROW = 8


@dataclass(frozen=True)
class Gallery:
    """The images of one model (or of the data): two sheets of tiles as PNG, and their width and height in pixels."""

    name: str
    rebuilt: bytes
    sampled: bytes
    size: tuple[int, int]


@dataclass(frozen=True)
class Section:
    """A data set on the page."""

    data: str
    lead: str
    warning: str
    notes: list[str]
    lines: list[Line]
    galleries: list[Gallery]
    sharp: bool


def write_table1(table: Table, command: str) -> Path:
    """Write `table1.html` into the folder of the table, and return its path.

    The page holds its pictures itself, runs no script and fetches nothing; the same rows give the same bytes but for
    the command and the time of the last row.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["uri"] = _uri

    def text(package: str, name: str) -> str:
        return files(f"latentia.{package}").joinpath(name).read_text(encoding="utf-8")

    html = environment.from_string(text("benchmarks", "table1.html.j2")).render(
        sections=[_section(table, data) for data in table.datasets],
        columns=COLUMNS,
        published=published(),
        missing=table.missing,
        command=command,
        created=max((row["created"] for row in table.rows), default=_now()),
        versions=table.rows[-1]["versions"] if table.rows else {},
        style=Markup(schemes() + text("report", "style.css") + text("benchmarks", "table1.css")),
    )
    page = table.folder / "table1.html"
    write_atomically(page, html.encode())
    return page


def _section(table: Table, data: str) -> Section:
    found = table.of(data)
    first = found[0]
    height, width = first["event_shape"][1:]
    lead = (
        f"Codes of {first['figures']['latent_dim']} numbers; {first['n_train']:,} images of {height} x {width} pixels to "
        f"train on, figures of {first['n_test']:,} test images."
    )
    notes = []
    if data in table.real:
        notes.append(
            f"Samples are means of p(x|z) at z from the prior (default: from its sampler; autoregressive decoders: draws), {table.real[data]['compared']:,} of them, judged by "
            f"{table.real[data]['features']}; the line of real images is what training images get in their place."
        )
    galleries: list[Gallery] = []
    for row in found:
        shown = table.pictures(row)
        if not galleries:
            originals = shown["originals"]
            galleries.append(_gallery("test images", originals, originals))
        galleries.append(_gallery(row["name"], shown["rebuilt"], shown["sampled"]))
    warning = "" if first["comparable"] else f"Not comparable with the report: {first['note']}."
    return Section(data, lead, warning, notes, lines(table, data), galleries, max(height, width) < 48)


def _gallery(name: str, rebuilt: np.ndarray, sampled: np.ndarray) -> Gallery:
    sheets = [_sheet(pixels(images)) for images in (rebuilt, sampled)]
    return Gallery(name, encode(sheets[0]), encode(sheets[1]), sheets[0].size)


def _sheet(tiles: np.ndarray) -> Image.Image:
    """Tiles `[n, H, W, 3]` in rows of eight, edge to edge."""
    n, height, width, _ = tiles.shape
    rows = -(-n // PER_ROW)
    sheet = np.zeros((rows * height, PER_ROW * width, 3), dtype=np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // PER_ROW * height, i % PER_ROW * width
        sheet[top : top + height, left : left + width] = tile
    grey = (sheet == sheet[..., :1]).all()
    return Image.fromarray(sheet[..., 0] if grey else sheet)


def _uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(png).decode())


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
