"""What a row of Table 1 is measured on: a trained model, whoever trained it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.models import VAE


@dataclass(frozen=True)
class Fitted:
    """A trained model and what its training was.

    Attributes:
        model: in evaluation mode; it sees images on [0, 1].
        sample: gives n images from the prior, as uint8 means of p(x|z).
        seconds: of training, validation included.
        steps: of the optimizer.
        settings: what was asked for or chosen.
    """

    model: VAE
    sample: Callable[[int], NDArray[Any]]
    seconds: float
    steps: int
    settings: dict[str, Any]


def as_uint8(images: NDArray[Any]) -> NDArray[Any]:
    """Images on [0, 1] as 8-bit ones; what lies outside is clipped."""
    return np.rint(np.clip(np.asarray(images, np.float64), 0, 1) * 255).astype(np.uint8)
