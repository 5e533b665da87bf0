"""What else an item could have been, by its code: draws from its posterior and their decodings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia.distributions import item_keys, per_item_noise
from latentia.draws import seeded
from latentia.errors import ConfigError
from latentia.explore.protocol import LatentEstimator

_ROWS = 100


@dataclass(frozen=True)
class Resampled:
    """Draws from q(z|x) of each item, decoded.

    Attributes:
        codes: `[n, draws, D]`.
        items: means of p(x|z), `[n, draws, *event]`.
    """

    codes: NDArray[Any]
    items: NDArray[Any]


def resample(estimator: LatentEstimator, X: Any, draws: int = 8, seed: int = 0) -> Resampled:
    """Draw codes from q(z|x) and decode them: what varies among the decodings, the code leaves open.

    The draws of an item depend on the item and the seed, not on what stands beside it.

    Args:
        estimator: a fitted VAE.
        X: items, `[n, *event]`.
        draws: for each item, at least 1.
        seed: of the draws.

    Raises:
        ConfigError: if `draws` is less than 1.
        DataError: for items that the estimator cannot take.

    Example:
        >>> from latentia import VAE
        >>> from sklearn.datasets import load_wine
        >>> X = load_wine().data
        >>> resample(VAE(latent_dim=2, max_epochs=1, random_state=0).fit(X), X[:3], draws=4).items.shape
        (3, 4, 13)
    """
    if draws < 1:
        raise ConfigError(f"draws={draws}: at least one is needed")
    module, x = estimator.tensors(X)
    parts = []
    with (
        torch.no_grad(),
        seeded(seed, x.device),
    ):  # posteriors that have noise of another kind than the Gaussian
        for rows in x.split(_ROWS):
            with per_item_noise(item_keys(rows), seed):
                parts.append(module.encode(rows).sample(torch.Size([draws])).transpose(0, 1).cpu().numpy())
    codes = np.concatenate(parts)
    items = estimator.inverse_transform(codes.reshape(len(codes) * draws, -1))
    return Resampled(codes, items.reshape(len(codes), draws, *items.shape[1:]))
