"""The diagnosis as questions with answers, which a person reads in a minute; and what was seen while training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.ticker import MaxNLocator

from latentia.diagnostics.sample_findings import PRIOR_MATCH
from latentia.report.cards import Card
from latentia.report.content import ReportInput, number
from latentia.report.theme import Theme, canvas, finite, legend, style

YES, NO, PARTLY, OPEN = "✓ yes", "✗ no", "△ in part", "–"


@dataclass(frozen=True)
class Check:
    """One question: what is asked, the answer, and the figures behind it."""

    question: str
    answer: str
    figures: str


def checks(figures: Mapping[str, Any]) -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` or `diagnose --json` gives; what was not measured is left out.

    >>> checks({"verdicts": ["overfitted"], "diagnosis": {"generalisation":
    ...     {"elbo": 40.0, "error_ratio": 2.5, "n_held_out": 1000}}})[0].answer
    '✗ no'
    """
    measured = figures.get("diagnosis") or {}
    faults = set(figures.get("verdicts") or ())
    asked: list[Callable[[Mapping[str, Any], Mapping[str, Any], set[str]], Check | None]] = [
        _codes, _decoder, _encoder, _prior, _sampler, _smooth, _generalises, _trained,
    ]  # fmt: skip
    return [check for ask in asked if (check := ask(figures, measured, faults)) is not None]


def _answer(faults: set[str], *bad: str) -> str:
    return NO if faults & set(bad) else YES


