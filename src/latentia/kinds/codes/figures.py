"""What an evaluation and a verdict say of discrete codes beyond what they say of every model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from latentia.diagnostics import Evaluation, Finding, Remedy, Verdict, ordered
from latentia.diagnostics.finding import longer
from latentia.kinds.codes.words import DEAD_CODES, WORDS
from latentia.latent.quantizers import CodeUsage
from latentia.vocabulary import COLLAPSE, HOLES, OVERFITTED, OVERLOAD, PARTIAL_COLLAPSE

DEAD_SHARE = 0.5
"""Most codes are dead: less than half of them occur. A rule of this project."""
SHORT_PRIOR = 3
"""A prior of no more epochs than this is named as the cause of holes, and trained longer first. A rule of this project."""


@dataclass(frozen=True)
class DiscreteEvaluation(Evaluation):
    """`Evaluation`, with how the codes are used.

    Attributes:
        n_codes: K.
        perplexity: effective number of codes over the whole split.
        used_codes: codes that occur in the split.
        uniform_rate: nats of the codes under a uniform prior, n log K.
        uniform_bits_per_dim: bits/dim under a uniform prior; what the learned prior saves is the difference.
        uniform_bits_per_dim_note: how it was computed, and what it compares with.
    """

    n_codes: int = 0
    perplexity: float = 0.0
    used_codes: int = 0
    uniform_rate: float = 0.0
    uniform_bits_per_dim: float | None = None
    uniform_bits_per_dim_note: str = ""


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
        uniform_bits_per_dim_note=f"with every code taken as equally likely; {figures.bits_per_dim_note}",
    )


def use_of(counted: object) -> tuple[int, float, int] | None:
    """Codes that occur, their perplexity, and K, of figures or counts; None of what does not say."""
    if isinstance(counted, DiscreteEvaluation):
        return counted.used_codes, counted.perplexity, counted.n_codes
    if isinstance(counted, CodeUsage):
        return counted.used, counted.perplexity, len(counted.counts)
    return None


@dataclass(frozen=True)
class Stage:
    """How the model was fitted: what remedies count from.

    Attributes:
        epochs: of the autoencoder.
        prior_epochs: of the prior, where it had a stage of its own.
        groups: codes of a row; None of images, which have as many as their map has positions.
    """

    epochs: int = 0
    prior_epochs: int | None = None
    groups: int | None = None


def with_codes(verdict: Verdict, use: tuple[int, float, int] | None, stage: Stage | None = None) -> Verdict:
    """The verdict, with what is found of the codes' use (see `use_of`), and remedies that a model with codes has."""
    if use is None:
        return verdict
    stage = stage or Stage()
    used, perplexity, n_codes = use
    few = used < DEAD_SHARE * n_codes
    text = f"{used} of {n_codes} codes occur, with a perplexity of {perplexity:.4g}."
    fewer = Remedy(f"fewer codes: `--set n_codes={max(2, used)}`", settings={"n_codes": max(2, used)})
    kept = Remedy("a model whose codes cannot be lost: `--model fsq-vae`", ("fsq-vae",))
    found_use = Finding(DEAD_CODES if few else "", text, (fewer, kept), DEAD_SHARE * n_codes / max(used, 1))
    found = [_of_codes(finding, n_codes, stage) for finding in verdict.findings]
    return ordered([*found, found_use], WORDS.order)


def _of_codes(finding: Finding, n_codes: int, stage: Stage) -> Finding:
    """A finding with the remedies of a model whose codes are numbers, and with the cause where that is a prior hardly trained."""
    short = stage.prior_epochs is not None and stage.prior_epochs <= SHORT_PRIOR
    text = finding.evidence
    if short and finding.name in (OVERLOAD, HOLES):
        many = "s" * (stage.prior_epochs != 1)
        text = f"{text} The prior over the codes was trained for {stage.prior_epochs} epoch{many}."
    remedies = _remedies(finding.name, n_codes, stage)
    return replace(finding, evidence=text, remedies=finding.remedies if remedies is None else remedies)


def _remedies(name: str, n_codes: int, stage: Stage) -> tuple[Remedy, ...] | None:
    """What mends a fault of a model whose codes are numbers; None where that is the same as with vectors."""
    if name in (OVERLOAD, HOLES):
        stronger = Remedy(
            "a stronger prior over the codes: `--set prior=gated-pixelcnn`",
            settings={"prior": "gated-pixelcnn"},
        )
        return (*_longer_prior(stage), stronger, *_fewer_codes(n_codes, "which a prior learns more easily"))
    if name == OVERFITTED:
        return (*_fewer_codes(n_codes, "which can hold less by heart"), Remedy("more data"))
    if name == COLLAPSE:
        two_stage = Remedy(
            "a prior learned after the codes: `--set prior_training=two-stage`",
            settings={"prior_training": "two-stage"},
        )
        return (*([longer(2 * stage.epochs)] if stage.epochs else []), two_stage)
    if name == PARTIAL_COLLAPSE:
        half = (stage.groups or 0) // 2
        if half:
            return (Remedy(f"fewer codes in a row: `--set n_groups={half}`", settings={"n_groups": half}),)
        leave = Remedy(
            "leave it if the reconstructions satisfy you: what is the same in all items needs no code"
        )
        return (leave, *([longer(2 * stage.epochs)] if stage.epochs else []))
    return None


def _longer_prior(stage: Stage) -> tuple[Remedy, ...]:
    if not stage.prior_epochs:
        return ()
    epochs = max(10, 2 * stage.prior_epochs)
    return (
        Remedy(
            f"more epochs for the prior: `--set prior_epochs={epochs}`", settings={"prior_epochs": epochs}
        ),
    )


def _fewer_codes(n_codes: int, why: str) -> tuple[Remedy, ...]:
    half = n_codes // 2
    return (
        (Remedy(f"fewer codes, {why}: `--set n_codes={half}`", settings={"n_codes": half}),)
        if half > 1
        else ()
    )
