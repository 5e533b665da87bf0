"""Independent binary numbers as one event, whose log-probability goes through memory a few times instead of a dozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent

# Numbers of a block, of which a few lie in the cache of a core beside each other.
_BLOCK = 2**16


class IndependentBernoulli(Independent[Bernoulli]):
    r"""Independent Bernoulli numbers with logits l as one event of the last `event_ndims` dimensions.

    .. math:: \log p(x) = \sum_i (x_i - 1) l_i + \log \sigma(l_i)

    The value is that of `Independent(Bernoulli(logits=l), event_ndims)`. Its binary cross-entropy makes a tensor for each operation,
    which for the many samples of an importance-weighted bound is what a step waits for; here one is made for the value and
    one for the gradient, (x - sigma(l)) times that of the event.

    Args:
        logits: l, `[*batch, *event]`.
        event_ndims: how many of the last dimensions are the event.

    Example:
        >>> IndependentBernoulli(torch.zeros(2, 3), 1).log_prob(torch.tensor([1.0, 0.0, 1.0])).exp()
        tensor([0.1250, 0.1250])
    """

    def __init__(self, logits: Tensor, event_ndims: int) -> None:
        super().__init__(Bernoulli(logits=logits, validate_args=False), event_ndims, validate_args=False)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> IndependentBernoulli:
        """Return the same distribution with its logits expanded to `batch_shape`."""
        if _instance is not None:
            raise NotImplementedError(f"expand of {type(self).__name__} makes its own instance")
        logits: Tensor = self.base_dist.logits
        return IndependentBernoulli(
            logits.expand(*batch_shape, *self.event_shape), self.reinterpreted_batch_ndims
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats of values in [0, 1] `[*, *event]`, which broadcast against the batch."""
        logits: Tensor = self.base_dist.logits
        shape = torch.broadcast_shapes(logits.shape, value.shape)
        summed: Tensor = _LogProbability.apply(
            logits.expand(shape), value.to(logits.dtype), self.reinterpreted_batch_ndims
        )
        return summed


class _LogProbability(torch.autograd.Function):
    """sum over the event of x l - max(l, 0) - log(1 + exp(-|l|)), for l of the full shape and x that broadcasts to it."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor, event_ndims: int) -> Tensor:
        ctx.save_for_backward(logits, value)
        ctx.event_ndims = event_ndims
        if logits.device.type == "cpu":
            return _in_blocks(
                logits, value.expand(logits.shape), event_ndims, _BLOCK * torch.get_num_threads()
            )
        return _summed(logits, value, event_ndims)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        logits, value = ctx.saved_tensors
        gradient = grad_outputs[0].reshape(grad_outputs[0].shape + (1,) * ctx.event_ndims)
        of_logits = of_value = None
        if ctx.needs_input_grad[0]:
            share = torch.sigmoid(logits)
            if torch.is_grad_enabled():  # a gradient of the gradient is wanted
                of_logits = (value - share) * gradient
            else:
                of_logits = share.sub_(value).mul_(-gradient)
        if ctx.needs_input_grad[1]:
            of_value = (gradient * logits).sum_to_size(value.shape)
        return of_logits, of_value, None


def _summed(logits: Tensor, value: Tensor, event_ndims: int) -> Tensor:
    # 1 + exp(-|l|) lies in [1, 2]: a plain logarithm is as exact for the sum as log1p, and takes half the time
    excess = logits.abs().neg_().exp_().add_(1).log_()
    terms = (
        logits.clamp(min=0).neg_().addcmul_(value, logits).sub_(excess)
    )  # exact for x of 0 or 1, but for the excess
    return terms.flatten(-event_ndims).sum(-1) if event_ndims else terms


def _in_blocks(logits: Tensor, value: Tensor, event_ndims: int, block: int) -> Tensor:
    """The same, of pieces along the first dimension that stay in the cache: fresh memory is slower than the arithmetic."""
    if logits.numel() <= block or logits.ndim == event_ndims or len(logits) == 0:
        return _summed(logits, value, event_ndims)
    rows = max(1, block * len(logits) // logits.numel())
    pieces = zip(logits.split(rows), value.split(rows), strict=True)
    if rows > 1 or logits.ndim == event_ndims + 1:
        return torch.cat([_summed(part, x, event_ndims) for part, x in pieces])
    return torch.stack([_in_blocks(part[0], x[0], event_ndims, block) for part, x in pieces])
