"""Three tetrominoes in a picture: four squares each, in one of six colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentia.data.scenes import OBJECT, Scenes, count_range
from latentia.errors import ConfigError

# The fixed tetrominoes without the two Z: 17 shapes, as the data set of Kabra et al. 2019 has.
_ROWS = (
    "11/11", "1111", "1/1/1/1", "110/011", "01/11/10", "111/010", "010/111", "10/11/10", "01/11/01",
    "100/111", "111/001", "11/10/10", "01/01/11", "001/111", "111/100", "11/01/01", "10/10/11",
)  # fmt: skip
TETROMINOES: tuple[NDArray[np.bool_], ...] = tuple(
    np.array([[cell == "1" for cell in row] for row in shape.split("/")]) for shape in _ROWS
)
_COLOURS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 0, 255], [0, 255, 255]], np.uint8
)
_MOST_TRIES = 10_000


@dataclass(frozen=True)
class Tetrominoes:
    """Tetrominoes on black that do not touch each other's squares, out of 17 shapes and 6 colours.

    After Tetrominoes (Kabra et al. 2019, Multi-Object Datasets): 35 x 35 pixels, three objects.

    Args:
        size: side of a picture in pixels; a square has a seventh of it.
        objects: fewest and most tetrominoes.

    Raises:
        ConfigError: for a value out of its range.

    Example:
        >>> scenes = Tetrominoes().sample(2, seed=0)
        >>> scenes.x.shape, np.unique(scenes.masks[0], return_counts=True)[1][1:].tolist()
        ((2, 3, 35, 35), [100, 100, 100])
    """

    size: int = 35
    objects: tuple[int, int] = (3, 3)

    def __post_init__(self) -> None:
        count_range("objects", self.objects, 1)
        if self.size < 14 or self.size % 7:
            raise ConfigError(f"size={self.size}: a multiple of 7 of at least 14 is expected, such as 35")

    def sample(self, n: int, seed: int = 0) -> Scenes:
        """`n` pictures; the same seed gives the same bytes."""
        random = np.random.default_rng(seed)
        low, high = self.objects
        counts = random.integers(low, high + 1, n)
        objects = np.zeros((n, high), OBJECT)
        masks = np.zeros((n, self.size, self.size), np.uint8)
        for i, count in enumerate(counts.tolist()):
            masks[i] = self._placed(random, objects[i, :count])
        colours = np.zeros((n, high + 1, 3), np.uint8)
        colours[:, 1:] = np.stack([objects[name] for name in "rgb"], -1)
        x = colours[np.arange(n)[:, None, None], masks]
        return Scenes(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), masks, counts, objects)

    def _placed(self, random: np.random.Generator, objects: NDArray[np.void]) -> NDArray[np.uint8]:
        """Whose each pixel is; fills `objects`."""
        cell = self.size // 7
        for _ in range(_MOST_TRIES):
            owner, free = np.zeros((self.size, self.size), np.uint8), True
            for k in range(len(objects)):
                number, colour = (
                    int(random.integers(len(TETROMINOES))),
                    _COLOURS[random.integers(len(_COLOURS))],
                )
                shape = np.kron(TETROMINOES[number], np.ones((cell, cell), dtype=bool))
                height, width = shape.shape
                top, left = random.integers(self.size - height + 1), random.integers(self.size - width + 1)
                window = owner[top : top + height, left : left + width]
                free = free and not window[shape].any()
                window[shape] = k + 1
                middle = ((left + width / 2) / self.size, (top + height / 2) / self.size)
                objects[k] = (True, number, *middle, max(shape.shape) / self.size, 0.0, *colour, 1.0)
            if free:
                return owner
        raise ConfigError(f"objects={self.objects}: so many tetrominoes do not fit; ask for fewer")
