"""Items of which the first part is kept and the rest drawn anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.kinds.autoregressive.estimator import AutoregressiveModel
from latentia.kinds.codes.estimator import VQVAE
from latentia.kinds.run import Run, SplitName


def completed(
    run: Run, n: int, keep: float, split: SplitName, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Items of a split, and the same with all but their first rows drawn anew.

    Args:
        run: of an autoregressive model, or of one with discrete codes: its prior completes the maps of codes.
        n: how many items, at random from the split.
        keep: share of the rows that is kept, from the top; of a table's row (or its codes), share of its columns.
        split: which part.
        seed: of the draw.

    Raises:
        ConfigError: if the run is of another kind of model, or `keep` not in [0, 1].
    """
    estimator = run.estimator
    if not isinstance(estimator, AutoregressiveModel | VQVAE):
        raise ConfigError(
            f"complete needs an autoregressive model or discrete codes; this run is a {type(estimator).__name__}: fit one"
            " with `--model gated-pixelcnn` or `--model vq-vae-ema`"
        )
    if not 0 <= keep <= 1:
        raise ConfigError(f"--keep {keep}: a share between 0 and 1 was expected")
    part = run.split(split).take(n)
    items = np.asarray(part.x)
    if isinstance(estimator, VQVAE):
        mask = np.concatenate([_first(shape, keep).ravel() for shape in estimator.code_shapes_])
        return items, estimator.complete(items, mask, mean=True, random_state=seed)
    labels = part.y if estimator.conditional else None
    # images `[n, C, H, W]`, or the columns of a table
    mask = _first(items.shape[2:], keep) if items.ndim == 4 else _first((1, items.shape[1]), keep)[0]
    return items, estimator.complete(items, mask, labels=labels, random_state=seed)


def _first(shape: tuple[int, ...], keep: float) -> NDArray[np.bool_]:
    """True in the first rows of a map, or, where it has one row only, in its first columns."""
    height, width = shape
    if height == 1:
        return (np.arange(width) < round(keep * width))[None]
    return np.broadcast_to((np.arange(height) < round(keep * height))[:, None], shape)
