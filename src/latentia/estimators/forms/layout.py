"""How the items of a mixture become rows `[n, d]`, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentia.data.pictures import Axes, Before, as_given, axes_from, like_before, white_of
from latentia.errors import DataError


@dataclass(frozen=True)
class Layout:
    """How items `[n, *event]` become the rows `[n, d]` of a mixture, and back.

    Attributes:
        event_shape: of an item.
        dense: whether sparse tables are made dense: Gaussians take no others.
        white: images are divided by it: 255 where bytes stand for [0, 1]; 1 for 0/1 images, and where bytes are counts.
        constant: pixels that a Gaussian leaves out because they are the same in all images, with their values.
        axes: where images had their channels; there they have them when they come back.
        scale: of images (`latentia.data.pictures.Before`); None: later ones are not held against it.
        about: their mean and standard deviation, where they are floats beyond [0, 1].
    """

    event_shape: tuple[int, ...]
    dense: bool = False
    white: int = 1
    constant: tuple[tuple[int, float], ...] = ()
    axes: Axes = "first"
    scale: str | None = None
    about: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def of(cls, X: Any, *, dense: bool, scaled: bool, axes: Axes) -> Self:
        """The layout of training items.

        Args:
            X: `[n, d]`, or images `[n, C, H, W]`.
            dense: whether the family takes no sparse rows, and no constant pixels: a Gaussian.
            scaled: whether the bytes of images stand for [0, 1]; else they are counts.
            axes: where images have their channels.
        """
        event = tuple(int(size) for size in X.shape[1:])
        if len(event) != 3:
            return cls(event, dense)
        white, scale, about = 1, None, (0.0, 1.0)
        if scaled and X.dtype.kind == "u":
            white = 1 if int(X.max()) <= 1 else white_of(X)
            scale = "binary" if white == 1 else "pixels" if X.dtype == np.uint8 else "deep"
        elif scaled:
            scale = "unit" if X.min() >= 0 and X.max() <= 1 else "continuous"
            about = (float(X.mean()), float(X.std())) if scale == "continuous" else about
        layout = cls(event, dense, white, axes=axes, scale=scale, about=about)
        if not dense:
            return layout
        rows = layout.stored(X)
        same = np.flatnonzero(rows.min(0) == rows.max(0))
        if len(same) == rows.shape[1]:
            raise DataError("all images are the same in every pixel: there is nothing to be told apart")
        return replace(layout, constant=tuple((int(i), float(rows[0, i])) for i in same))

    @property
    def is_image(self) -> bool:
        """Whether items are images."""
        return len(self.event_shape) == 3

    def like_before(
        self,
        items: Any,
        names: Sequence[str] | None = None,  # noqa: ARG002  families name row and column
        given: np.dtype[Any] | None = None,
    ) -> Any:
        """Later images on the scale of the first, where that is meant, else refused; tables as they are."""
        if not self.is_image or self.scale is None:
            return items
        low, high = self.about if self.scale == "continuous" else (0.0, float(self.white))
        return like_before(items, Before(self.scale, low, high), items.dtype if given is None else given)  # type: ignore[arg-type]

    def stored(self, items: Any) -> Any:
        """Items as rows `[n, d]`.

        Raises:
            DataError: for images of another shape than in fitting, or none.
        """
        if hasattr(items, "toarray"):
            return items.toarray() if self.dense else items
        if not self.is_image:
            return items
        array = np.asarray(items)
        shape = array.shape[1:] if array.ndim != 3 else (1, *array.shape[1:])
        if shape != self.event_shape:
            raise DataError(f"items of shape {shape}, but {self.event_shape} in fitting; they must agree")
        rows = array.reshape(len(array), -1)
        rows = rows if self.white == 1 else rows.astype(np.float32) / np.float32(self.white)
        return np.delete(rows, [i for i, _ in self.constant], axis=1) if self.constant else rows

    def model_input(self, stored: Any) -> Any:
        """What components see: the rows."""
        return stored

    def items(self, rows: NDArray[Any], axes: Axes | None = None) -> NDArray[Any]:
        """Rows as items; images of bytes stay on the scale 0 to 1."""
        if not self.is_image:
            return rows
        if self.constant:
            full = np.empty((len(rows), math.prod(self.event_shape)), rows.dtype)
            places, values = map(list, zip(*self.constant, strict=True))
            full[:, places] = values
            full[:, np.setdiff1d(np.arange(full.shape[1]), places)] = rows
            rows = full
        images = rows.reshape(len(rows), *self.event_shape)
        return as_given(images, axes or self.axes)

    def viewable(self, items: Any) -> NDArray[Any]:
        """Images from 0 to 1 black to white (what lies outside is cut), or up to the largest count; tables as they are."""
        array = np.asarray(items.toarray() if hasattr(items, "toarray") else items)
        if not self.is_image:
            return array
        values = array.astype(float).reshape(-1, *self.event_shape)
        counts = array.dtype.kind in "iu" or values.max(initial=0) > 2
        top = max(1.0, float(values.max(initial=0))) if counts else 1.0
        return np.clip(values / top, 0.0, 1.0)

    def resolution(self, items: Any) -> float:
        """The variance of a pixel below which a Gaussian of images is a spike: a thousandth of the square of their range; 0 for tables.

        A pixel that is the same in all images of a component has no variance of its own. A rule of this project.
        """
        if not self.is_image:
            return 0.0
        rows = self.stored(np.asarray(items)[:1000])
        return 1e-3 * float(np.ptp(rows)) ** 2 if rows.size else 0.0

    @property
    def log_volume(self) -> float:
        """Zero: densities are of the rows, images of bytes on [0, 1]."""
        return 0.0

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        described = asdict(self)
        if described.pop("axes") != "first":
            described[self.axes] = True
        return described

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        constant = tuple((int(i), float(value)) for i, value in described["constant"])
        plain = {name: value for name, value in described.items() if name not in ("flat", "last")}
        shape = tuple(described["event_shape"])
        plain["about"] = tuple(plain.get("about", (0.0, 1.0)))
        return cls(**{**plain, "event_shape": shape, "constant": constant, "axes": axes_from(described)})
