"""What a diagnosis finds, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """One thing looked at; an empty name means that it is in order."""

    name: str
    evidence: str
    remedies: tuple[Remedy, ...] = ()
