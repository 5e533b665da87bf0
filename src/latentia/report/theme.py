"""Colours and the blank canvas that all charts share, in a light and a dark version.

The colours are those of `style.css`, so that a chart lies on its card without an edge. Nothing here touches
matplotlib's global state: canvases are `Figure` objects on the Agg backend, never pyplot's.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 200
"""Pixels per inch of a chart: a chart 5.2 inches wide stays sharp at twice the pixels of a phone."""


@dataclass(frozen=True)
class Theme:
    """The colours of one scheme; `data` and `model` tell observed from modelled in every chart."""

    name: str
    surface: str
    ink: str
    muted: str
    line: str
    faint: str
    data: str
    model: str
    categories: tuple[str, ...]
    diverging: tuple[str, str, str]
    sequential: str


# Ten hues that stay apart for the common kinds of colour blindness as far as ten can; class names stand on the
# map as well, so that colour is never the only sign.
LIGHT = Theme(
    name="light",
    surface="#ffffff",
    ink="#1d1f24",
    muted="#62656e",
    line="#dedcd6",
    faint="#c9c8c4",
    data="#2458c5",
    model="#d2620a",
    categories=(
        "#2458c5", "#d2620a", "#1f8a5b", "#c42f4b", "#7a4fc9",
        "#0f8fa8", "#a8791a", "#d353a0", "#5e6b2d", "#6b4a3a",
        "#8fb0f2", "#f3ad72", "#85cda6", "#ee94a3", "#bfa5ee",
        "#86cbd8", "#dcbc74", "#efa9d3", "#b5bf85", "#c4ab9e",
    ),
    diverging=("#2458c5", "#f6f6f6", "#c42f4b"),
    sequential="viridis",
)  # fmt: skip
DARK = Theme(
    name="dark",
    surface="#1b1d22",
    ink="#ececef",
    muted="#a4a7b0",
    line="#34373f",
    faint="#50535c",
    data="#84abff",
    model="#ffa55c",
    categories=(
        "#84abff", "#ffa55c", "#5fd39a", "#ff8296", "#b79bff",
        "#58cfe6", "#e6bf63", "#ff97d3", "#b9c77a", "#c9a48c",
        "#3f6bd0", "#bd651c", "#2c8a5b", "#b8435a", "#7653c4",
        "#1d8499", "#977424", "#b04f8c", "#6f7c3a", "#8a6a57",
    ),
    diverging=("#84abff", "#26282e", "#ff8296"),
    sequential="viridis",
)  # fmt: skip


def canvas(theme: Theme, width: float, height: float) -> Figure:
    """An empty figure of the theme, in inches, on the Agg backend."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor=theme.surface)


def style(
    axes: Axes,
    theme: Theme,
    *,
    x: str = "",
    y: str = "",
    title: str = "",
    grid: Literal["x", "y", "both"] | None = "y",
) -> None:
    """Give axes the look of the page: two quiet spines, a faint grid, small muted labels."""
    axes.set_facecolor(theme.surface)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.line)
    axes.tick_params(colors=theme.muted, labelsize=8.5, length=0, pad=4)
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(axis=grid, color=theme.line, linewidth=0.7)
    axes.set_xlabel(x, color=theme.muted, fontsize=9)
    axes.set_ylabel(y, color=theme.muted, fontsize=9)
    if title:
        axes.set_title(title, color=theme.ink, fontsize=9.5, loc="left", pad=8)


def legend(axes: Axes, theme: Theme, **options: Any) -> None:
    """A frameless legend in the theme's ink."""
    axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink, handlelength=1.4, **options)


def plain(text: object, limit: int = 22) -> str:
    r"""Text from the data as matplotlib may draw it: on one line, no mathematics in it, cut at `limit` characters.

    >>> plain("cost in $ or $?"), plain("a" * 30, limit=5)
    ('cost in \\$ or \\$?', 'aaaa…')
    """
    words = " ".join(str(text).split())
    words = words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
    return words.replace("$", r"\$")


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes here; the page's tables show it rightly.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.draw()
    return encode(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))


def encode(image: Image.Image) -> bytes:
    """PNG bytes of a Pillow image."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def finite(values: object) -> np.ndarray:
    """Numbers with `None` and infinities as NaN, which charts leave out."""
    array = np.array(
        [np.nan if v is None else v for v in np.asarray(values, dtype=object).ravel()], dtype=float
    )
    array[~np.isfinite(array)] = np.nan
    return array
