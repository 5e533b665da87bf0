"""Numbers of objects n, out of 0 to N: their prior, their posterior by stopping, and images that are one thing for each n."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.nn import functional as F

from latentia import draws


def stop_log_weights(logits: Float[Tensor, "*batch slots"]) -> Float[Tensor, "*batch counts"]:
    r"""Log q(n) in nats, n from 0 to N, of a process that goes on to object i with probability p_i = sigmoid(logit_i).

    .. math:: q(n) = (1 - p_{n+1}) \prod_{i \le n} p_i

    without the first factor at n = N.

    Example:
        >>> stop_log_weights(torch.zeros(2)).exp()
        tensor([0.5000, 0.2500, 0.2500])
    """
    going = torch.cat([torch.zeros_like(logits[..., :1]), F.logsigmoid(logits).cumsum(-1)], -1)
    stopping = torch.cat([F.logsigmoid(-logits), torch.zeros_like(logits[..., :1])], -1)
    return going + stopping


def kept_open(log_q: Float[Tensor, "*batch counts"], openness: float) -> Float[Tensor, "*batch counts"]:
    """Log of (1 - e) q(n) + e / (N + 1): a posterior that leaves every count some probability, however sure q is.

    Example:
        >>> kept_open(torch.tensor([0.0, -torch.inf]), 0.5).exp()
        tensor([0.7500, 0.2500])
    """
    if openness <= 0:
        return log_q
    even = torch.full_like(log_q, math.log(openness / log_q.shape[-1]))
    return even if openness >= 1 else torch.logaddexp(math.log1p(-openness) + log_q, even)


def at_least(log_q: Float[Tensor, "*batch counts"]) -> Float[Tensor, "*batch slots"]:
    """P(n >= i) for i from 1 to N: the probability that object i is there.

    Example:
        >>> at_least(torch.tensor([0.5, 0.25, 0.25]).log())
        tensor([0.5000, 0.2500])
    """
    return log_q.exp().flip(-1).cumsum(-1).flip(-1)[..., 1:]


class CountPrior(nn.Module):
    r"""p(n) \propto \rho^n for n from 0 to N.

    Args:
        n_slots: N.
        rho: each object more is so many times as likely.

    Example:
        >>> CountPrior(2, 0.5)().exp()
        tensor([0.5714, 0.2857, 0.1429])
    """

    def __init__(self, n_slots: int, rho: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("log_p", (math.log(rho) * torch.arange(n_slots + 1.0)).log_softmax(0))

    log_p: Tensor

    def forward(self) -> Float[Tensor, " counts"]:
        """Log p(n) in nats."""
        return self.log_p


class CountedImages(Distribution):
    r"""p(x) = sum_n w_n N(x; canvas_n, sigma^2): what an image is if it has n objects, and how likely each n is.

    Args:
        log_weights: log w_n, `[*batch, N + 1]`.
        canvases: means, `[*batch, N + 1, C, H, W]`.
        scale: sigma, a scalar.

    Example:
        >>> p = CountedImages(torch.tensor([0.5, 0.5]).log(), torch.zeros(2, 1, 4, 4), torch.tensor(0.3))
        >>> p.mean.shape, p.log_prob(torch.zeros(1, 4, 4)).shape
        (torch.Size([1, 4, 4]), torch.Size([]))
    """

    def __init__(self, log_weights: Tensor, canvases: Tensor, scale: Tensor) -> None:
        self.log_weights, self.canvases, self.scale = log_weights, canvases, scale
        super().__init__(canvases.shape[:-4], canvases.shape[-3:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """A positive scale."""
        return {"scale": constraints.positive}

    @property
    def support(self) -> Constraint:
        """All real images."""
        return constraints.independent(constraints.real, 3)

    @property
    def mean(self) -> Tensor:
        """sum_n w_n canvas_n."""
        return (self.log_weights.exp()[..., None, None, None] * self.canvases).sum(-4)

    def log_probs(self, value: Tensor) -> Float[Tensor, "*batch counts"]:
        """Log N(x; canvas_n, sigma^2) in nats for each n."""
        error = (value[..., None, :, :, :] - self.canvases).square().flatten(-3).sum(-1)
        return gaussian(error, self.scale, self.event_shape.numel())

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, n summed out."""
        return (self.log_weights + self.log_probs(value)).logsumexp(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """A count, then an image."""
        with torch.no_grad():
            n = self.drawn(torch.Size(sample_shape))
            return n + self.scale * draws.randn(n.shape, dtype=n.dtype, device=n.device)

    def drawn(self, sample_shape: torch.Size = torch.Size()) -> Tensor:  # noqa: B008  immutable
        """The mean image of a count that is drawn, `[*sample_shape, *batch, C, H, W]`."""
        weights = self.log_weights.exp().expand(*self.batch_shape, -1)
        flat = weights.reshape(-1, weights.shape[-1])
        m = sample_shape.numel()
        n = draws.multinomial(flat, m, replacement=True).T.reshape(*sample_shape, *self.batch_shape)
        canvases = self.canvases.expand(*sample_shape, *self.canvases.shape)
        return torch.take_along_dim(canvases, n[..., None, None, None, None], -4).squeeze(-4)


def gaussian(squares: Tensor, scale: Tensor, size: int) -> Tensor:
    """Log-density in nats of `size` numbers with a sum of squared residuals, at one standard deviation."""
    return -0.5 * squares / scale.square() - size * (scale.log() + 0.5 * math.log(2 * math.pi))
