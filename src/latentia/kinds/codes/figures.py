"""What an evaluation and a verdict say of discrete codes beyond what they say of every model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from latentia.diagnostics import Evaluation, Finding, Remedy, Verdict, ordered
from latentia.kinds.codes.words import DEAD_CODES, WORDS
from latentia.latent.quantizers import CodeUsage
from latentia.vocabulary import COLLAPSE, HOLES, OVERLOAD, PARTIAL_COLLAPSE

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


def use_of(counted: object) -> tuple[int, float, int] | None:
    """Codes that occur, their perplexity, and K, of figures or counts; None of what does not say."""
    if isinstance(counted, DiscreteEvaluation):
        return counted.used_codes, counted.perplexity, counted.n_codes
    if isinstance(counted, CodeUsage):
        return counted.used, counted.perplexity, len(counted.counts)
    return None


def with_codes(verdict: Verdict, use: tuple[int, float, int] | None) -> Verdict:
    """The verdict, with what is found of the codes' use (see `use_of`), and remedies that a model with codes has."""
    if use is None:
        return verdict
    used, perplexity, n_codes = use
    few = used < DEAD_SHARE * n_codes
    text = f"{used} of {n_codes} codes occur, with a perplexity of {perplexity:.4g}."
    fewer = Remedy(f"fewer codes, `--set n_codes={max(2, used)}`", settings={"n_codes": max(2, used)})
    kept = Remedy("a model whose codes cannot be lost: `--model fsq-vae`", ("fsq-vae",))
    found_use = Finding(DEAD_CODES if few else "", text, (fewer, kept), DEAD_SHARE * n_codes / max(used, 1))
    found = [
        replace(finding, remedies=_remedies(finding.name, n_codes) or finding.remedies)
        for finding in verdict.findings
    ]
    return ordered([*found, found_use], WORDS.order)


def _remedies(name: str, n_codes: int) -> tuple[Remedy, ...]:
    """What mends a fault of a model whose codes are numbers; none where that is the same as with vectors."""
    half = max(2, n_codes // 2)
    better_prior = (
        Remedy(
            "a stronger prior over the codes: `--set prior=gated-pixelcnn`",
            settings={"prior": "gated-pixelcnn"},
        ),
        Remedy("more epochs for the prior: `--set prior_epochs=N` with a larger N"),
        Remedy(
            f"fewer codes, which a prior learns more easily: `--set n_codes={half}`",
            settings={"n_codes": half},
        ),
    )
    return {
        OVERLOAD: better_prior,
        HOLES: better_prior,
        COLLAPSE: (
            Remedy("train longer: `--epochs N`"),
            Remedy(
                "a prior learned after the codes: `--set prior_training=two-stage`",
                settings={"prior_training": "two-stage"},
            ),
        ),
        PARTIAL_COLLAPSE: (Remedy("fewer codes in a row: `--set n_groups=N`"),),
    }.get(name, ())
