"""What a run can be used for, in words and commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Use:
    """What a model with some ability is used for.

    Attributes:
        text: in words.
        command: with `RUN` for the folder and `SUFFIX` for that of a file of items.
        python: the same of an estimator.
    """

    text: str
    command: str
    python: str


USES: Mapping[str, Use] = {
    "Samples": Use("Draw new items.", "latentia sample RUN -n 64 --out samples.SUFFIX", "model.sample(64)"),
    "Encodes": Use(
        "Turn every item into its code, as columns for another program.", "latentia encode RUN --out codes.csv", "model.transform(X)"
    ),
    "Clusters": Use("Say to which component each item belongs.", "latentia predict RUN --out components.csv", "model.predict(X)"),
    "Classifies": Use("Say of which class each item is.", "latentia predict RUN --out classes.csv", "model.predict(X)"),
    "Scores": Use("Find the items that are most unusual.", "latentia anomaly RUN --out anomalies.csv", "model.score_samples(X)"),
    "Completes": Use("Keep the first half of items and draw the rest.", "latentia complete RUN --out completed.SUFFIX", "model.complete(X, mask)"),
    "Walks": Use("Go from one item to another, step by step.", "latentia interpolate RUN --items 0,1 --out way.SUFFIX", "latentia.explore.interpolate"),
    "Imputes": Use("Fill the gaps of a table.", "latentia impute RUN TABLE --out filled.csv", "model.impute(X)"),
    "Exports": Use("Use it in programs without latentia (ONNX).", "latentia export RUN", "model.export(folder)"),
}  # fmt: skip
"""By the ability that it takes, the most usual first."""
_MOST_USES = 5
OF_ARRAYS = ("Infers", "Compresses", "Completes")
"""Abilities that tables of unlike columns do not have, whatever the model."""


def uses_of(run: Any, figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a run can be used for: words and a command line; of a model that lies in no folder, a line of Python."""
    found, suffix = [], "png" if run.is_image else "csv"
    for ability, use in USES.items():
        has_columns = getattr(run.estimator, "columns_", None) is not None
        if ability not in run.kind.abilities or (
            ability in OF_ARRAYS if has_columns else ability == "Imputes"
        ):
            continue
        line = use.command
        bounds = [figures[name] for name in ("log_likelihood", "elbo") if name in figures]
        if ability == "Scores" and bounds and bounds == [None] * len(bounds):
            if "Rebuilds" not in run.kind.abilities:
                continue
            line = line.replace(" --out", " --method reconstruction --out")
        line = use.python if run.home is None else line
        line = line.replace("RUN", shlex.quote(str(run.home))).replace("SUFFIX", suffix)
        if line:
            found.append((use.text, line))
    return found[:_MOST_USES]
