"""What faults of a model of sequences look like in figures, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from latentia.diagnostics import (
    DecoderDependence,
    Evaluation,
    Finding,
    MutualInformation,
    Remedy,
    TeacherForcing,
)
from latentia.diagnostics.finding import another_seed, longer
from latentia.kinds.sequence.measures import Counted, Drawn, Gaps, Rebuilt
from latentia.kinds.sequence.words import CHEATING, UNKNOWN_WORDS
from latentia.vocabulary import (
    COLLAPSE,
    HOLES,
    INFERENCE_COLLAPSE,
    KEPT_EARLY,
    PARTIAL_COLLAPSE,
    UNDERTRAINED,
)

IGNORED = 0.01
"""Nats per dimension that another item's code must cost, and share of tokens that the own code must bring over none, for the code to be used:
that of the rule for collapse (`diagnostics.findings.COLLAPSED_KL`); measured pairs are .001 and .000 of collapsed models, 8 and .06 of cured ones."""
ABLE = 1.05
"""A decoder foretells well if its loss with true prefixes is at most so many times that of a trigram. A rule of this project."""
DEARER = 1.02
"""Under-trained: an item costs so many times what a trigram of the training part says of it. A rule of this project."""
LEANING_INFORMATION, LEANING_GAP = 1.0, 0.05
"""The code tells this many nats, and yet reconstructions are not more like their items than those of another's code by this much: a note."""
REVERSE = 2.0
"""Holes: draws teach a trigram so much less than as many training items do that it is twice as uncertain. A rule of this project."""
MOST_UNKNOWN = 0.2

_DEFAULT = Remedy(
    "train the encoder as an autoencoder first, then a new decoder with free bits: `--model sequence-pretrained`",
    ("sequence-pretrained",),
)
_NORMALISED = Remedy(
    "normalise the means of the codes, so that their rate cannot vanish: `--model sequence-bn`",
    ("sequence-bn",),
)
_FREE_BITS = Remedy(
    "do not reward a rate below a floor: `--model sequence-free-bits`", ("sequence-free-bits",)
)
_LAGGING = Remedy(
    "let the encoder catch up before each step of the decoder: `--model sequence-lagging`",
    ("sequence-lagging",),
)
_DROPPED = Remedy(
    "tell the decoder fewer of the words: `--model sequence-word-dropout`", ("sequence-word-dropout",)
)
_BY_BOUND = Remedy("a model that is judged by its bound: `--model sequence-vae`", ("sequence-vae",))
CURES = (_DEFAULT, _NORMALISED, _FREE_BITS, _LAGGING, _DROPPED)
_MORE_DROPOUT = Remedy(
    "forget more while learning: `--set network.dropout=0.5`", settings={"network": {"dropout": 0.5}}
)
_MORE_ITEMS = Remedy("more training items: a vocabulary of one's own needs many")
_SMALLER_VOCABULARY = Remedy(
    "cut into characters, of which none is unknown: `--set tokens=char`", settings={"tokens": "char"}
)


def of_sequences(findings: Sequence[Finding], max_epochs: int) -> list[Finding]:
    """Findings that every model with codes may have, with remedies that this kind has."""
    found = []
    for finding in findings:
        remedies = finding.remedies
        if finding.name in (COLLAPSE, INFERENCE_COLLAPSE):
            remedies = CURES if finding.name == COLLAPSE else (_LAGGING, *CURES)
        elif finding.name == PARTIAL_COLLAPSE:
            remedies = tuple(each for each in remedies if "latent_dim" in each.settings) + CURES[:1]
        elif finding.name == KEPT_EARLY:
            remedies = (_BY_BOUND, another_seed())
        elif finding.name == UNDERTRAINED:
            remedies = (longer(2 * max_epochs),)
        else:
            remedies = tuple(each for each in remedies if not each.models and "sampler" not in each.settings)
        found.append(replace(finding, remedies=tuple({each.text: each for each in remedies}.values())))
    return found


def cheating(
    figures: Evaluation, dependence: DecoderDependence | None, forcing: TeacherForcing, counts: Counted
) -> Finding:
    """Whether the decoder foretells well and does without the code: a collapse whose cause is teacher forcing."""
    drop = 0.0 if dependence is None else dependence.drop
    gain = forcing.free_accuracy - forcing.free_accuracy_zero
    text = (
        f"With true prefixes a token costs {forcing.forced_loss:.2f} nats, left alone with its own words "
        f"{forcing.free_loss:.2f} ({forcing.free_loss_other:.2f} with another item's code); left alone the decoder says "
        f"{forcing.free_accuracy:.1%} of the tokens right, {forcing.free_accuracy_zero:.1%} without a code"
    )
    strength = min(
        IGNORED * figures.latent_dim / max(drop, 1e-9),
        IGNORED / max(gain, 1e-9),
        ABLE * counts.trigram_per_token / max(forcing.forced_loss, 1e-9),
    )
    if strength > 1:
        return Finding(CHEATING, f"{text}: the words before each are all that it looks at.", CURES, strength)
    return Finding("", f"{text}.", strength=strength)


