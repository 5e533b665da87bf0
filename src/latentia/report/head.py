"""From a run to what its page says beside the cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latentia.report.content import Figure, Head
from latentia.vocabulary import FigureWord, Words


def head_of(
    run: Any,
    judged: Mapping[str, Any],
    words: Words,
    *,
    about: str,
    settings: Mapping[str, object],
    choices: Sequence[tuple[str, str]] = (),
    extra: Sequence[Figure] = (),
) -> Head:
    """The head of a run's page.

    Args:
        run: opened: `model, name, dataset, config` are read.
        judged: what `run.evaluate` gave: figures, verdict, evidence, remedies.
        words: figures and faults of its kind.
        about: what the model is, in one line with its reference.
        settings: parameters that the page lists.
        choices: what was chosen automatically, and why.
        extra: further rows of the table of figures.
    """
    fault, shown = words.told(judged)
    return Head(
        title=f"{run.model} on {run.name}",
        model=run.model,
        model_summary=about,
        data=f"{run.name}: {run.dataset.source}",
        command=str(run.config.get("command", "")),
        created=str(run.config.get("created", "")),
        verdict=str(judged["verdict"]),
        fault=fault,
        evidence=judged["evidence"],
        remedies=[*judged["remedies"], *judged.get("commands", ())],
        figures=[*figures_of(judged, shown), *extra],
        choices=choices,
        settings=settings,
        versions={"latentia": run.config.get("latentia", ""), **run.config.get("versions", {})},
    )


def figures_of(judged: Mapping[str, Any], shown: Sequence[FigureWord]) -> list[Figure]:
    """The rows of the table of figures; what was not taken is left out."""
    rows = []
    for word in shown:
        value = judged[word.name]
        if word.name == "active_units":
            value = f"{value} of {judged['latent_dim']}"
        note = judged.get(f"{word.name}_note") or word.note
        rows.append(
            Figure(word.name, value, word.unit, word.split or judged["split"], note, word.label, word.meaning)
        )
    return rows


def choices_of(estimator: Any) -> list[tuple[str, str]]:
    """What a model that is trained by gradient chose by itself, and why."""
    return [(f"{choice.what}: {choice.value}", choice.reason) for choice in estimator.choices_]


def about(entry: Any) -> str:
    """What a catalog says of a model, in one line."""
    return "" if entry is None else f"{entry.summary} ({entry.reference})"
