"""Charts as SVG that stands in the page: small, sharp at every size, in the page's own text, coloured by its variables.

A chart is drawn once. What it draws in a colour of the light scheme is written in the CSS variable of that colour
(`latentia.report.theme.Theme.variables`), so that the page shows it in whichever scheme is on.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from markupsafe import escape
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.figure import Figure

from latentia.report.renderer import FINE, RASTER_DPI, Drawing, whole
from latentia.report.theme import LIGHT, Theme


def to_svg(figure: Figure, name: str, alt: str, theme: Theme = LIGHT) -> str:
    """The figure as an SVG element.

    Args:
        figure: drawn in the colours of `theme`.
        name: of the chart, unique in its page: ids begin with it.
        alt: what it shows, for who cannot see it.
        theme: whose colours become variables.
    """
    figure.set_dpi(72)
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)  # the card is the ground
    FigureCanvasAgg(figure)
    width, height = (float(size) * 72 for size in figure.get_size_inches())
    drawing = Drawing(width, height, name, theme.variables())
    with warnings.catch_warnings():
        # A name in a script that the font lacks is measured as boxes here; the reader's browser has a font for it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        size = (width / 72, height / 72)
        mixed: Any = MixedModeRenderer(figure, *size, RASTER_DPI, drawing)
        figure.draw(mixed)
    box = f"0 0 {whole(width)} {whole(height)}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(alt)}">{drawing.written()}</svg>'


def standalone(svg: str, theme: Theme = LIGHT) -> bytes:
    """An SVG element of `to_svg` as a file of its own, in the colours of a theme."""
    values = {variable: colour for colour, variable in theme.variables().items()}
    resolved = re.sub(r"var\((--[\w-]+)\)", lambda found: values[found[1]], svg)
    width, height = re.findall(r"\d+", svg)[2:4]
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{int(width) / FINE:g}pt" height="{int(height) / FINE:g}pt" '
        'font-family="system-ui, sans-serif" '
    )
    ground = f'<rect width="{width}" height="{height}" fill="{theme.surface}"/>'
    head, _, rest = resolved.removeprefix("<svg ").partition(">")
    return f"{start}{head}>{ground}{rest}\n".encode()