def _codes(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:
    if "active_units" not in figures:
        return None
    text = f"{figures['active_units']} of {figures['latent_dim']} dimensions are active"
    found = measured.get("information")
    if found:
        text = (
            f"{number(max(0.0, found['value']))} nats of mutual information (at most {number(found['bound'])} can be seen with "
            f"{number(found['n'])} items); {text}"
        )
    answer = _answer(faults, "posterior collapse", "inference collapse")
    if answer == YES and "partial posterior collapse" in faults:
        answer = PARTLY
    return Check("Do the codes tell the items apart?", answer, f"{text}.")


def _decoder(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    found = measured.get("dependence")
    if not found:
        return None
    falls = f"falls by {number(found['drop'])} nats" if found["drop"] > 0 else "is no lower"
    text = f"With another item's code the log-likelihood {falls}; {found['share']:.0%} of items prefer their own."
    return Check("Does the decoder use them?", _answer(faults, "posterior collapse"), text)


def _encoder(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    gap, true = measured.get("amortisation"), measured.get("true_posterior")
    if not gap or not true:
        return None
    whose = "the refined ones" if gap.get("own_steps") else "the encoder's"
    text = (
        f"Codes optimised for each item gain {number(gap['amortisation'])} nats over {whose} ({number(gap['n'])} items); the "
        f"true posterior moves in {true['true_active']} dimensions, the encoder's in {true['approximate_active']}."
    )
    answer = _answer(faults, "inference collapse")
    if "posterior collapse" in faults and true["true_active"] > true["approximate_active"]:
        answer = OPEN  # it was not to follow: the objective keeps it still
    return Check("Does the encoder keep up with the model?", answer, text)


def _prior(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    gap = measured.get("prior_gap")
    if not gap:
        return None
    text = (
        f"{gap['precision']:.0%} of decoded prior draws lie among data and {gap['recall']:.0%} of data among them; for other "
        f"data it is {gap['baseline']:.0%}."
    )
    if faults & {"posterior collapse", "inference collapse"}:
        return Check(
            "Do the codes fill the prior?", OPEN, "Nothing to compare: every code decodes to the same."
        )
    answer = _answer(faults, "information overload", "prior holes")
    if measured.get("sampler_gap"):  # then the verdict is on the sampler
        answer = YES if min(gap["precision"], gap["recall"]) >= PRIOR_MATCH * gap["baseline"] else NO
        text += " Samples are not drawn from it."
    return Check("Do the codes fill the prior?", answer, text)


def _sampler(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    gap = measured.get("sampler_gap")
    if not gap or faults & {"posterior collapse", "inference collapse"}:
        return None
    text = (
        f"{gap['precision']:.0%} of decoded draws of the aggregate-posterior sampler lie among data and {gap['recall']:.0%} of data "
        f"among them; for other data it is {gap['baseline']:.0%}."
    )
    return Check("Does the sampler follow the codes?", _answer(faults, "prior holes"), text)


def _smooth(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    found = measured.get("smoothness")
    if not found:
        return None
    text = (
        f"Between two items the decoded path is {number(found['path_ratio'])} times the straight line; its largest step is "
        f"{number(found['jump'])} times the mean one."
    )
    return Check("How smooth is the latent space?", OPEN, text)


def _generalises(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    gap = measured.get("generalisation")
    if not gap:
        return None
    text = f"The squared error of held-out items is {number(gap['error_ratio'])} times that of training items"
    if gap["elbo"] is not None:
        text += (
            f"; their bound is {number(abs(gap['elbo']))} nats {'lower' if gap['elbo'] >= 0 else 'higher'}"
        )
    return Check("Does it hold for new items?", _answer(faults, "overfitted"), f"{text}.")


def _trained(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    sentences = [text for text in figures.get("evidence", ()) if "epoch" in text]
    if not sentences:
        return None
    return Check("Was the training long enough?", _answer(faults, "under-trained"), sentences[0])


def diagnosis_cards(report: ReportInput) -> list[Card | None]:
    """The questions; and what was tried where remedies were taken."""
    found: list[Card | None] = []
    if report.checks:
        faults = sum(check.answer in (NO, PARTLY) for check in report.checks)
        lead = "Each answer with the figures behind it" + ("." if faults else ": no fault was found.")
        rows = [("Question", "Answer", "Figures")]
        rows += [(check.question, check.answer, check.figures) for check in report.checks]
        found.append(Card("diagnosis", "Diagnosis", lead, table=tuple(rows), wide=True))
    if len(report.attempts) > 1:
        lead = "Faults that were found on the validation part were remedied by fitting again; the run kept is this one."
        head = ("Run", "What was changed", "Found", "Validation log-likelihood")
        found.append(
            Card("attempts", "Remedies tried", lead, table=(head, *map(_row, report.attempts)), wide=True)
        )
    return found


def _row(attempt: Mapping[str, Any]) -> tuple[str, ...]:
    score = attempt["validation_log_likelihood"]
    kept = " (kept)" if attempt.get("kept") else ""
    return (
        f"{attempt['model']}{kept}",
        str(attempt["remedy"]).replace("`", "") or "as asked for",
        ", ".join(attempt["verdicts"]),
        "not defined" if score is None else f"{number(score)} nats",
    )


def information_card(report: ReportInput) -> Card | None:
    """What the codes told of the items in the course of training."""
    lead = "Mutual information of items and codes on some validation items, looked at every few epochs."
    return Card(
        "information",
        "What the codes told while training",
        lead,
        alt="Mutual information in nats and active units by epoch.",
        draw=lambda theme: information_curve(report.history, theme),
    )


def information_curve(
    history: Sequence[Mapping[str, float | None]], theme: Theme
) -> matplotlib.figure.Figure | None:
    """Mutual information by epoch with its bound, and active units; None with fewer than two looks."""
    looks = [row for row in history if row.get("mutual_information") is not None]
    if len(looks) < 2:
        return None
    epochs, told, active, items = (
        finite([row.get(name) for row in looks])
        for name in ("epoch", "mutual_information", "active_units", "watched_items")
    )
    figure = canvas(theme, 5.2, 3.3)
    axes = figure.add_subplot()
    style(axes, theme, x="epoch", y="nats per item")
    marker = "o" if len(looks) <= 12 else None
    axes.plot(
        epochs, told, color=theme.data, linewidth=1.8, marker=marker, markersize=4, label="mutual information"
    )
    axes.plot(epochs, np.log(items), ":", color=theme.muted, linewidth=1.4, label="the most that can be seen")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(told))))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for epoch, value, units in ((epochs[0], told[0], active[0]), (epochs[-1], told[-1], active[-1])):
        axes.annotate(
            f"{units:.0f} active", (epoch, value), xytext=(0, -14), textcoords="offset points", ha="center",
            fontsize=8, color=theme.muted,
        )  # fmt: skip
    legend(axes, theme, loc="best")
    return figure
