"""The card of events with times: gaps of the model's draws beside those of the data."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from latentia.data.events import Events
from latentia.kinds.sequence.charts import charted, gap_figure
from latentia.kinds.sequence.run import SequenceRun
from latentia.report.cards import Card
from latentia.report.content import number

DRAWN = 500


def gap_card(run: SequenceRun, items: Any, figures: dict[str, Any]) -> Card | None:
    """Gaps of items and of as many draws, at most 500; None where gaps are not modelled."""
    form = run.estimator.form_.gaps
    if form is None or "gap_baseline" not in figures:
        return None
    drawn = run.drawn(min(DRAWN, max(2, len(items))), seed=0)
    made = Events.of_events([[(str(label), time) for label, time in item] for item in drawn])
    data, draws = (_known(each) for each in (cast(Events, items), made))
    facts = (
        (number(-figures["gap_log_likelihood"]), "nats a gap, given what came before and the code"),
        (number(-figures["gap_baseline"]), "nats a gap, by one log-normal for all"),
        (number(float(np.median(data))), "the median gap of the data here"),
        (number(float(np.median(draws))) if len(draws) else "none", "the median gap of draws"),
    )
    card = Card(
        "gaps",
        "Gaps between events",
        f"Times since the event before, {form.units}, on a logarithmic scale.",
        facts=facts,
        wide=True,
    )
    alt = f"Histogram of {len(data)} gaps of the data and {len(draws)} of draws."
    return charted(card, alt, lambda theme: gap_figure(form.logs(data), form.logs(draws), form.unit, theme))


def _known(items: Events) -> np.ndarray:
    gaps = items.gaps()
    return gaps[~np.isnan(gaps)]
