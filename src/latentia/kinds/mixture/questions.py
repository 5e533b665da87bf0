"""What the page of a mixture asks of the fit, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentia.kinds.mixture.words import DUPLICATE, EDGE, EMPTY, NOT_CONVERGED, SINGULAR
from latentia.report.content import number
from latentia.report.diagnosis import NO, OPEN, YES, Check, alike


def questions(figures: Mapping[str, Any]) -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` gives."""
    faults, seen = set(figures["verdicts"]), list(figures["evidence"])
    wrong = [name for name in (SINGULAR, EMPTY, DUPLICATE) if name in faults]
    # the evidence has the faults first, each in one sentence, in their order
    told = [seen[place] for place, name in enumerate(figures["verdicts"]) if name in wrong]
    least = f"The smallest of {figures['n_components']} holds {min(figures['weights']):.1%} of the items."
    rest = "came to rest" if figures["converged"] else "was stopped"
    chosen = next((text for text in seen if text.startswith("Of ")), None)
    found = [
        Check("Does every component stand for something?", NO if wrong else YES, " ".join(told) or least),
        Check(
            "Did the fit come to rest?",
            NO if NOT_CONVERGED in faults else YES,
            f"EM {rest} after {figures['n_iter']} iterations.",
        ),
    ]
    if chosen is not None:
        found.append(Check("Is the number of components settled?", NO if EDGE in faults else YES, chosen))
    if figures["split"] == "train":
        text = "Nothing was held out: all figures are of the rows that it was fitted to."
    else:
        of_train, held_out = figures["train_log_likelihood"], figures["log_likelihood"]
        text = f"Held-out items are explained {number(abs(of_train - held_out))} nats {'worse' if held_out < of_train else 'better'} than training items."
    found.append(Check("Does it hold for new items?", OPEN, text))
    samples = alike(figures)
    return found if samples is None else [*found, samples]
