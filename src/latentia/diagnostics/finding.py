"""What a diagnosis finds, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SEED = 1
"""The other seed; commands start with 0."""


@dataclass(frozen=True)
class Remedy:
    """One thing to do.

    Attributes:
        text: in words, options of the command line in backquotes.
        models: names of models to fit instead, best first: the first that the catalog has is taken.
        settings: parameters of the estimator to change.
    """

    text: str
    models: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_command(self) -> bool:
        """Whether it can be done by fitting anew with other parameters."""
        return bool(self.models or self.settings)


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: of the fault; empty where all is in order.
        evidence: a sentence with the figures.
        remedies: what to do, best first.
        strength: the deciding figure in units of its threshold, so that above 1 it is a fault; None where no single one decides.
        first: whether it is to be mended before all others, whatever their order: others may be its consequence.
    """

    name: str
    evidence: str
    remedies: tuple[Remedy, ...] = ()
    strength: float | None = None
    first: bool = False


def nats(value: float) -> str:
    """A figure in nats, as sentences have it."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def another_seed() -> Remedy:
    """The same fit with other noise."""
    return Remedy(f"another seed: `--set random_state={SEED}`", settings={"random_state": SEED})


def longer(epochs: int) -> Remedy:
    """Train for this many epochs."""
    return Remedy(f"train longer: `--epochs {epochs}`", settings={"max_epochs": epochs})
