"""The face of all quantizers: vectors in, their codes out; and how well a codebook is used."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from latentia.errors import ConfigError


@dataclass(frozen=True)
class Codes:
    """What a quantizer makes of a batch. B items of n positions, vectors of dimension D, K codes.

    Attributes:
        z_q: what the decoder takes, `[B, n, D]`, with whatever gradient it passes on.
        indices: which code stands at each position, `[B, n]`, from 0 to K - 1.
        losses: the quantizer's own losses by name, `[B]` each: sums over positions and dimensions.
        log_q: log q(k|x) of each position in nats, `[B, n, K]`, where codes are drawn; None where q is a point mass.
    """

    z_q: Float[Tensor, "batch positions dim"]
    indices: Int64[Tensor, "batch positions"]
    losses: dict[str, Tensor] = field(default_factory=dict)
    log_q: Tensor | None = None


class Quantizer(nn.Module):
    """Turns vectors `[B, n, D]` into `Codes`.

    Life of a quantizer: `prepare` looks once at vectors of the training data; before each step `advance` tells the share of
    training that is done; `forward` is called at each step.

    Args:
        dim: D.
        n_codes: K.

    Attributes:
        deterministic: whether q(k|x) is a point mass.

    Raises:
        ConfigError: if D or K is not positive.
    """

    deterministic = True

    def __init__(self, dim: int, n_codes: int) -> None:
        super().__init__()
        for name, value in (("dim", dim), ("n_codes", n_codes)):
            if value < 1:
                raise ConfigError(f"{name}={value}: a quantizer needs at least 1")
        self.dim, self.n_codes = dim, n_codes
        self.progress = 0.0

    def prepare(self, z_e: Float[Tensor, "vectors dim"]) -> None:
        """Look once at vectors of the training data."""

    def advance(self, progress: float) -> None:
        """Take note of the share of training, in [0, 1], that is done."""
        self.progress = progress

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Quantize."""
        raise NotImplementedError

    def lookup(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch dim"]:
        """The vectors of codes."""
        raise NotImplementedError


@dataclass(frozen=True)
class CodeUsage:
    """How a data set uses a codebook.

    Attributes:
        counts: how often each code occurs, `[K]`.
    """

    counts: Int64[Tensor, " codes"]

    @property
    def perplexity(self) -> float:
        r"""Effective number of codes, :math:`\exp(-\sum_k p_k \log p_k)`, p the frequencies over the whole set.

        Example:
            >>> CodeUsage(torch.tensor([5, 5, 0])).perplexity
            2.0
        """
        return perplexity(self.counts)

    @property
    def used(self) -> int:
        """Codes that occur."""
        return int((self.counts > 0).sum())

    @property
    def dead(self) -> int:
        """Codes that never occur."""
        return len(self.counts) - self.used


def code_counts(indices: Int64[Tensor, "*any"], n_codes: int) -> Int64[Tensor, " codes"]:
    """How often each of the codes occurs: counts of batches add up to those of the data set.

    Example:
        >>> code_counts(torch.tensor([[0, 2], [2, 2]]), 4)
        tensor([1, 0, 3, 0])
    """
    return torch.bincount(indices.flatten(), minlength=n_codes)


def perplexity(counts: Tensor) -> float:
    r"""The perplexity :math:`\exp(-\sum_k p_k \log p_k)` of counts `[K]`; 0 for a codebook that was never used.

    A function of counts, so that it is that of a whole data set: a mean of perplexities of batches is less.

    Example:
        >>> perplexity(torch.tensor([1, 1, 1, 1])), perplexity(torch.tensor([0, 0]))
        (4.0, 0.0)
    """
    total = counts.sum()
    if total == 0:
        return 0.0
    p = counts.cpu().double() / total.cpu()
    return round(float(torch.special.entr(p).sum().exp()), 12)
