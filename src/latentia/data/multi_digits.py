"""Several handwritten digits in a picture, white on black, with their number and which pixels are whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentia.data.digits import digit_images
from latentia.data.scenes import OBJECT, Scenes, count_range
from latentia.errors import ConfigError

_INK = 25  # levels from which on a pixel belongs to the digit that paints it
_MOST_TRIES = 10_000


@dataclass(frozen=True)
class MultiDigits:
    """Digits of MNIST, or of scikit-learn, at random places of one picture.

    After the multi-MNIST of AIR (Eslami et al. 2016) as Pyro's example makes it: a digit's side is its own over
    s ~ N(1.3, 0.1), the number of digits is uniform, and a picture is drawn anew where two summed pixels exceed 255.

    Args:
        size: side of a picture in pixels.
        digits: fewest and most digits.
        scale: mean and standard deviation of s.
        overlap: whether digits may lie over each other; their pixels are then cut at 255.
        apart: pixels by which the centres of two digits differ at least, to the right or downwards.

    Raises:
        ConfigError: for a value out of its range.

    Example:
        >>> scenes = MultiDigits(size=32, scale=(1.0, 0.0)).sample(5, seed=0)
        >>> scenes.x.shape, scenes.counts.max() <= 2
        ((5, 1, 32, 32), np.True_)
    """

    size: int = 50
    digits: tuple[int, int] = (0, 2)
    scale: tuple[float, float] = (1.3, 0.1)
    overlap: bool = False
    apart: int = 0

    def __post_init__(self) -> None:
        count_range("digits", self.digits, 0)
        mean, spread = self.scale
        if not mean > 0 or spread < 0 or mean < 5 * spread:
            raise ConfigError(
                f"scale={self.scale}: a positive mean, and a spread of at most a fifth of it, are expected"
            )
        if not 0 <= self.apart < self.size:
            raise ConfigError(
                f"apart={self.apart}: pixels from 0 to the side of a picture, {self.size}, are expected"
            )

    def sample(self, n: int, seed: int = 0, source: Any = None) -> Scenes:
        """`n` pictures; the same seed and digits give the same bytes.

        Args:
            n: how many.
            seed: of the draws.
            source: pictures of digits, uint8 `[m, 1, h, w]`, such as `digit_images("test")`; None: those of scikit-learn that are
                for training.

        Raises:
            ConfigError: if the digits do not fit into the picture.
        """
        images = np.asarray(digit_images("train", mnist=False) if source is None else source)[:, 0]
        random = np.random.default_rng(seed)
        low, high = self.digits
        counts = random.integers(low, high + 1, n)
        x, masks = (
            np.zeros((n, self.size, self.size), np.uint8),
            np.zeros((n, self.size, self.size), np.uint8),
        )
        objects = np.zeros((n, high), OBJECT)
        for i, count in enumerate(counts.tolist()):
            x[i], masks[i] = self._picture(random, images, objects[i, :count])
        objects["present"] = np.arange(high) < counts[:, None]
        for name in "rgb":
            objects[name] = 255 * objects["present"]
        return Scenes(x[:, None], masks, counts, objects)

    def _picture(
        self, random: np.random.Generator, images: NDArray[Any], objects: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """One picture and whose its pixels are; fills `objects`."""
        for _ in range(_MOST_TRIES):
            layers = np.zeros((len(objects) + 1, self.size, self.size), np.int32)
            layers[0] = _INK
            centres = np.empty((len(objects), 2))
            for k in range(len(objects)):
                digit = self._digit(random, images)
                side = len(digit)
                left, top = random.integers(0, self.size - side + 1, 2)
                layers[k + 1, top : top + side, left : left + side] = digit
                centres[k] = (left + side / 2, top + side / 2)
                objects[k] = (True, 0, *(centres[k] / self.size), side / self.size, 0, 0, 0, 0, 1)
            whole = layers[1:].sum(0)
            away = np.abs(centres[:, None] - centres[None]).max(-1) + self.size * np.eye(len(objects))
            if (self.overlap or whole.max(initial=0) <= 255) and (away >= self.apart).all():
                return np.minimum(whole, 255).astype(np.uint8), layers.argmax(0).astype(np.uint8)
        raise ConfigError(
            f"digits={self.digits}: so many digits do not fit into {self.size} pixels; ask for fewer, for overlap=True, or for a"
            " larger scale"
        )

    def _digit(self, random: np.random.Generator, images: NDArray[Any]) -> NDArray[np.uint8]:
        """A digit at random, in the size that it is to have."""
        image = images[random.integers(len(images))]
        side = round(len(image) / random.normal(*self.scale))
        if side > self.size:
            raise ConfigError(
                f"a digit of {side} pixels does not fit into a picture of {self.size}: give a larger scale"
            )
        return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
