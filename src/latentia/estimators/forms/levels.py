"""From a person's images or small whole numbers to levels 0 ... K-1, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.pictures import Axes, Before, Scale, as_given, axes_from, like_before
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice

FEW = 32
"""Data of at most so many different values have these as their levels."""
BYTE = 256


@dataclass(frozen=True)
class Levels:
    """How numbers become levels.

    Attributes:
        event_shape: `[C, H, W]` of an image, or `[d]` of a table's row.
        dtype: NumPy name of the person's type.
        n_levels: K.
        values: the value of each level, where the data have few; None: bytes, or floats in [0, 1], in K equal steps.
        axes: where images had their channels; there they have them when they come back.
    """

    event_shape: tuple[int, ...]
    dtype: str
    n_levels: int
    values: tuple[float, ...] | None = None
    axes: Axes = "first"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`[C, H, W]`; a row of a table is an image of one line."""
        if len(self.event_shape) == 3:
            return self.event_shape[0], self.event_shape[1], self.event_shape[2]
        return 1, 1, self.event_shape[0]

    def like_before(
        self,
        items: NDArray[Any],
        names: Sequence[str] | None = None,  # noqa: ARG002  `stored` names row and value
        given: np.dtype[Any] | None = None,
    ) -> NDArray[Any]:
        """Later items on the scale of the first, where that is meant; what then is no level `stored` refuses."""
        if len(self.event_shape) != 3:
            return items
        given = items.dtype if given is None else given
        if self.values is None:
            scale: Scale = "pixels" if self.dtype == "uint8" else "unit"
            return like_before(items, Before(scale, 0.0, 255.0), given)
        if len(self.values) == 2:
            return like_before(items, Before("binary", *self.values), given)
        return items

    def stored(self, x: NDArray[Any]) -> NDArray[Any]:
        """Levels `[n, C, H, W]` of items `[n, *event]`, in the smallest type that holds them.

        Raises:
            DataError: if a value is none of those that there are levels for.
        """
        if self.values is not None:
            known = np.asarray(self.values)
            levels = np.searchsorted(known, x).clip(max=len(known) - 1)
            strange = known[levels] != x
            if strange.any():
                row = int(np.argwhere(strange)[0][0])
                raise DataError(
                    f"row {row} holds {x[strange][0]!r}, which is none of the {len(known)} values of the training data;"
                    " give n_levels to group values into levels"
                )
        elif np.dtype(self.dtype).kind == "f":
            levels = np.minimum((x * self.n_levels).astype(np.int64), self.n_levels - 1)
        else:
            levels = x.astype(np.int64) * self.n_levels // BYTE
        small = np.uint8 if self.n_levels <= BYTE else np.int32
        return levels.astype(small).reshape(len(x), *self.image_shape)

    def model_input(self, stored: Tensor) -> Tensor:
        """Levels as the whole numbers that a density takes."""
        return stored.long()

    def items(self, levels: NDArray[Any], axes: Axes | None = None) -> NDArray[Any]:
        """Items `[n, *event]` in the person's type; of grouped values, K numbers from the lowest to the highest.

        Args:
            levels: `[n, C, H, W]`.
            axes: where images have their channels; None: where they had them in `fit`.
        """
        found = self._values(levels)
        return as_given(found, axes or self.axes) if found.ndim == 4 else found

    def viewable(self, items: NDArray[Any]) -> NDArray[Any]:
        """Images by their levels from 0 to 1."""
        return self.stored(np.asarray(items)) / max(1, self.n_levels - 1)

    @property
    def log_volume(self) -> float:
        """Zero: the density is a probability of levels."""
        return 0.0

    def _values(self, levels: NDArray[Any]) -> NDArray[Any]:
        flat = levels.reshape(len(levels), *self.event_shape)
        if self.values is not None:
            return np.asarray(self.values, dtype=self.dtype)[flat]
        share = flat / max(1, self.n_levels - 1)
        if np.dtype(self.dtype).kind == "f":
            return share.astype(self.dtype)
        return np.rint(share * (BYTE - 1)).astype(self.dtype)

    def describe(self) -> dict[str, Any]:
        """What rebuilds this."""
        described = asdict(self)
        if described.pop("axes") != "first":
            described[self.axes] = True
        return described

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Levels:
        """The inverse of `describe`."""
        values: Sequence[float] | None = described["values"]
        return cls(
            tuple(described["event_shape"]),
            described["dtype"],
            described["n_levels"],
            None if values is None else tuple(values),
            axes_from(described),
        )


def choose_levels(x: NDArray[Any], n_levels: int | None, axes: Axes = "first") -> tuple[Levels, Choice]:
    """The levels of training data `[n, *event]`.

    Args:
        x: rows of a table, or images.
        n_levels: K that a person asks for; None: the data's own values if there are at most 32, else 256.
        axes: where images have their channels.

    Raises:
        DataError: if the data are no levels.
        ConfigError: for a wrong number of levels.
    """
    event, dtype = tuple(x.shape[1:]), str(x.dtype)
    if n_levels is not None and (isinstance(n_levels, bool) or int(n_levels) != n_levels or n_levels < 2):
        raise ConfigError(f"n_levels={n_levels!r}: expected a whole number of at least 2")
    values = _few_values(x)
    if values is not None and (n_levels is None or len(values) <= n_levels):
        found = tuple(float(value) for value in values)
        return Levels(event, dtype, len(found), found, axes), Choice(
            "levels", str(len(found)), "the different values in the data"
        )
    bytes_or_unit = x.dtype == np.uint8 or (x.dtype.kind == "f" and x.min() >= 0 and x.max() <= 1)
    if len(event) != 3 or not bytes_or_unit:
        raise DataError(
            f"data of type {dtype} from {x.min():g} to {x.max():g} are no levels: an autoregressive model takes 8-bit images,"
            f" float images in [0, 1], or numbers of at most {FEW} different values"
        )
    if x.dtype == np.uint8 and n_levels is not None and n_levels > BYTE:
        raise ConfigError(f"n_levels={n_levels}: 8-bit images have at most {BYTE}")
    reason = "8-bit images" if n_levels is None else "as asked for, in equal steps"
    return Levels(event, dtype, n_levels or BYTE, None, axes), Choice("levels", str(n_levels or BYTE), reason)


def _few_values(x: NDArray[Any]) -> NDArray[Any] | None:
    """The different values in the data, if they are few."""
    if x.dtype == np.uint8:
        values = np.flatnonzero(np.bincount(x.ravel(), minlength=BYTE))
        return values if len(values) <= FEW else None
    if len(np.unique(x[:100])) > FEW:
        return None
    values = np.unique(x)
    return values if len(values) <= FEW else None
