"""From a run to what its page says beside the cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latentia.report.content import Figure, Head, Step
from latentia.vocabulary import FigureWord, Words

_NOT_TOLD = ("event_shape", "typical_size", "seed", "verbose", "model", "prior_history")
"""Settings that nobody gave: constants of the parts, and the number that the seed became."""
_OPEN = (None, "auto")


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
        run: opened: `model, name, dataset, config, asked, uses` are read.
        judged: what `run.evaluate` gave: figures, verdict, evidence, remedies.
        words: figures and faults of its kind.
        about: what the model is, in one line with its reference.
        settings: parameters that the page lists, as far as they say something.
        choices: what was chosen automatically, and why.
        extra: further rows of the table of figures.
    """
    fault, shown = words.told(judged)
    return Head(
        title=f"{run.model} on {called(run.name)}",
        model=run.model,
        model_summary=about,
        data=f"{called(run.name)}: {run.dataset.source}",
        command=str(run.config.get("command", "")),
        created=str(run.config.get("created", "")),
        verdict=str(judged["verdict"]),
        fault=fault,
        others=[words.fault(name) for name in judged.get("verdicts", ())[1:]],
        evidence=judged["evidence"],
        remedies=steps_of(judged),
        uses=[Step(*use) for use in run.uses(judged)],
        figures=[*figures_of(judged, shown), *extra],
        choices=choices,
        settings=_told({**settings, **_seed(run)}, choices),
        versions={"latentia": run.config.get("latentia", ""), **run.config.get("versions", {})},
    )


def called(data: str) -> str:
    """The name of data that may be a path.

    Example:
        >>> called("some/where/wine.csv"), called("digits"), called("hf://owner/name")
        ('wine', 'digits', 'owner/name')
    """
    if data.startswith("hf://"):
        return data.removeprefix("hf://")
    return Path(data).name.split(".")[0] or data


def steps_of(judged: Mapping[str, Any]) -> list[Step]:
    """Each remedy with its command; of figures that an earlier version kept, the commands stand after the words."""
    if "steps" in judged:
        return [Step(step["text"], step["command"] or "") for step in judged["steps"]]
    return [Step(text) for text in judged["remedies"]] + [
        Step("", line) for line in judged.get("commands", ())
    ]


def figures_of(judged: Mapping[str, Any], shown: Sequence[FigureWord]) -> list[Figure]:
    """The rows of the table of figures; what was not taken is left out."""
    rows = []
    for word in shown:
        value = judged[word.name]
        if word.name == "active_units":
            value = f"{value} of {judged['latent_dim']}"
        note = judged.get(f"{word.name}_note") or word.note
        split = word.split or judged["split"]
        rows.append(
            Figure(word.name, value, word.unit, split, note, word.label, word.meaning, _error(word, judged))
        )
    return rows


def _error(word: FigureWord, judged: Mapping[str, Any]) -> float | None:
    """The standard error of a figure, which says how many of its digits mean something: of all in nats an item, that of the likelihood."""
    own = judged.get(f"{word.name}_se")
    if own is not None:
        return float(own)
    se = judged.get("log_likelihood_se")
    return float(se) if se is not None and word.unit == "nats" else None


def choices_of(estimator: Any) -> list[tuple[str, str]]:
    """What a model that is trained by gradient chose by itself, and why."""
    return [(f"{choice.what}: {choice.value}", choice.reason) for choice in estimator.choices_]


def about(entry: Any) -> str:
    """What a catalog says of a model, in one line."""
    return "" if entry is None else f"{entry.summary} ({entry.reference})"


def _seed(run: Any) -> dict[str, object]:
    return {name: value for name, value in run.asked.items() if name == "random_state"}


def _told(settings: Mapping[str, object], choices: Sequence[tuple[str, str]]) -> dict[str, object]:
    """What says something: neither left open, nor told among the choices, nor a constant of the parts."""
    chosen = {what.partition(":")[0] for what, _ in choices}
    return {
        name: value
        for name, value in settings.items()
        if name not in (*_NOT_TOLD, *chosen) and value not in _OPEN and value != [] and value != ()
    }
