"""Colours and the blank canvas that all charts share, in a light and a dark version.

A chart is drawn once, in the light colours, and stands in the page in CSS variables (`latentia.report.svg`), which have the
values of whichever scheme is on. Nothing here touches matplotlib's global state: canvases are `Figure` objects, never pyplot's.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

NARROW = 0.74
"""By how much canvases are smaller than what is asked for: words of 8.5 points then are ten pixels high on a phone."""

_LEGEND_WIDTH = 52  # characters of a legend of one line


@dataclass(frozen=True)
class Theme:
    """The colours of one scheme; `data` and `model` tell observed from modelled in every chart.

    Images have the same colours in both schemes: the middle of `diverging` is transparent, that is the card.
    """

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

    def variables(self) -> dict[str, str]:
        """The CSS variable of each colour that has another value in the other scheme.

        Example:
            >>> LIGHT.variables()[LIGHT.data], DARK.variables()[DARK.data]
            ('--c0', '--c0')
        """
        named = {f"--{name}": getattr(self, name) for name in ("surface", "ink", "muted", "line", "faint")}
        named |= {f"--c{i}": colour for i, colour in enumerate(self.categories)}
        return {colour: variable for variable, colour in named.items()}

    def css(self) -> str:
        """Declarations of these variables."""
        return " ".join(f"{variable}: {colour};" for colour, variable in self.variables().items())


# Ten hues that stay apart for the common kinds of colour blindness as far as ten can; class names stand on the
# map as well, so that colour is never the only sign.
LIGHT = Theme(
    name="light",
    surface="#ffffff",
    ink="#1d1f24",
    muted="#62656e",
    line="#e2e0da",
    faint="#c9c8c4",
    data="#2458c5",
    model="#d2620a",
    categories=(
        "#2458c5", "#d2620a", "#1f8a5b", "#c42f4b", "#7a4fc9",
        "#0f8fa8", "#a8791a", "#d353a0", "#5e6b2d", "#6b4a3a",
        "#8fb0f2", "#f3ad72", "#85cda6", "#ee94a3", "#bfa5ee",
        "#86cbd8", "#dcbc74", "#efa9d3", "#b5bf85", "#c4ab9e",
    ),
    diverging=("#3b74dfff", "#8c8c8c00", "#df4f68ff"),
    sequential="viridis",
)  # fmt: skip
DARK = Theme(
    name="dark",
    surface="#1b1d22",
    ink="#ececef",
    muted="#a4a7b0",
    line="#30333b",
    faint="#50535c",
    data="#84abff",
    model="#ffa55c",
    categories=(
        "#84abff", "#ffa55c", "#5fd39a", "#ff8296", "#b79bff",
        "#58cfe6", "#e6bf63", "#ff97d3", "#b9c77a", "#c9a48c",
        "#3f6bd0", "#bd651c", "#2c8a5b", "#b8435a", "#7653c4",
        "#1d8499", "#977424", "#b04f8c", "#6f7c3a", "#8a6a57",
    ),
    diverging=("#3b74dfff", "#8c8c8c00", "#df4f68ff"),
    sequential="viridis",
)  # fmt: skip


def schemes() -> str:
    """The colours of both schemes as CSS: what charts and pages are drawn in."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK.css()} }} }}"
    return f":root {{ {LIGHT.css()} }}\n{dark}\n"


def canvas(theme: Theme, width: float, height: float) -> Figure:
    """An empty figure of the theme; a chart of half the page's width is 5.2 wide."""
    return Figure(figsize=(NARROW * width, NARROW * height), layout="constrained", facecolor=theme.surface)


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
    """A frameless legend in the theme's ink, above the axes: inside them it would lie on what is drawn.

    Args:
        axes: with labelled artists.
        theme: its ink.
        options: of matplotlib's; a place (`loc`) is taken only with `bbox_to_anchor`.
    """
    if "bbox_to_anchor" not in options:
        words = [
            str(handle.get_label()) for handle in options.get("handles", axes.get_legend_handles_labels()[0])
        ]
        wide = sum(map(len, words)) + 5 * len(words) > _LEGEND_WIDTH
        options |= {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.3, "borderpad": 0.0}
        options |= {"ncols": 1 if wide else len(words), "columnspacing": 1.2}
    axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink, handlelength=1.4, **options)


def plain(text: object, limit: int = 22) -> str:
    r"""Text from the data as matplotlib may draw it: on one line, no mathematics in it, cut at `limit` characters.

    >>> plain("cost in $ or $?"), plain("a" * 30, limit=5)
    ('cost in \\$ or \\$?', 'aaaa…')
    """
    words = " ".join(str(text).split())
    words = words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
    return words.replace("$", r"\$")


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
