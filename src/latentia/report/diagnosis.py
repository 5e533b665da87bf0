"""The diagnosis as questions with answers, which a person reads in a minute; and what was seen while training."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.ticker import MaxNLocator

from latentia.diagnostics.sample_findings import PRIOR_MATCH
from latentia.report.cards import Card
from latentia.report.content import Answered, ReportInput, number
from latentia.report.theme import Theme, canvas, legend, style
from latentia.vocabulary import KEPT_EARLY, UNDERTRAINED, UNLIKE

YES, NO, PARTLY, OPEN = "✓ yes", "✗ no", "△ in part", "–"
SATURATED = 0.95
"""Share of the mutual information that the items at hand can show: above it the estimate is at its ceiling."""


@dataclass(frozen=True)
class Check:
    """One question: what is asked, the answer, and the figures behind it."""

    question: str
    answer: str
    figures: str


def checks(figures: Mapping[str, Any], kept: str = "") -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` or `diagnose --json` gives; what was not measured is left out.

    Args:
        figures: as JSON has them.
        kept: which weights are kept, in words.

    >>> checks({"verdicts": ["overfitted"], "diagnosis": {"generalisation":
    ...     {"elbo": 40.0, "error_ratio": 2.5, "n_held_out": 1000}}})[0].answer
    '✗ no'
    """
    measured = figures.get("diagnosis") or {}
    faults = set(figures.get("verdicts") or ())
    asked: list[Callable[[Mapping[str, Any], Mapping[str, Any], set[str]], Check | None]] = [
        _codes, _decoder, _encoder, _prior, _sampler, _smooth, _generalises,
    ]  # fmt: skip
    found = [*(ask(figures, measured, faults) for ask in asked), alike(figures), trained(figures, kept)]
    return [check for check in found if check is not None]


def _answer(faults: set[str], *bad: str) -> str:
    return NO if faults & set(bad) else YES


def _codes(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:
    if "active_units" not in figures:
        return None
    units = f"{figures['active_units']} of {figures['latent_dim']} dimensions are active"
    found, text = measured.get("information"), f"{units}."
    if found:
        value, most, items = max(0.0, found["value"]), found["bound"], number(found["n"])
        share = f"Code and item share {number(value)} nats; {items} items could show up to {number(most)}"
        if value >= SATURATED * most:
            share = f"As far as {items} items can show ({number(value)} of at most {number(most)} nats)"
        text = f"{share}. {text}"
    answer = _answer(faults, "posterior collapse", "inference collapse")
    if answer == YES and "partial posterior collapse" in faults:
        answer = PARTLY
    return Check("Do the codes tell the items apart?", answer, text)


def _decoder(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    found = measured.get("dependence")
    if not found:
        return None
    worse = f"{number(found['drop'])} nats worse" if found["drop"] > 0 else "no worse"
    text = f"With another item's code an item is explained {worse}; {found['share']:.0%} of items prefer their own."
    return Check("Does the decoder use them?", _answer(faults, "posterior collapse"), text)


def _encoder(figures: Mapping[str, Any], measured: Mapping[str, Any], faults: set[str]) -> Check | None:  # noqa: ARG001
    gap, true = measured.get("amortisation"), measured.get("true_posterior")
    if not gap or not true:
        return None
    whose = "the refined ones" if gap.get("own_steps") else "the encoder's"
    text = (
        f"Codes optimised item by item gain {number(gap['amortisation'])} nats over {whose} ({number(gap['n'])} items); from item "
        f"to item the model's own codes move in {true['true_active']} dimensions, the encoder's in {true['approximate_active']}."
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
        f"{gap['precision']:.0%} of what its codes decode to lies among data, and {gap['recall']:.0%} of data among that; of other data "
        f"{gap['baseline']:.0%} do."
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
        f"{gap['precision']:.0%} of samples lie among data, and {gap['recall']:.0%} of data among samples; of other data "
        f"{gap['baseline']:.0%} do."
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
    parts = []
    if gap["error_ratio"] is not None:
        parts.append(
            f"the squared error of held-out items is {number(gap['error_ratio'])} times that of training items"
        )
    if gap["elbo"] is not None:
        way = "lower" if gap["elbo"] >= 0 else "higher"
        parts.append(f"the bound of held-out items is {number(abs(gap['elbo']))} nats {way}")
    if not parts:
        return None
    text = "; ".join(parts)
    text = text[0].upper() + text[1:]
    return Check("Does it hold for new items?", _answer(faults, "overfitted"), f"{text}.")


def alike(figures: Mapping[str, Any]) -> Check | None:
    """Of tables: whether columns of samples are distributed as those of the data."""
    sentence = next((text for text in figures.get("evidence", ()) if text.startswith("Samples differ")), None)
    faults = set(figures.get("verdicts") or ())
    if sentence is None:
        return None
    return Check("Are samples like the data?", _answer(faults, UNLIKE), sentence)


_OF_TRAINING = (
    "The last ",
    "After the last ",
    "The weights are those ",
    "The fit was over ",
)  # how sentences on it begin


def trained(figures: Mapping[str, Any], kept: str = "") -> Check | None:
    """Whether training went on long enough, with the kept epoch in words."""
    sentences = [text for text in figures.get("evidence", ()) if text.startswith(_OF_TRAINING)][:1]
    if not sentences and not kept:
        return None
    text = " ".join([*sentences, kept]).strip()
    faults = set(figures.get("verdicts") or ())
    return Check("Was the training long enough?", _answer(faults, UNDERTRAINED, KEPT_EARLY), text)


def question_card(asked: Sequence[Answered]) -> Card:
    """Questions with their answers."""
    rows = [
        ("Question", "Answer", "Figures"),
        *((each.question, each.answer, re.sub(r"(?<=[\s(])-(?=\d)", "−", each.figures)) for each in asked),
    ]
    return Card(
        "diagnosis", "Diagnosis", "Each answer with the figures behind it.", table=tuple(rows), wide=True
    )


def diagnosis_cards(report: ReportInput) -> list[Card | None]:
    """The questions; and what was tried where remedies were taken."""
    found: list[Card | None] = [question_card(report.checks)] if report.checks else []
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
    """What the codes told of the items in the course of training; nothing where it came to its ceiling: then the answer says so."""
    looks = [row for row in report.history if row.get("mutual_information") is not None]
    names = ("mutual_information", "watched_items")
    told, items = np.array([[row.get(name) for row in looks] for name in names], dtype=float)
    if len(looks) and told[-1] >= SATURATED * np.log(items[-1]):
        return None
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
    names = ("epoch", "mutual_information", "active_units", "watched_items")
    epochs, told, active, items = np.array([[row.get(name) for row in looks] for name in names], dtype=float)
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
    first = ((0, "left"),) if active[0] != active[-1] else ()
    for place, side in (*first, (-1, "right")):
        axes.annotate(
            f"{active[place]:.0f} active", (epochs[place], told[place]), xytext=(0, 7), textcoords="offset points",
            ha=side, fontsize=8, color=theme.muted,
        )  # fmt: skip
    legend(axes, theme)
    return figure
