"""Whether the model finds its own samples as probable as data: where it does not, the prior has holes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import LatentModel
from latentia.distributions import Delta
from latentia.draws import seeded
from latentia.models import evaluating, importance_estimate

SAMPLES = 50


@dataclass(frozen=True)
class SampleDensity:
    """Importance-weighted log p(x) of items drawn from the model against that of data; nats per item.

    Attributes:
        of_data: mean over held-out items.
        of_samples: mean over as many draws z ~ p(z), x ~ p(x|z).
        drop: `of_data` - `of_samples`: 0 in expectation where the model is the truth and the estimates are tight; large where
            the encoder does not know what the prior's codes decode to.
        standard_error: of `drop`.
        n: items on each side.
    """

    of_data: float
    of_samples: float
    drop: float
    standard_error: float
    n: int


def sample_density(
    model: LatentModel, x: Tensor, *, samples: int = SAMPLES, seed: int = 0
) -> SampleDensity | None:
    """Score data and draws from the model by the model itself.

    Args:
        model: a VAE.
        x: held-out items `[n, *event]`.
        samples: importance samples for each item.
        seed: of all draws.

    Returns:
        None for a deterministic posterior, or fewer than two items.
    """
    if len(x) < 2:
        return None
    with torch.no_grad(), evaluating(model), seeded(seed, x.device):
        if isinstance(model.amortised(x[:1]), Delta):
            return None
        # The observed items lend their library sizes to the draws.
        drawn = model.conditional(model.prior().sample(torch.Size([1, len(x)])), x).sample()[0].to(x.dtype)
        data = importance_estimate(model, x, samples, seed=seed).log_prob.double().cpu()
        own = importance_estimate(model, drawn, samples, seed=seed).log_prob.double().cpu()
    error = math.sqrt(float(data.var() + own.var()) / len(x))
    return SampleDensity(
        float(data.mean()), float(own.mean()), float(data.mean() - own.mean()), error, len(x)
    )
