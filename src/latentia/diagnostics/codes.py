"""How much of a codebook is in use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.errors import DataError


@dataclass(frozen=True)
class CodebookUsage:
    r"""Usage of a codebook of K entries by N codes.

    Attributes:
        size: K.
        used: entries that occur.
        dead: K - used.
        entropy: of the empirical distribution of codes, in nats.
        perplexity: exp(entropy): how many equally frequent entries would be as diverse; between 1 and K.
        n: N. A perplexity of few codes is too low: it cannot exceed N.
    """

    size: int
    used: int
    dead: int
    entropy: float
    perplexity: float
    n: int


def codebook_usage(codes: Tensor, size: int) -> CodebookUsage:
    r"""Count how often each entry occurs: perplexity exp(-\sum_k f_k \log f_k), f the relative frequencies.

    Source: van den Oord et al. 2017, Neural Discrete Representation Learning, whose code reports this perplexity.

    Args:
        codes: integers in [0, K), any shape.
        size: K.

    Raises:
        DataError: if there is no code, or one lies outside [0, K).

    Example:
        >>> usage = codebook_usage(torch.tensor([[0, 1], [1, 0]]), 4)
        >>> usage.dead, round(usage.perplexity, 6)
        (2, 2.0)
    """
    flat = codes.reshape(-1).long().cpu()
    if len(flat) == 0:
        raise DataError("codebook usage of no codes: expected at least one")
    low, high = int(flat.min()), int(flat.max())
    if low < 0 or high >= size:
        raise DataError(
            f"codes lie in [{low}, {high}]; a codebook of {size} entries has codes in [0, {size - 1}]"
        )
    frequency = torch.bincount(flat, minlength=size).double() / len(flat)
    entropy = float(torch.special.entr(frequency).sum())
    used = int((frequency > 0).sum())
    return CodebookUsage(size, used, size - used, entropy, math.exp(entropy), len(flat))
