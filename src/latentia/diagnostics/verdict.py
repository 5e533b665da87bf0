"""The verdict on a fit: healthy or what is wrong, the evidence in words, and the remedies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentia.diagnostics import findings
from latentia.diagnostics.decoder_dependence import DecoderDependence
from latentia.diagnostics.evaluation import Evaluation
from latentia.diagnostics.finding import Finding, Remedy
from latentia.diagnostics.generalisation import generalisation_gap
from latentia.diagnostics.margins import Margins
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.diagnostics.pairs import Pairs, unlike_pairs
from latentia.diagnostics.prior_gap import PriorGap
from latentia.diagnostics.sample_findings import holes, unlike_data, wider
from latentia.diagnostics.true_posterior import TruePosterior
from latentia.diagnostics.undertraining import LAST_GAIN, ShortOf, kept_early, undertraining
from latentia.vocabulary import COLLAPSE, FAULTS, HEALTHY, INFERENCE_COLLAPSE


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a fit.

    Attributes:
        name: "healthy", or the first of `names`.
        evidence: sentences with the figures, on everything that was looked at.
        remedies: what to do, options of the command line in backquotes.
        names: all faults found, in the order in which to mend them; empty if healthy.
        actions: the remedies, with what they change of the estimator's parameters.
        findings: all that was looked at, the faults first.
    """

    name: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]
    names: tuple[str, ...] = ()
    actions: tuple[Remedy, ...] = ()
    findings: tuple[Finding, ...] = ()


def judge(
    evaluation: Evaluation,
    *,
    gap: PriorGap | None = None,
    sampler_gap: PriorGap | None = None,
    information: MutualInformation | None = None,
    dependence: DecoderDependence | None = None,
    true: TruePosterior | None = None,
    train: Evaluation | None = None,
    history: Sequence[float] = (),
    last_gain: float | None = None,
    numbers: int | None = None,
    rate_weight: float | None = None,
    bounds: Sequence[float] = (),
    kept: int | None = None,
    margins: Margins | None = None,
    pairs: Pairs | None = None,
    columns: Sequence[str] | None = None,
    short: ShortOf | None = None,
) -> Verdict:
    """Name every fault that the figures show; several can hold, and the first to be mended gives the verdict its name.

    Args:
        evaluation: of held-out items.
        gap: decoded draws of the prior against decoded data.
        sampler_gap: the same of the sampler, where samples are not drawn from the prior: it is then judged for holes.
        information: mutual information of items and codes.
        dependence: what is lost with another item's code.
        true: means of the true posterior, if collapse is to be told apart by its place.
        train: evaluation on (part of) the training data, if overfitting is to be judged.
        history: validation bound after each epoch, if under-training is to be judged.
        last_gain: by how much the bound after the last epoch exceeds its mean over that epoch's training batches.
        numbers: numbers in a datum.
        rate_weight: weight of the rate in the objective, if it has one.
        bounds: validation bound at each judgement, where these were by something else.
        kept: the judgement after which the weights that were kept are, from 1 on.
        margins: of a table, its columns against those of samples.
        pairs: how they go together, against samples.
        columns: their names.
        short: what a fit that its time or a person cut short had.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> from latentia.diagnostics import evaluate
        >>> import torch
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> judge(evaluate(model, [torch.zeros(50, 4)], n_importance=0)).name
        'posterior collapse'
    """
    collapse = findings.collapse(evaluation, information, dependence, true, rate_weight, len(history))
    # A decoder that ignores the code makes the same of the prior's as of the data's: nothing to compare.
    collapsed = collapse.name in (COLLAPSE, INFERENCE_COLLAPSE)
    least = LAST_GAIN * numbers if numbers else None
    looked_at: list[Finding | None] = [
        collapse,
        None if collapsed else findings.overload(evaluation, information, gap, rate_weight, sampler_gap),
        None if collapsed else holes(evaluation, gap, sampler_gap),
        findings.overfitting(
            evaluation, train, None if train is None else generalisation_gap(train, evaluation)
        ),
        unlike_data(margins, columns, evaluation),
        None if collapsed else unlike_pairs(pairs, columns, wider(evaluation)),
        kept_early(bounds, kept, least),
        undertraining(history, last_gain, least, short),
    ]
    return ordered([finding for finding in looked_at if finding is not None], tuple(FAULTS))


def ordered(findings: Sequence[Finding], order: Sequence[str], extra: Sequence[str] = ()) -> Verdict:
    """One verdict of all that was looked at.

    Args:
        findings: each with a name where it is a fault.
        order: names of the faults in the order in which they are to be mended; others come last, and those that say `first` before all.
        extra: sentences that are evidence whatever the verdict.

    Example:
        >>> found = [Finding("b", "B is wrong."), Finding("", "C is in order."), Finding("a", "A is wrong.")]
        >>> ordered(found, ("a", "b")).names, ordered(found, ("a", "b")).evidence
        (('a', 'b'), ('A is wrong.', 'B is wrong.', 'C is in order.'))
    """
    places = {name: place for place, name in enumerate(order)}
    faults = sorted(
        (f for f in findings if f.name), key=lambda f: (not f.first, places.get(f.name, len(places)))
    )
    actions = {remedy.text: remedy for fault in faults for remedy in fault.remedies}
    looked_at = (*faults, *(f for f in findings if not f.name))
    return Verdict(
        name=faults[0].name if faults else HEALTHY,
        evidence=(*(f.evidence for f in looked_at if f.evidence), *extra),
        remedies=tuple(actions),
        names=tuple(dict.fromkeys(f.name for f in faults)),
        actions=tuple(actions.values()),
        findings=looked_at,
    )
