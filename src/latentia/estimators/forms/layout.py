"""How the items of a mixture become rows `[n, d]`, and back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError


@dataclass(frozen=True)
class Layout:
    """How items `[n, *event]` become the rows `[n, d]` of a mixture, and back.

    Attributes:
        event_shape: of an item.
        dense: whether sparse tables are made dense: Gaussians take no others.
        white: images are divided by it: 255 where bytes stand for [0, 1]; 1 for 0/1 images, and where bytes are counts.
        constant: pixels that a Gaussian leaves out because they are the same in all images, with their values.
        flat: whether images were given without an axis of channels, `[n, H, W]`; then so do they come back.
    """

    event_shape: tuple[int, ...]
    dense: bool = False
    white: int = 1
    constant: tuple[tuple[int, float], ...] = ()
    flat: bool = False

    @classmethod
    def of(cls, X: Any, *, dense: bool, scaled: bool, flat: bool) -> Self:
        """The layout of training items.

        Args:
            X: `[n, d]`, or images `[n, C, H, W]`.
            dense: whether the family takes no sparse rows, and no constant pixels: a Gaussian.
            scaled: whether the bytes of images stand for [0, 1]; else they are counts.
            flat: whether images came as `[n, H, W]`.
        """
        event = tuple(int(size) for size in X.shape[1:])
        if len(event) != 3:
            return cls(event, dense)
        white = 255 if scaled and X.dtype == np.uint8 and int(X.max()) > 1 else 1
        layout = cls(event, dense, white, flat=flat)
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

    def items(self, rows: NDArray[Any], flat: bool | None = None) -> NDArray[Any]:
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
        return images[:, 0] if (self.flat if flat is None else flat) else images

    def viewable(self, items: Any) -> NDArray[Any]:
        """Images from 0 to 1 black to white (what lies outside is cut), or up to the largest count; tables as they are."""
        array = np.asarray(items.toarray() if hasattr(items, "toarray") else items)
        if not self.is_image:
            return array
        values = array.astype(float).reshape(-1, *self.event_shape)
        counts = array.dtype.kind in "iu" or values.max(initial=0) > 2
        top = max(1.0, float(values.max(initial=0))) if counts else 1.0
        return np.clip(values / top, 0.0, 1.0)

    @property
    def log_volume(self) -> float:
        """Zero: densities are of the rows, images of bytes on [0, 1]."""
        return 0.0

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        described = asdict(self)
        if not self.flat:
            del described["flat"]
        return described

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        constant = tuple((int(i), float(value)) for i, value in described["constant"])
        return cls(**{**described, "event_shape": tuple(described["event_shape"]), "constant": constant})
