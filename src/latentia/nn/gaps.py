"""Events with the time between them: a token and its log gap as one whole number, and the Gaussian of log gaps."""

from __future__ import annotations

import math
from typing import cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from latentia import draws

TOKEN_BITS = 24
"""Bits of the token; behind them 32 of the log gap as a float, and one that says that there is a gap."""
FLOOR = 2.5e-3
"""No deviation falls below this share of that of the training gaps; exp(-6), as for other Gaussian likelihoods."""
_TOKEN, _FLOAT = 2**TOKEN_BITS - 1, 2**32 - 1
_THERE = 1 << (TOKEN_BITS + 32)


def with_gaps(tokens: Int64[Tensor, "*batch"], log_gaps: Float[Tensor, "*batch"]) -> Int64[Tensor, "*batch"]:
    """Tokens that carry the logarithms of the gaps before them, in float32. A token alone is its own number, and has no gap.

    >>> x = with_gaps(torch.tensor([3, 3]), torch.tensor([0.5, -2.0]))
    >>> tokens_of(x).tolist(), gaps_of(x)[0].tolist(), gaps_of(torch.tensor([3, -1]))[1].tolist()
    ([3, 3], [0.5, -2.0], [False, False])
    """
    bits = log_gaps.detach().float().contiguous().view(torch.int32).long() & _FLOAT
    return tokens | (bits << TOKEN_BITS) | _THERE


def tokens_of(x: Int64[Tensor, "*batch"]) -> Int64[Tensor, "*batch"]:
    """The tokens without their gaps; what is negative stays so."""
    return torch.where(x < 0, x, x & _TOKEN)


def gaps_of(x: Int64[Tensor, "*batch"]) -> tuple[Float[Tensor, "*batch"], Tensor]:
    """Log gaps, 0 where there is none, and whether there is one."""
    there = (x >= 0) & ((x & _THERE) != 0)
    bits = (x >> TOKEN_BITS) & _FLOAT
    bits = torch.where(bits >= 2**31, bits - 2**32, bits)
    return bits.to(torch.int32).view(torch.float32).masked_fill(~there, 0.0), there


class TimedEmbedding(nn.Module):
    """An embedding of tokens to which a linear function of the log gap before each is added; of none, nothing.

    Args:
        tokens: the embedding of tokens alone.
        center: mean of the log gaps.
        scale: their deviation.
    """

    def __init__(self, tokens: nn.Embedding, center: float, scale: float) -> None:
        super().__init__()
        self.tokens, self.center, self.scale = tokens, center, scale
        self.gap = nn.Linear(2, tokens.embedding_dim, bias=False)

    @property
    def weight(self) -> Tensor:
        """Of the tokens."""
        return self.tokens.weight

    @property
    def embedding_dim(self) -> int:
        """Width of an embedding."""
        return self.tokens.embedding_dim

    def forward(self, x: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch width"]:
        """Embeddings of tokens that may carry gaps."""
        log_gaps, there = gaps_of(x)
        known = there.to(self.weight.dtype)
        seen = torch.stack([(log_gaps.to(known) - self.center) / self.scale * known, known], -1)
        return cast(Tensor, self.tokens(tokens_of(x)) + self.gap(seen))


class GapHead(nn.Module):
    r"""p(g_t | x_{<t}, g_{<t}, z) of the gap before an event, a log-normal, in the units of time.

    .. math:: \log p(g_t) = \log N(l_t; m(h_t), s^2) - l_t, \qquad l_t = \log(g_t + u)

    with :math:`h_t` what the output layer takes, u the unit of the form. The last term is the Jacobian: densities are of gaps, not of their
    logarithms. s^2 is the mean squared residual over all gaps (Rybkin et al. 2021): of the batch in training, of the training set by calibration.

    Args:
        width: of h.
        center: mean of the log gaps in training.
        scale: their deviation.
    """

    sigma2: Tensor

    def __init__(self, width: int, center: float, scale: float) -> None:
        super().__init__()
        self.center, self.scale = center, scale
        self.mean = nn.Linear(width, 1)
        self.register_buffer("sigma2", torch.ones(()))
        self.start_calibration()

    def located(self, hidden: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        """Means of log gaps."""
        return cast(Tensor, self.center + self.scale * self.mean(hidden)[..., 0])

    def log_prob(
        self, hidden: Float[Tensor, "*batch width"], x: Int64[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log-densities of the gaps that x carries, in nats; 0 where there is none."""
        log_gaps, there = gaps_of(x)
        log_gaps = log_gaps.to(hidden.dtype)
        residual = (log_gaps - self.located(hidden)) / self.scale
        sigma2 = self.sigma2
        if self.training:
            square = residual.detach().square() * there
            sigma2 = (square.sum() / there.sum().clamp(min=1)).clamp(min=FLOOR**2)
        found = -0.5 * (residual.square() / sigma2 + sigma2.log() + math.log(2 * math.pi))
        return (found - math.log(self.scale) - log_gaps) * there

    def drawn(
        self, hidden: Float[Tensor, "batch width"], tokens: Int64[Tensor, " batch"], *, median: bool = False
    ) -> Int64[Tensor, " batch"]:
        """Tokens with a gap drawn for each, or its median."""
        log_gaps = self.located(hidden)
        if not median:
            noise = draws.randn(log_gaps.shape, device=log_gaps.device, dtype=log_gaps.dtype)
            log_gaps = log_gaps + self.scale * self.sigma2.sqrt() * noise
        return with_gaps(tokens, log_gaps)

    def start_calibration(self) -> None:
        """Forget what was accumulated."""
        self._total, self._count = 0.0, 0

    @torch.no_grad()
    def accumulate(self, hidden: Float[Tensor, "*batch width"], x: Int64[Tensor, "*batch"]) -> None:
        """Add the residuals of some gaps."""
        log_gaps, there = gaps_of(x)
        residual = (log_gaps.to(hidden.dtype) - self.located(hidden)) / self.scale
        self._total += float((residual.square() * there).double().sum())
        self._count += int(there.sum())

    def finish_calibration(self) -> None:
        """Set the variance to its optimum over what was accumulated."""
        self.sigma2.fill_(max(self._total / max(self._count, 1), FLOOR**2))
        self.start_calibration()
