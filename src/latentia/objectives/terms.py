"""Terms of objectives: each takes a `Trace` and gives one scalar, a mean over samples and items."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from latentia.core import Trace


def distortion(trace: Trace) -> Float[Tensor, ""]:
    """D = -E_q[log p(x|z)], in nats per item."""
    return -trace.log_likelihood.mean()


def rate(trace: Trace) -> Float[Tensor, ""]:
    """R = KL(q(z|x) || p(z)), in nats per item, summed over latent dimensions."""
    return trace.kl.sum(-1).mean()


def squared_error(trace: Trace) -> Float[Tensor, ""]:
    """E_q |x - E[x|z]|^2 per item, summed over the event, in squared units of the data as the model sees them."""
    return (trace.likelihood.mean - trace.x).square().flatten(2).sum(-1).mean()
