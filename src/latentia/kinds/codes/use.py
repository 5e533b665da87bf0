"""What the discrete codes of a fitted model are used for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from latentia.data.pictures import Axes
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.arrays import Given as Rows
from latentia.estimators.forms.arrays import as_mask
from latentia.estimators.inference import Inference
from latentia.latent.code_priors import ClassPrior, Given
from latentia.training.randomness import seeded


def checked_codes(Z: Any, coder: Any) -> Tensor:
    """Codes `[n, positions]`, numbers from 0 to K - 1, as a module takes them.

    Raises:
        DataError: for another shape, or numbers that are no codes.
    """
    codes = np.asarray(Z)
    if codes.ndim != 2 or codes.shape[1] != coder.n_positions:
        raise DataError(f"codes of shape {codes.shape}; expected [n, {coder.n_positions}]")
    if codes.size and not (np.isfinite(codes).all() and (codes == np.rint(codes)).all()):
        raise DataError("codes must be whole numbers, as transform gives them")
    if codes.size and (codes.min() < 0 or codes.max() >= coder.n_codes):
        raise DataError(f"codes span {codes.min():g}..{codes.max():g}; expected 0..{coder.n_codes - 1}")
    return torch.from_numpy(codes.astype(np.int64))


def drawn(
    asked: Inference,
    n: int,
    given: Given | None,
    classes: Tensor | None,
    mean: bool,
    random_state: Any,
    axes: Axes | None = None,
) -> NDArray[Any]:
    """Decoded draws of codes, but those given, of the classes `[n]`."""
    prior = asked.module.prior
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    with seeded(seed, asked.device), torch.inference_mode():
        codes = []
        for rows in torch.arange(n, device=asked.device).split(512):
            known = None if given is None else Given(*(part[rows] for part in given))
            if isinstance(prior, ClassPrior) and classes is not None:
                codes.append(prior.sample(len(rows), given=known, labels=classes[rows]))
            else:
                codes.append(prior.sample(len(rows), given=known))
        return asked.decoded(torch.cat(codes), mean, axes)


def completed(estimator: Any, rows: Rows, mask: Any, mean: bool, random_state: Any, y: Any) -> NDArray[Any]:
    """Rows with the codes outside `mask` drawn from the prior; see `VQVAE.complete`."""
    asked = estimator._inference()
    codes = asked.codes(rows.rows)
    kept = as_mask(mask, codes.shape, "codes")
    known = Given(*(torch.from_numpy(part).to(asked.device) for part in (codes, kept)))
    numbers = None if y is None else class_numbers(estimator, y, len(codes))
    return drawn(asked, len(codes), known, numbers, mean, random_state, rows.axes)


def labels_of(y: Any, n: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes, and the number of each row's `[n]`.

    Raises:
        ConfigError: if there are none.
        DataError: if they are not one for each row.
    """
    if y is None:
        raise ConfigError("prior_by_class=True needs the classes of the rows: fit(X, y)")
    y = np.asarray(y)
    if y.shape != (n,):
        raise DataError(f"y of shape {y.shape}; expected the class of each of the {n} rows")
    classes, numbers = np.unique(y, return_inverse=True)
    return classes, numbers.astype(np.int64)


def class_numbers(estimator: Any, y: Any, n: int) -> Tensor:
    """The numbers of classes `[n]`.

    Raises:
        ConfigError: for a model without a prior by class, or a class that it has not seen.
    """
    if not isinstance(estimator.module_.prior, ClassPrior):
        raise ConfigError("y=... needs a model that was fitted with prior_by_class=True")
    wanted = np.broadcast_to(np.asarray(y), (n,))
    unknown = sorted(set(wanted.tolist()) - set(estimator.classes_.tolist()))
    if unknown:
        raise ConfigError(f"y={unknown[0]!r} is no class of the training data: {estimator.classes_.tolist()}")
    return torch.from_numpy(np.searchsorted(estimator.classes_, wanted)).to(estimator._device())
