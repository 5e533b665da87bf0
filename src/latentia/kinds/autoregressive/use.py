"""What a fitted autoregressive density is used for: exact likelihoods, draws, completions."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from latentia.data.pictures import in_order
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.arrays import Given, as_mask
from latentia.estimators.forms.levels import Levels
from latentia.kinds.autoregressive.catalog import DensityEntry
from latentia.latent.autoregressive import DENSITIES, build_density
from latentia.models import DensityModel
from latentia.training.randomness import seeded

SAMPLED_TOGETHER = 128
_SCORED_NUMBERS = 2**22


@dataclass(frozen=True)
class DensityEvaluation:
    """What an autoregressive density says of rows; its likelihood is exact.

    Attributes:
        n: rows.
        n_levels: K.
        log_likelihood: mean log-probability of a row in nats.
        log_likelihood_se: its standard error over rows.
        bits_per_dim: -log_likelihood / (numbers in a row) / ln 2.
    """

    n: int
    n_levels: int
    log_likelihood: float
    log_likelihood_se: float | None
    bits_per_dim: float

    @classmethod
    def of(cls, scores: NDArray[np.float64], n_levels: int, size: int) -> Self:
        """From log-probabilities `[n]` of rows of `size` numbers."""
        n, mean = len(scores), float(scores.mean())
        error = float(scores.std(ddof=1) / math.sqrt(n)) if n > 1 else None
        return cls(n, n_levels, mean, error, -mean / size / math.log(2))


def log_probabilities(module: DensityModel, stored: NDArray[Any], n_levels: int) -> NDArray[np.float64]:
    """Exact log p in nats of stored rows, `[n]`."""
    device = next(module.parameters()).device
    at_once = max(1, _SCORED_NUMBERS // (stored.shape[1] * max(64, n_levels)))
    scores = []
    with torch.inference_mode():
        for start in range(0, len(stored), at_once):
            part = torch.from_numpy(np.ascontiguousarray(stored[start : start + at_once]))
            scores.append(module.log_prob(part.to(device).long()).double().cpu())
    return torch.cat(scores).numpy()


def classes_in(y: Any, n: int) -> NDArray[Any]:
    """The different classes of n rows.

    Raises:
        DataError: if there is not one for each.
    """
    if y is None:
        raise DataError("conditional=True needs the class of each row: fit(X, y), or a data set with labels")
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise DataError(f"y has shape {labels.shape}; expected one class for each of {n} rows")
    return np.unique(labels)


def with_classes(stored: NDArray[Any], y: Any, classes: NDArray[Any]) -> NDArray[Any]:
    """Stored rows with the number of each one's class in a last column.

    Raises:
        DataError: for classes that are not one for each row, or unknown.
    """
    if y is None:
        raise DataError(f"this model is conditional on {len(classes)} classes: give the class of each row")
    labels = np.asarray(y)
    if labels.shape != (len(stored),):
        raise DataError(f"labels of shape {labels.shape}; expected one for each of {len(stored)} rows")
    numbers, known = _numbers(labels, classes)
    if not known.all():
        raise DataError(
            f"label {labels[~known][0]!r} is none of the classes {classes.tolist()} of the training data"
        )
    return np.concatenate([stored, numbers[:, None].astype(stored.dtype)], 1)


def contexts(n: int, labels: Any, classes: NDArray[Any], conditional: bool) -> Tensor | None:
    """What n draws are conditional on, one class each `[n, K]`; None: nothing.

    Raises:
        ConfigError: for labels without a conditional model, or unknown ones.
    """
    if not conditional:
        if labels is not None:
            raise ConfigError("labels are for models that were fitted with conditional=True")
        return None
    turn = classes[np.arange(n) % len(classes)] if labels is None else np.asarray(labels)
    numbers, known = _numbers(np.broadcast_to(turn, (n,)), classes)
    if not known.all():
        raise ConfigError(f"labels must be among the classes {classes.tolist()}")
    return torch.eye(len(classes))[torch.from_numpy(numbers)]


def _numbers(labels: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The number of each label's class, and whether there is such a class."""
    numbers = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    return numbers, np.asarray(classes[numbers] == labels)


def drawn(
    module: DensityModel,
    n: int,
    context: Tensor | None,
    given: Tensor | None,
    keep: Tensor | None,
    temperature: float,
    random_state: Any,
) -> NDArray[Any]:
    """Levels `[n, C, H, W]`, drawn where `keep` does not say that those `given` stay."""
    device = next(module.parameters()).device
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    density, parts = module.eval().density, []
    with seeded(seed, device):
        for start in range(0, n, SAMPLED_TOGETHER):
            chosen = slice(start, min(n, start + SAMPLED_TOGETHER))
            here, known, kept = (
                None if each is None else each[chosen].to(device) for each in (context, given, keep)
            )
            size = chosen.stop - start
            parts.append(density.sample(size, here, known, kept, temperature=temperature).cpu().numpy())
    return np.concatenate(parts)


def composed(entry: DensityEntry, levels: Levels, n_classes: int, sizes: dict[str, Any]) -> DensityModel:
    """The density that an entry of the catalog names, for data of these levels; sizes that are not None replace the entry's."""
    options = {**entry.options, **{name: size for name, size in sizes.items() if size is not None}}
    density = build_density(
        entry.density, levels.image_shape, levels.n_levels, n_context=n_classes, ordered=True, **options
    )
    return DensityModel(density, n_classes)


def channels_of(estimator: Any) -> int:
    """Features of a layer, as a person or the model's entry gave them, or as the density has them by itself; 0 without layers."""
    asked = estimator.n_channels or estimator._entry().options.get("n_channels")
    if asked is not None:
        return int(asked)
    density: Any = DENSITIES[estimator._entry().density]
    sizes = inspect.signature(density._layers).parameters
    return int(sizes["n_channels"].default) if "n_channels" in sizes else 0


def known_levels(levels: Levels, found: Given, mask: Any) -> tuple[Tensor, Tensor]:
    """Levels of rows `[n, C, H, W]`, and where they are kept; the mask may lack the axis of channels, as X may."""
    kept = np.asarray(mask)
    if found.rows.ndim == 4 and kept.ndim == 3:
        kept = kept[:, None]
    elif found.axes == "last" and kept.ndim == 4:
        kept = in_order(kept, found.axes)
    given = torch.from_numpy(levels.stored(found.rows)).long()
    keep = torch.from_numpy(as_mask(kept, found.rows.shape, "rows"))
    return given, keep.reshape(len(given), *levels.image_shape)
