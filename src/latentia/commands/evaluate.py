"""`latentia evaluate RUN`: the figures and the verdict of a run."""

from __future__ import annotations

from typing import Literal

from latentia.commands.output import print_figures, print_json, print_verdict


def evaluate(
    run: str,
    split: Literal["train", "validation", "test", "new"] = "test",
    n_importance: int = 100,
    importance_items: int | None = 1000,
    json: bool = False,
    data: str | None = None,
) -> None:
    """Measure a run on one part of its data: bound, rate and distortion, likelihood, errors, active units, verdict.

    Args:
        run: run folder.
        split: train, validation or test; new: rows that the model has not seen, of data that have changed since.
        n_importance: importance samples for the log-likelihood; 0 leaves it out.
        importance_items: items for which they are drawn, the bound of all being corrected by theirs; null draws for all.
        json: print one JSON object and nothing else.
        data: where the run's data are now, if not where they were; or other data.
    """
    from latentia.kinds.run import Run

    opened = Run.open(run, data)
    figures = opened.evaluate(split, n_importance, importance_items)
    if json:
        print_json(figures)
    else:
        print_figures(figures, opened.kind.words)
        print_verdict(figures)
