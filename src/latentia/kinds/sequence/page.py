"""The page of a run of sequences of tokens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from latentia.kinds.sequence.code_cards import code_cards
from latentia.kinds.sequence.run import SequenceRun
from latentia.kinds.sequence.text_cards import text_cards
from latentia.report.cards import Card
from latentia.report.diagnosis import checks, diagnosis_cards
from latentia.report.head import about, choices_of, head_of
from latentia.report.page import Page


def page(run: SequenceRun) -> Page:
    """What the report of a run shows, on its test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(run.estimator._entry()),
        settings={**run.config.get("params", {}), **run.estimator.settings_},
        choices=choices_of(run.estimator),
    )
    found = [*_asked(figures, run), *text_cards(run, split, figures)]
    if run.has_code:
        found += code_cards(run, split, figures)
    return Page(head, (), [card for card in found if card is not None])


def _asked(figures: dict[str, Any], run: SequenceRun) -> list[Card | None]:
    """The questions of the diagnosis, and what `--auto-remedy` tried."""
    tried = [
        {**attempt, "kept": attempt["folder"] == run.config.get("kept")}
        for attempt in run.config.get("attempts", [])
    ]
    return diagnosis_cards(cast(Any, SimpleNamespace(checks=checks(figures), attempts=tried)))
