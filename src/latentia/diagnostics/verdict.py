"""The verdict on a fit: healthy or what is wrong, the evidence in words, and the remedies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentia.diagnostics import findings
from latentia.diagnostics.decoder_dependence import DecoderDependence
from latentia.diagnostics.evaluation import Evaluation
from latentia.diagnostics.findings import HEALTHY, Finding, Remedy
from latentia.diagnostics.generalisation import generalisation_gap
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.diagnostics.prior_gap import PriorGap
from latentia.diagnostics.true_posterior import TruePosterior

ORDER = (
    findings.COLLAPSE,
    findings.INFERENCE_COLLAPSE,
    findings.UNDERTRAINED,
    findings.OVERFITTED,
    findings.OVERLOAD,
    findings.HOLES,
    findings.PARTIAL_COLLAPSE,
)
"""Faults in the order in which they are to be mended: what comes first may be the cause of what comes after."""


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a fit.

    Attributes:
        name: "healthy", or the first of `names`.
        evidence: sentences with the figures, on everything that was looked at.
        remedies: what to do, options of the command line in backquotes.
        names: all faults found, in the order in which to mend them; empty if healthy.
        actions: the remedies, with what they change of the estimator's parameters.
    """

    name: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]
    names: tuple[str, ...] = ()
    actions: tuple[Remedy, ...] = ()


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

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> from latentia.diagnostics import evaluate
        >>> import torch
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> judge(evaluate(model, [torch.zeros(50, 4)], n_importance=0)).name
        'posterior collapse'
    """
    collapse = findings.collapse(evaluation, information, dependence, true, rate_weight)
    # A decoder that ignores the code makes the same of the prior's as of the data's: nothing to compare.
    collapsed = collapse.name in (findings.COLLAPSE, findings.INFERENCE_COLLAPSE)
    looked_at: list[Finding | None] = [
        collapse,
        None if collapsed else findings.overload(evaluation, information, gap, rate_weight, sampler_gap),
        None if collapsed else findings.holes(evaluation, gap, sampler_gap),
        findings.overfitting(
            evaluation, train, None if train is None else generalisation_gap(train, evaluation)
        ),
        findings.undertraining(history, last_gain, numbers),
    ]
    found = [finding for finding in looked_at if finding is not None]
    faults = sorted((f for f in found if f.name), key=lambda f: ORDER.index(f.name))
    actions = {remedy.text: remedy for fault in faults for remedy in fault.remedies}
    return Verdict(
        name=faults[0].name if faults else HEALTHY,
        evidence=tuple(f.evidence for f in faults) + tuple(f.evidence for f in found if not f.name),
        remedies=tuple(actions),
        names=tuple(f.name for f in faults),
        actions=tuple(actions.values()),
    )
