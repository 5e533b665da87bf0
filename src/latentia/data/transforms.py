"""Random changes of data: dynamic binarization."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia import draws
from latentia.errors import DataError


class DynamicBinarization:
    """Draw each pixel anew as 0 or 1 whenever a batch is seen: x' ~ Bernoulli(x).

    Salakhutdinov and Murray, On the quantitative analysis of deep belief networks, ICML 2008; drawn anew in each
    epoch as in Burda et al., Importance weighted autoencoders, ICLR 2016, section 5.

    Args:
        generator: source of randomness; by default torch's global one, which resuming a run restores.

    Example:
        >>> DynamicBinarization()(torch.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.generator = generator

    def __call__(self, x: Tensor) -> Tensor:
        """Return a tensor like `x` (floats in [0, 1], or uint8 0 ... 255) of zeros and ones, as floats."""
        probabilities = x if x.is_floating_point() else x.float() / 255
        return torch.bernoulli(
            probabilities, generator=self.generator or draws.generator_for(probabilities.device)
        )


def binarize(x: NDArray[Any], seed: int = 0) -> NDArray[np.uint8]:
    """Draw each pixel once as 0 or 1, the same for the same seed: for figures that can be repeated.

    Args:
        x: floats in [0, 1], or uint8 0 ... 255, of any shape.
        seed: of NumPy's default generator.

    Returns:
        uint8 zeros and ones in the shape of `x`.

    Raises:
        DataError: values outside the range, or NaN.

    Example:
        >>> binarize(np.array([0, 255], dtype=np.uint8)).tolist()
        [0, 1]
    """
    probabilities = np.asarray(x, np.float32) / np.float32(255) if x.dtype == np.uint8 else np.asarray(x)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(
            f"values from {x.min()} to {x.max()} are no probabilities; expected floats in [0, 1] or uint8"
        )
    draws = np.random.default_rng(seed).random(probabilities.shape, dtype=np.float32)
    return (draws < probabilities).astype(np.uint8)
