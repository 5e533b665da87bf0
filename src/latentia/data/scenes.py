"""Pictures of several objects, with all that is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.dataset import Split
from latentia.errors import ConfigError
from latentia.files import write_atomically

OBJECT = np.dtype(
    [
        ("present", "?"), ("shape", "i1"), ("x", "f4"), ("y", "f4"), ("scale", "f4"), ("rotation", "f4"),
        ("r", "u1"), ("g", "u1"), ("b", "u1"), ("visible", "f4"),
    ]
)  # fmt: skip
"""An object of a scene: x and y of its centre and its scale as shares of the picture's side, its angle in radians, its
colour, and the share of its area that no later object covers."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """Pictures of several objects.

    Attributes:
        x: uint8 `[n, C, H, W]`.
        masks: whose each pixel is, uint8 `[n, H, W]`: 0 the background, i the i-th object that was painted.
        counts: objects in each picture, `[n]`.
        objects: of the type `OBJECT`, `[n, K]`, K the most that a picture may have.

    Example:
        >>> from latentia.data import MultiSprites
        >>> scenes = MultiSprites(size=16, objects=(1, 2)).sample(3, seed=0)
        >>> scenes.x.shape, scenes.split().truth["states"].shape
        ((3, 3, 16, 16), (3, 2, 3))
    """

    x: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    counts: NDArray[np.int64]
    objects: NDArray[Any]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.x)

    @property
    def truth(self) -> dict[str, NDArray[Any]]:
        """What a `Split` keeps of them: masks, counts, and the objects' x, y and scale as `states` `[n, K, 3]`; NaN where there is none."""
        states = np.stack([self.objects[name] for name in ("x", "y", "scale")], -1)
        states[~self.objects["present"]] = np.nan
        return {"masks": self.masks, "counts": self.counts, "states": states}

    def split(self) -> Split:
        """As a part of a data set."""
        return Split(self.x, truth=self.truth)

    def save(self, path: str | Path) -> Path:
        """Write an `.npz` that `latentia.data.load` reads, truth and all.

        Raises:
            RunFolderError: if it cannot be written.
        """
        path = Path(path)
        write_atomically(path, lambda file: np.savez_compressed(file, x=self.x, **self.truth))  # type: ignore[arg-type]
        return path


def count_range(name: str, value: tuple[int, int], least: int) -> tuple[int, int]:
    """Fewest and most objects of a picture.

    Raises:
        ConfigError: if they are no such pair.
    """
    low, high = value
    if not least <= low <= high <= 250:
        raise ConfigError(f"{name}={value}: the fewest and the most, between {least} and 250, are expected")
    return low, high
