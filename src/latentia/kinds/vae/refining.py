"""Steps toward each item's own posterior that follow the encoder: whether a fitted model takes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia import training
from latentia.distributions import item_keys, per_item_noise
from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.entry import Entry
from latentia.estimators.hints import rate_weight
from latentia.estimators.inference import frozen
from latentia.estimators.parameters import whole
from latentia.estimators.plan import refined_passes
from latentia.training.validation import EPOCH_ROWS, calibrate

GAIN_ROWS = 512
GAIN_BATCH = 128
GAIN_DRAWS = 4


def check_refinement(steps: Any, entry: Entry, model: Any) -> None:
    """Raise `ConfigError` if so many steps cannot be taken on codes of the model."""
    if steps == "auto":
        return
    if isinstance(steps, str):
        raise ConfigError(f"refinement_steps={steps!r}: expected a whole number of at least 0, or 'auto'")
    if whole("refinement_steps", steps, 0) and not entry.can_refine:
        raise ConfigError(
            f"refinement_steps={steps}: the codes of model {model!r} cannot be refined, only independent Gaussians whose "
            "mean is free; give 0 or 'auto'"
        )


def refinement_passes(steps: int, n: int) -> float:
    """About how many passes of an item through the network `refine` takes, for n training rows."""
    refined = refined_passes(steps)
    return (GAIN_ROWS * (refined + 2 * GAIN_DRAWS) + min(EPOCH_ROWS, n) * refined) * (steps > 0)


def refine(
    estimator: Any, rows: NDArray[Any], held_out: NDArray[Any] | None, weight: NDArray[np.float64] | None
) -> None:
    """What `refinement_steps` asks for, after training; the variance is then set for the refined codes of `rows`.

    What the model has as its own is taken where training maximised the very bound (a rate of weight 1, to whose codes it is true),
    and where rows that no step was taken on gain by it, beyond the chance of their choice.
    """
    module = estimator.module_
    estimator.choices_ = [choice for choice in estimator.choices_ if choice.what != "refinement_steps"]
    module.refinement_steps = 0
    if estimator.refinement_steps != "auto":
        module.refinement_steps = int(estimator.refinement_steps)
    elif (
        held_out is not None
        and (steps := estimator._entry().refinement_steps)
        and rate_weight(estimator.objective_) == 1.0
    ):
        gains = bound_gains(estimator, held_out, steps)
        gain, error = float(gains.mean()), float(gains.std() / math.sqrt(len(gains)))
        module.refinement_steps = steps if gain > 2 * error else 0
        reason = f"{steps} steps raise the bound by {gain:.2f} nats (standard error {error:.2f}) on {len(gains)} held-out rows"
        estimator.choices_.append(Choice("refinement_steps", str(module.refinement_steps), reason))
        if estimator.verbose:
            print(estimator.choices_[-1])
    if module.refinement_steps:
        batches = training.Batches(rows, frozen(estimator.form_)).weighed(weight)
        calibrate(
            module, batches.to(next(module.parameters()).device), EPOCH_ROWS, GAIN_BATCH, estimator.seed_
        )


def bound_gains(estimator: Any, rows: NDArray[Any], steps: int) -> NDArray[Any]:
    """By how much `steps` raise the bound of some rows, in nats, `[n]`: the same noise with them and without."""
    chosen = np.sort(np.random.default_rng([estimator.seed_, 3]).permutation(len(rows))[:GAIN_ROWS])
    asked = estimator._inference()
    module, gains = asked.module, []
    with torch.no_grad():
        for x in asked.batches(rows[chosen], GAIN_BATCH):
            bounds = []
            for module.refinement_steps in (0, steps):
                with per_item_noise(item_keys(x), estimator.seed_):
                    trace = module.trace(x, GAIN_DRAWS)
                bounds.append((trace.log_likelihood - trace.kl.sum(-1)).double().mean(0))
            gains.append((bounds[1] - bounds[0]).cpu().numpy())
    return np.concatenate(gains)
