"""Terms of objectives: each takes a `Trace` and gives one scalar, a mean over samples and (weighed) items."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from latentia.core import Trace


def distortion(trace: Trace) -> Float[Tensor, ""]:
    """D = -E_q[log p(x|z)], in nats per item."""
    return -trace.weighed(trace.log_likelihood).mean()


def rate(trace: Trace) -> Float[Tensor, ""]:
    """R = KL(q(z|x) || p(z)), in nats per item, summed over latent dimensions."""
    return trace.weighed(trace.kl.sum(-1)).mean()


def squared_error(trace: Trace) -> Float[Tensor, ""]:
    """E_q |x - E[x|z]|^2 per item, summed over the event, in squared units of the data as the model sees them."""
    return trace.weighed((trace.likelihood.mean - trace.x).square().flatten(2).sum(-1)).mean()


@dataclass(frozen=True)
class Auxiliary:
    """A loss of the model's own, by its name in `Trace.auxiliary`: mean over items; 0 where the model has none."""

    name: str

    def __call__(self, trace: Trace) -> Float[Tensor, ""]:
        """Reduce the loss."""
        loss = trace.auxiliary.get(self.name)
        if loss is None:
            return torch.zeros_like(trace.log_likelihood[0, 0])
        return (trace.weighed(loss) if loss.ndim else loss).mean()
