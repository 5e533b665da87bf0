"""Controlled capacity: the rate is held at a target that grows over training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.objectives.ramps import Linear, Number, Weight, WeightLike, as_weight, positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion, rate

NATS_PER_DIM = 2.5
"""Target rate where none is given: 25 nats for 10 dimensions, as in Burgess et al. 2018, section 5."""
GROWING = 0.5
"""Share of training over which the default target grows; the rest of it is spent at the target."""


@dataclass(frozen=True)
class CapacityObjective:
    r"""Distortion, and the distance of the mean rate from the capacity C(t).

    .. math:: L = D + \gamma \, | E_x KL(q(z|x) \| p(z)) - C(t) |

    The mean over the batch stands inside the absolute value: items may differ in their rate. Logged beside D and the rate:
    "capacity", C(t) in nats.

    Source: Burgess et al. 2018, Understanding disentangling in beta-VAE, eq. 8.

    Args:
        capacity: C as a function of progress, or a number, in nats.
        gamma: weight of the distance.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> loss = CapacityObjective(Linear(8.0), gamma=10.0)(model.trace(torch.zeros(3, 4)), progress=0.5)
        >>> loss.parts["capacity"]
        tensor(4.)
    """

    capacity: Weight
    gamma: float

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        """The loss at this progress, in nats per item."""
        d, r = distortion(trace), rate(trace)
        capacity = self.capacity(progress) if callable(self.capacity) else self.capacity
        total = d + self.gamma * (r - capacity).abs()
        parts = {
            "distortion": d.detach(),
            "kl": r.detach(),
            "capacity": torch.full_like(r.detach(), capacity),
        }
        return Loss(total, parts)

    def validation_loss(self, trace: Trace) -> Tensor:
        """The loss against the final capacity."""
        return self(trace).total


def capacity_elbo(
    setting: ObjectiveSetting, *, capacity: WeightLike | None = None, gamma: Number = 100.0
) -> CapacityObjective:
    """`CapacityObjective`; by default 2.5 nats for each latent dimension, reached linearly half-way through training.

    The published schedule counts steps (25 nats over 100 000 of them); here it follows the progress of training, so
    that it fits any size of data.

    Args:
        setting: the size of the fit.
        capacity: in nats: a number (reached linearly half-way through), or a ramp.
        gamma: weight of the distance. It must exceed the nats of distortion that one more nat of rate saves at the
            target, or the rate stays on the wrong side of it.

    Raises:
        ConfigError: if a number is out of range.
    """
    if capacity is None:
        capacity = NATS_PER_DIM * setting.latent_dim
    target = as_weight("capacity", capacity)
    ramp = target if callable(target) else Linear(target, until=GROWING)
    return CapacityObjective(ramp, positive("gamma", gamma))
