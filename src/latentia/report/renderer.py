"""What matplotlib draws, as SVG elements: whole numbers of a tenth of a point, dots of a few bytes, words as words."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from markupsafe import escape
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image

FINE = 10
"""Units of the picture in a point: whole numbers are the shortest coordinates."""
RASTER_DPI = 200
"""Of artists that ask to be rasterised."""
_LAYERS = 8  # paths that dots of one look are dealt to: within a path, dots that overlap do not darken
_HAIRLINE = 0.5  # points; thinner rims of dots are left out
_LETTERS: dict[int, str] = {
    int(code): letter
    for code, letter in ((Path.MOVETO, "M"), (Path.LINETO, "l"), (Path.CURVE3, "q"), (Path.CURVE4, "c"))
}

_Renderer: Any = RendererBase  # its helpers for collections are not in matplotlib's type hints


def whole(points: float) -> int:
    """Points in units of the picture."""
    return round(points * FINE)


class Drawing(_Renderer):
    """Writes what matplotlib draws, in points from the lower left corner, as SVG elements.

    Args:
        width, height: in points.
        name: that ids begin with.
        variables: hexadecimal colour -> CSS variable.
    """

    def __init__(self, width: float, height: float, name: str, variables: Mapping[str, str]) -> None:
        super().__init__()
        self.width, self.height, self._name, self._variables = width, height, name, variables
        self._elements: list[str] = []
        self._definitions: dict[str, str] = {}

    def written(self) -> str:
        """All elements."""
        definitions = "".join(self._definitions.values())
        return (f"<defs>{definitions}</defs>" if definitions else "") + "".join(self._elements)

    def get_canvas_width_height(self) -> tuple[float, float]:
        """In points."""
        return self.width, self.height

    def get_image_magnification(self) -> float:
        """Pixels for each point of an image that is interpolated."""
        return 2.0

    def option_scale_image(self) -> bool:
        """The browser scales images, so that their own pixels are written."""
        return True

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        """A line or an area."""
        frame = gc.get_clip_rectangle()
        if rgbFace is None:  # a line is cut where it leaves the frame, an area by the browser
            data = self._path_data(path, transform, frame, simplify=path.should_simplify)
            cut = ""
        else:
            data = self._path_data(path, transform, None, simplify=False)
            cut = self._clip(frame, path.get_extents(transform) if len(path.vertices) else None)
        if data:
            self._add(f'path d="{data}"{self._look(gc, rgbFace)}{cut}')

    def draw_markers(
        self,
        gc: Any,
        marker_path: Any,
        marker_trans: Any,
        path: Any,
        trans: Any,
        rgbFace: Any = None,
    ) -> None:
        """One shape in many places."""
        places = [vertices[-2:] for vertices, _ in path.iter_segments(trans, simplify=False) if len(vertices)]
        frame = gc.get_clip_rectangle()
        if (
            frame is not None and len(places) > 1
        ):  # a shape that is an area, as of `fill_between`, has one place, anywhere
            places = [place for place in places if frame.padded(1).contains(*place)]
        size = _diameter(marker_path, marker_trans)
        if size is not None and rgbFace is not None and _rimless(gc, rgbFace):
            self._dots([(float(x), float(y)) for x, y in places], size, rgbFace, gc.get_alpha())
            return
        for x, y in places:
            self.draw_path(gc, marker_path, marker_trans + Affine2D().translate(float(x), float(y)), rgbFace)

    def draw_path_collection(
        self, gc: Any, master_transform: Any, paths: Any, all_transforms: Any, offsets: Any, offset_trans: Any,
        *looks: Any, **others: Any,
    ) -> None:  # fmt: skip
        """Many shapes, each in its place and look."""
        if others.get("hatchcolors", ()) is None:
            others["hatchcolors"] = []
        shapes = list(self._iter_collection_raw_paths(master_transform, paths, all_transforms))
        dots: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
        drawn = self._iter_collection(gc, shapes, offsets, offset_trans, *looks, **others)
        frame = gc.get_clip_rectangle()
        for x, y, (path, transform), each, face in drawn:
            if frame is not None and not frame.padded(1).contains(x, y) and len(offsets) > 1:
                continue
            size = _diameter(path, transform)
            if (
                size is not None
                and face is not None
                and (each.get_linewidth() <= _HAIRLINE or _rimless(each, face))
            ):
                dots.setdefault((round(size, 1), *np.round(face, 3)), []).append((float(x), float(y)))
            else:
                self.draw_path(each, path, transform.frozen() + Affine2D().translate(x, y), face)
        for (size, *face), places in dots.items():
            self._dots(places, size, face, None)

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """An image `[H, W, 4]`, its lowest row first unless it comes with a transform."""
        rows, columns = im.shape[:2]
        if not rows or not columns:
            return
        buffer = io.BytesIO()
        Image.fromarray(im if transform is not None else im[::-1]).save(buffer, format="PNG", optimize=True)
        source = f'href="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"'
        if transform is None:
            dpi = 72 * self.get_image_magnification() if self._is_interpolated(gc) else RASTER_DPI
            width, height = columns * 72 / dpi, rows * 72 / dpi
            place = f'x="{whole(x)}" y="{whole(self.height - y - height)}" width="{whole(width)}" height="{whole(height)}"'
        else:
            matrix = (
                Affine2D().scale(1 / columns, 1 / rows) + transform
                + Affine2D().translate(x, y).scale(1, -1).translate(0, self.height).scale(FINE)
            ).frozen().to_values()  # fmt: skip
            numbers = " ".join(f"{value:.6g}" for value in matrix)
            place = f'width="{columns}" height="{rows}" transform="matrix({numbers})" style="image-rendering:pixelated"'
        self._add(f'image preserveAspectRatio="none" {place} {source}')

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Words, in the font of the page."""
        anchor = ""
        if mtext is not None and (angle == 0 or mtext.get_rotation_mode() == "anchor"):
            # The reader's font is not the one that was measured: words stay where they are anchored.
            across, down = mtext.get_transform().transform(mtext.get_unitless_position())
            radians = math.radians(angle)
            upright = np.array([math.sin(radians), math.cos(radians)])
            shift = float(upright @ [x - across, y - (self.height - down)])
            x, y = across + shift * upright[0], self.height - down + shift * upright[1]
            anchor = {"center": ' text-anchor="middle"', "right": ' text-anchor="end"'}.get(
                mtext.get_horizontalalignment(), ""
            )
        turn = f' transform="rotate({-angle:g} {whole(x)} {whole(y)})"' if angle else ""
        weight = ' font-weight="600"' if str(prop.get_weight()) in ("bold", "600", "700") else ""
        halo = ' class="halo"' if mtext is not None and mtext.get_gid() == "halo" else ""
        colour = self._colour(gc.get_rgb()[:3])
        self._add(
            f'text x="{whole(x)}" y="{whole(y)}" font-size="{whole(prop.get_size_in_points())}" fill="{colour}"'
            f"{anchor}{weight}{halo}{turn}",
            str(escape(s.replace(r"\$", "$") if ismath else s)),
        )

    def _add(self, element: str, content: str | None = None) -> None:
        tag = element.split(" ", 1)[0]
        self._elements.append(f"<{element}/>" if content is None else f"<{element}>{content}</{tag}>")

    def _is_interpolated(self, gc: Any) -> bool:
        """Images of artists come with a clip; what was rasterised comes without."""
        return gc.get_clip_rectangle() is not None

    def _colour(self, rgb: Iterable[float]) -> str:
        red, green, blue = list(rgb)[:3]
        colour = to_hex((red, green, blue))
        variable = self._variables.get(colour)
        return f"var({variable})" if variable else colour

    def _look(self, gc: Any, face: Any) -> str:
        """Attributes of fill and stroke."""
        alpha = 1.0 if gc.get_alpha() is None else float(gc.get_alpha())
        out = ' fill="none"'
        if face is not None:
            opacity = float(face[3]) if len(face) == 4 else alpha
            out = f' fill="{self._colour(face)}"' + _opacity("fill", opacity)
        if gc.get_hatch():
            out = f' fill="url(#{self._hatch(gc)})"'
        width, rgba = gc.get_linewidth(), gc.get_rgb()
        if width > 0 and rgba[3] > 0:
            out += f' stroke="{self._colour(rgba)}" stroke-width="{whole(width)}"' + _opacity(
                "stroke", float(rgba[3])
            )
            _, dashes = gc.get_dashes()
            if dashes is not None and len(dashes):
                out += f' stroke-dasharray="{" ".join(str(whole(part)) for part in dashes)}"'
            if face is None:
                out += ' stroke-linejoin="round"'
        return out

    def _hatch(self, gc: Any) -> str:
        """The id of a pattern of slanted lines."""
        colour = self._colour(gc.get_rgb())
        name = f"{self._name}-hatch{len([key for key in self._definitions if key.startswith('hatch')])}"
        return self._defined(
            f"hatch {colour}", name,
            f'<pattern id="{{}}" width="40" height="40" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<path d="M0 0v40" stroke="{colour}" stroke-width="14"/></pattern>',
        )  # fmt: skip

    def _clip(self, frame: Any, box: Any) -> str:
        """The attribute that cuts at the frame, where something lies beyond it."""
        if frame is None or box is None:
            return ""
        x0, y0, x1, y1 = frame.extents
        if box.x0 >= x0 - 1 and box.x1 <= x1 + 1 and box.y0 >= y0 - 1 and box.y1 <= y1 + 1:
            return ""
        rectangle = (whole(x0), whole(self.height - y1), whole(x1 - x0), whole(y1 - y0))
        attributes = 'x="{}" y="{}" width="{}" height="{}"'.format(*rectangle)
        name = f"{self._name}-clip{len(self._definitions)}"
        cut = self._defined(attributes, name, f'<clipPath id="{{}}"><rect {attributes}/></clipPath>')
        return f' clip-path="url(#{cut})"'

    def _defined(self, key: str, name: str, element: str) -> str:
        """The id of a definition, written once."""
        self._definitions.setdefault(key, element.format(name))
        found = re.search('id="([^"]+)"', self._definitions[key])
        assert found is not None
        return found[1]

    def _path_data(self, path: Any, transform: Any, frame: Any, *, simplify: bool) -> str:
        flipped = transform + Affine2D().scale(1, -1).translate(0, self.height).scale(FINE)
        clip = None
        if frame is not None:
            x0, y0, x1, y1 = frame.padded(1).extents
            clip = (FINE * x0, FINE * (self.height - y1), FINE * x1, FINE * (self.height - y0))
        out: list[str] = []
        here = (0, 0)
        for vertices, code in path.iter_segments(flipped, clip=clip, simplify=simplify):
            if code == Path.CLOSEPOLY:
                out.append("z")
                continue
            points = np.rint(vertices).astype(int).reshape(-1, 2)
            letter = _LETTERS[int(code)]
            moved = points if letter == "M" else points - here
            if letter != "l" or moved.any():
                out.append(letter + " ".join(f"{x} {y}" for x, y in moved.tolist()))
            here = tuple(points[-1].tolist())
        return "".join(out) if any(part[0] not in "Mz" for part in out) else ""

    def _dots(self, places: list[tuple[float, float]], size: float, face: Any, alpha: float | None) -> None:
        """Round dots of one look: strokes of no length with round ends, a few bytes each."""
        opacity = float(face[3]) if len(face) == 4 else (1.0 if alpha is None else float(alpha))
        layers = 1 if opacity >= 1 else min(_LAYERS, len(places))
        look = f' stroke="{self._colour(face)}" stroke-width="{whole(size)}" stroke-linecap="round"{_opacity("stroke", opacity)}'
        for layer in range(layers):
            last, out = (0, 0), []
            for x, y in places[layer::layers]:
                here = (whole(x), whole(self.height - y))
                out.append(f"m{here[0] - last[0]} {here[1] - last[1]}h1")
                last = (here[0] + 1, here[1])
            self._add(f'path d="{"".join(out)}"{look}')


def _opacity(of: str, value: float) -> str:
    return "" if value >= 1 else f' {of}-opacity="{value:.2g}"'


def _rimless(gc: Any, face: Any) -> bool:
    """Whether a dot has no rim of its own colour."""
    return gc.get_linewidth() == 0 or np.allclose(gc.get_rgb()[:3], np.asarray(face)[:3])


def _diameter(path: Any, transform: Any) -> float | None:
    """Of a circle; None of any other shape."""
    if path.codes is None or len(path.codes) < 9 or not (np.asarray(path.codes[1:-1]) == Path.CURVE4).all():
        return None
    box = path.get_extents(transform)
    return float(box.width) if abs(box.width - box.height) < 0.01 * box.width else None
