"""What an evaluation and a verdict say of discrete codes beyond what they say of every model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentia.diagnostics import Evaluation, Verdict
from latentia.latent.quantizers import CodeUsage

DEAD_CODES = "dead codes"
DEAD_SHARE = 0.5
"""Most codes are dead: less than half of them occur. A rule of this project."""


@dataclass(frozen=True)
class DiscreteEvaluation(Evaluation):
    """`Evaluation`, with how the codes are used.

    Attributes:
        n_codes: K.
        perplexity: effective number of codes over the whole split.
        used_codes: codes that occur in the split.
        uniform_rate: nats of the codes under a uniform prior, n log K.
        uniform_bits_per_dim: bits/dim under a uniform prior; what the learned prior saves is the difference.
    """

    n_codes: int = 0
    perplexity: float = 0.0
    used_codes: int = 0
    uniform_rate: float = 0.0
    uniform_bits_per_dim: float | None = None


def with_usage(figures: Evaluation, usage: CodeUsage, n_positions: int, n_numbers: int) -> DiscreteEvaluation:
    """The figures of a split, with those of its codes.

    Args:
        figures: of the split.
        usage: of its codes.
        n_positions: codes of an item.
        n_numbers: numbers in an item.
    """
    n_codes = len(usage.counts)
    uniform = n_positions * math.log(n_codes)
    bits = figures.bits_per_dim
    if bits is not None and figures.elbo is not None:
        bound = figures.elbo if figures.log_likelihood is None else figures.log_likelihood
        bits += (bound + figures.distortion + uniform) / n_numbers / math.log(2)
    return DiscreteEvaluation(
        **vars(figures),
        n_codes=n_codes,
        perplexity=usage.perplexity,
        used_codes=usage.used,
        uniform_rate=uniform,
        uniform_bits_per_dim=bits,
    )


def with_codes(verdict: Verdict, used: int, perplexity: float, n_codes: int) -> Verdict:
    """The verdict, with the evidence of code usage and remedies that a model with codes has."""
    few = used < DEAD_SHARE * n_codes
    remedies = (*_REMEDIES.get(verdict.name, verdict.remedies), *(_FEWER_CODES if few else ()))
    return Verdict(
        name=DEAD_CODES if few and verdict.name == "healthy" else verdict.name,
        evidence=(
            *verdict.evidence,
            f"{used} of {n_codes} codes occur, with a perplexity of {perplexity:.4g}.",
        ),
        remedies=tuple(dict.fromkeys(remedies)),
    )


_FEWER_CODES = (
    "fewer codes, `--set n_codes=N`",
    "a model whose codes cannot be lost: `--model fsq-vae`",
)
_REMEDIES = {
    "information overload": (
        "a stronger prior over the codes, `--set prior=gated-pixelcnn`, or more epochs for it, `--set prior_epochs=N`",
        "fewer codes, which a prior learns more easily: `--set n_codes=N`",
    ),
    "posterior collapse": (
        "train longer: `--epochs N`",
        "a prior learned after the codes: `--set prior_training=two-stage`",
    ),
    "partial posterior collapse": ("fewer codes in a row: `--set n_groups=N`",),
}
