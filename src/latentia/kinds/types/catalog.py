"""Community types by name."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.registry import Registry


@dataclass(frozen=True)
class TypesEntry:
    """What a named model of types is.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        estimator: name of its class in `latentia`.
    """

    summary: str
    reference: str
    estimator: str


TYPES: Registry[TypesEntry] = Registry("model of types", group="latentia.models", of=TypesEntry)
TYPES.add(
    "community-types",
    TypesEntry(
        "types of samples by their counts, with how far they can be trusted (whole workflow: `latentia types`)",
        "Holmes, Harris & Quince 2012, PLoS ONE 7(2) e30126",
        "CommunityTypes",
    ),
)

ENTRIES = TYPES
"""The named models of this kind."""