def leaning(information: MutualInformation | None, likeness: Rebuilt) -> Finding:
    """A note: what the codes tell does not show in reconstructions."""
    text = (
        f"Reconstructions keep {likeness.own:.0%} of their items (edit similarity), those from another item's code {likeness.other:.0%}, "
        f"from none {likeness.zero:.0%}; {likeness.exact:.1%} come back whole"
    )
    told = information is not None and information.value > LEANING_INFORMATION
    if told and likeness.own - likeness.other < LEANING_GAP:
        return Finding("", f"{text}: the decoder leans on its own words more than on the code.")
    return Finding("", f"{text}.")


def below_counts(
    log_likelihood: float | None,
    counts: Counted,
    epochs: int,
    width: int,
    *,
    rising: bool,
    overfitted: bool,
) -> Finding | None:
    """A model of sequences that foretells no better than a trigram has not been trained enough, or has too few items to learn from.

    Args:
        log_likelihood: nats, mean over items.
        counts: of the same items.
        epochs: of the fit.
        width: of its network.
        rising: whether the best epoch was the last: where it was not, more of them bring nothing.
        overfitted: whether held-out items cost much more than training items.
    """
    if log_likelihood is None:
        return None
    text = (
        f"An item costs {-log_likelihood:.4g} nats, {-counts.trigram - counts.gaps:.4g} by a trigram of the training part and "
        f"{-counts.unigram - counts.gaps:.4g} by a unigram{' (their gaps as one log-normal)' if counts.gaps else ''}"
    )
    beyond_gaps = log_likelihood - counts.gaps
    strength = beyond_gaps / (DEARER * counts.trigram) if counts.trigram else None
    if strength is None or strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    wider = Remedy(
        f"a wider network: `--set network.width={2 * width}`", settings={"network": {"width": 2 * width}}
    )
    remedies: tuple[Remedy, ...] = (longer(2 * epochs),) if rising else (wider, _MORE_ITEMS)
    if overfitted:
        remedies = (_MORE_DROPOUT, _MORE_ITEMS)
    return Finding(UNDERTRAINED, f"{text}: counts of neighbouring tokens do as well.", remedies, strength)


def holes(draws: Drawn, epochs: int, *, floored: bool) -> Finding:
    """Whether what the model draws teaches as much of the data as training items do.

    Args:
        draws: as measured.
        epochs: of the fit.
        floored: whether its objective has a floor under the rate, which can be lowered.
    """
    text = (
        f"A trigram of {draws.n:,} draws is at a perplexity of {draws.reverse_perplexity:.4g} on held-out items, one of as many training items "
        f"at {draws.of_data:.4g}; {draws.copies:.1%} of the draws are copies of training items"
    )
    strength = draws.reverse_perplexity / (REVERSE * draws.of_data)
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    fewer = Remedy(
        "ask for less in the code: `--set objective_options.nats=4`",
        settings={"objective_options": {"nats": 4.0}},
    )
    remedy = fewer if floored else longer(2 * epochs)
    return Finding(HOLES, f"{text}: draws are unlike the data.", (remedy,), strength)


def timed(gaps: Gaps) -> Finding:
    """A note: what the model says of gaps, beside one log-normal for all of them."""
    gain = gaps.log_likelihood - gaps.baseline
    text = f"A gap costs {-gaps.log_likelihood:.4g} nats given what came before and the code, {-gaps.baseline:.4g} by one log-normal for all"
    if gain > 0:
        return Finding("", f"{text}.")
    return Finding("", f"{text}: of times the model has learned nothing.")


def unknown(share: float, unit: str) -> Finding | None:
    """Whether too many tokens have no number of their own."""
    text, strength = f"{share:.1%} of the tokens are unknown to the vocabulary.", share / MOST_UNKNOWN
    if strength <= 1:
        return Finding("", text, strength=strength) if share else None
    remedies = (_SMALLER_VOCABULARY,) if unit == "word" else ()
    larger = Remedy(
        "a number for every word of the training items: `--set tokens.min_count=1`",
        settings={"tokens": {"unit": unit, "min_count": 1}},
    )
    return Finding(UNKNOWN_WORDS, text, (*remedies, larger, _MORE_ITEMS), strength)
