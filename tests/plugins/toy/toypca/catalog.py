"""The named models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ToyEntry:
    """What `latentia models` shows."""

    summary: str
    reference: str


ENTRIES = {"toy-pca": ToyEntry("probabilistic PCA", "Tipping & Bishop 1999")}
