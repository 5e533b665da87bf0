"""Pictures whose factors of variation are known: one white shape on black, as in dSprites, drawn when asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentia.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

FACTORS = ("shape", "scale", "rotation", "x", "y")
SHAPES = ("square", "ellipse", "heart")

_UNIT = 0.155  # of the picture's side: half the side of a large square
_REACH = 0.245  # of a centre from the edge: no shape, however turned, comes near it
_SUBPIXELS = 4
_PICTURES = 256


@dataclass(frozen=True)
class Sprites:
    """A grid of pictures by five independent factors: shape, scale, rotation, x and y.

    The factors are those of dSprites (Matthey et al. 2017) in number and meaning; the drawing is our own, and no picture
    repeats another by a full turn. Like there, a square looks the same after a quarter turn, an ellipse after a half.

    Args:
        size: side of a picture in pixels, at least 8.
        n_scales: scales, evenly from half to full.
        n_rotations: angles, evenly around the circle.
        n_x: places from left to right.
        n_y: places from top to bottom.
        antialias: 17 grey levels (the share of a pixel that is covered) in the place of two.

    Raises:
        ConfigError: for a size below 8 or a number of levels below 1.

    Example:
        >>> grid = Sprites(size=32, n_rotations=8, n_x=8, n_y=8)
        >>> len(grid), grid.images([[0, 5, 0, 3, 3]]).shape
        (9216, (1, 1, 32, 32))
    """

    size: int = 64
    n_scales: int = 6
    n_rotations: int = 40
    n_x: int = 32
    n_y: int = 32
    antialias: bool = False

    def __post_init__(self) -> None:
        if self.size < 8:
            raise ConfigError(f"size={self.size}: pictures of at least 8 pixels a side were expected")
        for name, levels in zip(FACTORS[1:], self.levels[1:], strict=True):
            if levels < 1:
                raise ConfigError(f"{levels} levels of {name}: at least 1 was expected")

    @property
    def levels(self) -> tuple[int, ...]:
        """How many levels each factor has, in the order of `FACTORS`."""
        return len(SHAPES), self.n_scales, self.n_rotations, self.n_x, self.n_y

    def __len__(self) -> int:
        """Number of pictures."""
        return math.prod(self.levels)

    def factors(self, index: Any) -> np.ndarray:
        """Factors `[n, 5]` of the pictures number `index` `[n]`; the last factor varies fastest."""
        import numpy as np

        return np.stack(np.unravel_index(np.asarray(index, dtype=np.int64), self.levels), axis=1)

    def subgrid(self, **levels: Iterable[int]) -> np.ndarray:
        """All factors `[n, 5]` of a part of the grid, by the levels that are wanted: `subgrid(shape=[0], x=range(4))`.

        Raises:
            ConfigError: for a factor or level that there is not.
        """
        import numpy as np

        for name in levels:
            if name not in FACTORS:
                raise ConfigError(f"unknown factor {name!r}; the factors are {', '.join(FACTORS)}")
        wanted = [
            list(levels.get(name, range(count))) for name, count in zip(FACTORS, self.levels, strict=True)
        ]
        grid = np.stack(np.meshgrid(*wanted, indexing="ij"), axis=-1).reshape(-1, len(FACTORS))
        return self._checked(grid)

    def sample_factors(self, n: int, seed: int = 0) -> np.ndarray:
        """Factors `[n, 5]`, each drawn independently and evenly."""
        import numpy as np

        return np.random.default_rng(seed).integers(0, self.levels, size=(n, len(FACTORS)))

    def sample(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Pictures `[n, 1, size, size]` and their factors `[n, 5]`, drawn independently and evenly."""
        factors = self.sample_factors(n, seed)
        return self.images(factors), factors

    def images(self, factors: Any) -> np.ndarray:
        """Pictures `[n, 1, size, size]` in uint8, 0 to 255, of factors `[n, 5]`.

        Raises:
            ConfigError: for a level that there is not.
        """
        import numpy as np

        rows = self._checked(np.asarray(factors, dtype=np.int64))
        out = np.empty((len(rows), 1, self.size, self.size), dtype=np.uint8)
        for start in range(0, len(rows), _PICTURES):
            out[start : start + _PICTURES, 0] = self._draw(rows[start : start + _PICTURES])
        return out

    def _checked(self, rows: np.ndarray) -> np.ndarray:
        if rows.ndim != 2 or rows.shape[1] != len(FACTORS):
            raise ConfigError(f"factors have shape {list(rows.shape)}; expected [n, {len(FACTORS)}]")
        bad = (rows < 0) | (rows >= self.levels)
        if bad.any():
            row, column = (int(i) for i in bad.nonzero()[0][:1].tolist() + bad.nonzero()[1][:1].tolist())
            raise ConfigError(
                f"factors: row {row} has {FACTORS[column]} {rows[row, column]}; its levels are 0 to "
                f"{self.levels[column] - 1}"
            )
        return rows

    def _draw(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        scale, rotation, x, y = (column[:, None, None] for column in rows.T[1:])
        fine = self.size * (_SUBPIXELS if self.antialias else 1)
        at = (np.arange(fine) + 0.5) / fine
        size = _UNIT * (0.5 + 0.5 * scale / max(self.n_scales - 1, 1) if self.n_scales > 1 else 1.0)
        angle = 2 * np.pi * rotation / self.n_rotations
        right = at[None, None, :] - _place(x, self.n_x)
        up = _place(y, self.n_y) - at[None, :, None]
        u = (np.cos(angle) * right + np.sin(angle) * up) / size
        v = (np.cos(angle) * up - np.sin(angle) * right) / size
        inside = np.zeros(u.shape, dtype=bool)
        for number, test in enumerate(INSIDE):
            which = rows[:, 0] == number
            inside[which] = test(u[which], v[which])
        if not self.antialias:
            return inside.astype(np.uint8) * 255
        blocks = inside.reshape(len(rows), self.size, _SUBPIXELS, self.size, _SUBPIXELS)
        return np.rint(blocks.mean(axis=(2, 4)) * 255).astype(np.uint8)


def _place(level: np.ndarray, levels: int) -> np.ndarray:
    """Centre on [0, 1] of the picture's side."""
    share = level / (levels - 1) if levels > 1 else level + 0.5
    return _REACH + (1 - 2 * _REACH) * share


def in_square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square of half side 1, upright."""
    return (abs(u) <= 1) & (abs(v) <= 1)


def in_ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """An ellipse of half axes 1.3 and 0.75."""
    return (u / 1.3) ** 2 + (v / 0.75) ** 2 <= 1


def in_heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A heart of about that size."""
    v = v + 0.1
    return (u**2 + v**2 - 1) ** 3 <= u**2 * v**3


INSIDE = (in_square, in_ellipse, in_heart)
"""For each of `SHAPES` which points lie in it: `u` to the right and `v` up of its centre, in units of its size."""
