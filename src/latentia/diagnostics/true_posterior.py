"""Means of the true posterior p(z|x) against those of q(z|x): who has collapsed, the model or the inference."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import LatentModel
from latentia.diagnostics.evaluation import ACTIVE_VARIANCE
from latentia.diagnostics.refinement import Refined
from latentia.distributions import item_keys, per_item_noise
from latentia.draws import seeded
from latentia.models import evaluating

SAMPLES = 200
MOVES = 0.1
"""A true posterior mean moves if its variance over items is at least this share of a standard-normal prior's: more than
the trace of dependence that a decoder keeps whose code was priced out of use. A rule of this project."""
_PER_PASS = 4


@dataclass(frozen=True)
class TruePosterior:
    r"""How much posterior means differ between items, under the model itself and under the encoder.

    Attributes:
        true_variance: Var_x E_p(z|x)[z_d] for each latent dimension, by importance sampling; may be slightly negative where it is 0.
        approximate_variance: Var_x E_q(z|x)[z_d] on the same items.
        true_active: dimensions whose `true_variance` exceeds 0.01.
        approximate_active: dimensions whose `approximate_variance` exceeds 0.01.
        effective_samples: effective number of importance samples for an item, mean over items.
        samples: importance samples for an item.
        n: items.
    """

    true_variance: tuple[float, ...]
    approximate_variance: tuple[float, ...]
    true_active: int
    approximate_active: int
    effective_samples: float
    samples: int
    n: int

    @property
    def collapse(self) -> str | None:
        """Where no mean of q moves: "model" if no true one does either, else "inference"; None where q moves."""
        if self.approximate_active > 0:
            return None
        return "inference" if max(self.true_variance) > MOVES else "model"


def true_posterior(
    model: LatentModel, refined: Refined, *, samples: int = SAMPLES, seed: int = 2
) -> TruePosterior:
    r"""Compare the means of p(z|x) with those of q(z|x).

    E_p(z|x)[z] is a self-normalised importance average with weights p(x|z) p(z) / r(z), where the proposal r is a half
    of the item's own Gaussian q*(z|x) (widened by half) and a half of the prior. Two averages of each item from separate draws are taken: the
    covariance over items of one with the other has no share of sampling noise, which a variance would have.

    Source: He et al. 2019, Lagging Inference Networks and Posterior Collapse, section 3 (there on a grid, in one dimension).

    Args:
        model: a VAE.
        refined: items with their own posteriors, from `refine`.
        samples: importance samples for each item.
        seed: of the draws.
    """
    x, prior = refined.x, model.prior()
    keys = item_keys(x)
    own = type(refined.posterior)(refined.posterior.mean, 1.5 * refined.posterior.stddev, validate_args=False)
    codes, weights = [], []
    with torch.no_grad(), evaluating(model):
        approximate = model.encode(x).mean.flatten(1).cpu().double()
        with seeded(seed, x.device):
            for first in range(0, samples, _PER_PASS):
                with per_item_noise(keys, seed, first_sample=first):
                    z = own.rsample(torch.Size([_PER_PASS]))
                z[::2] = prior.sample(torch.Size([len(z[::2]), len(x)]))
                proposal = torch.logaddexp(own.log_prob(z), prior.log_prob(z))
                log_weight = model.conditional(z, x).log_prob(x) + prior.log_prob(z) - proposal
                codes.append(z.flatten(2).cpu().double())
                weights.append(log_weight.cpu().double())
    z, log_weight = torch.cat(codes), torch.cat(weights)
    share = log_weight.softmax(0)
    # Passes alternate between the halves; within a pass half the draws are the prior's.
    half = torch.arange(len(z)) // _PER_PASS % 2 == 0
    one, other = (_mean(z[part], log_weight[part]) for part in (half, ~half))
    variance = ((one - one.mean(0)) * (other - other.mean(0))).sum(0) / max(1, len(x) - 1)
    spread = approximate.var(0) if len(x) > 1 else torch.zeros(approximate.shape[1], dtype=torch.float64)
    return TruePosterior(
        true_variance=tuple(variance.tolist()),
        approximate_variance=tuple(spread.tolist()),
        true_active=int((variance > ACTIVE_VARIANCE).sum()),
        approximate_active=int((spread > ACTIVE_VARIANCE).sum()),
        effective_samples=float((1 / share.square().sum(0)).mean()),
        samples=len(z),
        n=len(x),
    )


def _mean(z: Tensor, log_weight: Tensor) -> Tensor:
    """Self-normalised importance average, `[n, D]`."""
    return (log_weight.softmax(0)[..., None] * z).sum(0)
