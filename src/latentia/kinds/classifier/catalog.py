"""The classifiers by name."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.registry import Registry


@dataclass(frozen=True)
class ClassifierEntry:
    """What a named classifier is.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        estimator: name of its class in `latentia`.
    """

    summary: str
    reference: str
    estimator: str


CLASSIFIERS: Registry[ClassifierEntry] = Registry("classifier", group="latentia.models", of=ClassifierEntry)
CLASSIFIERS.add(
    "gaussian-mixture-classifier",
    ClassifierEntry(
        "a linear rule for each of K Gaussians, fitted jointly by EM; needs labels",
        "Xu, Jordan & Hinton 1995, An Alternative Model for Mixtures of Experts, NIPS 7",
        "GaussianMixtureClassifier",
    ),
)

ENTRIES = CLASSIFIERS
"""The named models of this kind."""
