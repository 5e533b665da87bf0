"""From a run to what its page says beside the cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from latentia.kinds.run import Run
from latentia.report.content import Figure, Head


class Described(Protocol):
    """An entry of any catalog."""

    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def reference(self) -> str: ...  # noqa: D102


def head_of(
    run: Run,
    model: str,
    entry: Described,
    judged: Mapping[str, Any],
    figures: Sequence[Figure],
    choices: Sequence[tuple[str, str]],
    settings: Mapping[str, object],
) -> Head:
    """The head of a run's page.

    Args:
        run: opened.
        model: its name.
        entry: what the catalog says of the model.
        judged: what `run.evaluate` gave: verdict, evidence, remedies.
        figures: rows of the table.
        choices: what was chosen automatically, and why.
        settings: parameters that the page lists.
    """
    return Head(
        title=f"{model} on {run.spec.name}",
        model=model,
        model_summary=f"{entry.summary} ({entry.reference})",
        data=f"{run.spec.name}: {run.dataset.source}",
        command=str(run.config.get("command", "")),
        created=str(run.config["created"]),
        verdict=str(judged["verdict"]),
        evidence=judged["evidence"],
        remedies=[*judged["remedies"], *judged.get("commands", ())],
        figures=figures,
        choices=choices,
        settings=settings,
        versions={"latentia": run.config["latentia"], **run.config["versions"]},
    )


def choices_of(estimator: Any) -> list[tuple[str, str]]:
    """What a model that is trained by gradient chose by itself, and why."""
    return [(f"{choice.what}: {choice.value}", choice.reason) for choice in estimator.choices_]
