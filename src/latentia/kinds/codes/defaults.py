"""Sizes of a model with discrete codes where a person leaves them open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from latentia.estimators.defaults import default_latent_dim


def default_code_dim(event_shape: Sequence[int]) -> int:
    """Length of a code's vector in a VQ-VAE: 64 for images (van den Oord et al. 2017), 16 for rows."""
    return 64 if len(event_shape) == 3 else 16


def default_groups(event_shape: Sequence[int]) -> int:
    """Codes of a row in a VQ-VAE: 1 to 8 by its length.

    Example:
        >>> [default_groups(shape) for shape in ((2,), (13,), (100,))]
        [1, 4, 8]
    """
    return min(8, default_latent_dim(event_shape))


def default_n_codes(event_shape: Sequence[int], n: int) -> int:
    """Size of a codebook: 512 for images, 64 for rows, but no more than a code for each eight of the n items.

    Example:
        >>> [default_n_codes((1, 28, 28), n) for n in (50, 1437, 55_000)], default_n_codes((13,), 160)
        ([4, 128, 512], 16)
    """
    most = 512 if len(event_shape) == 3 else 64
    return int(min(most, max(4, 2 ** math.floor(math.log2(max(1.0, n / 8))))))
