"""Attributes as directions in latent space: learned from examples, added to items, and checked by a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError
from latentia.explore.protocol import Coder, as_code, as_codes


class Classifier(Protocol):
    """Names the class of items `[n, *event]`."""

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, `[n]`."""
        ...


@dataclass(frozen=True)
class AttributeCheck:
    """What a classifier says of items before and after an attribute was added; shares of the items, in [0, 1].

    Attributes:
        n: number of items.
        before: share with the attribute among plain reconstructions: what would be seen without the vector.
        after: share once the vector was added.
        control: share after adding a random vector of the same length instead (the mean over ten).
    """

    n: int
    before: float
    after: float
    control: float


def attribute_vector(codes_with: Any, codes_without: Any) -> NDArray[np.float64]:
    """Mean code of items with an attribute minus mean code of items without, `[D]`.

    Args:
        codes_with: `[n, D]`.
        codes_without: `[m, D]`.

    Raises:
        DataError: if either is empty, or they differ in D.

    Source: Larsen et al. 2016 ("Autoencoding beyond pixels using a learned similarity metric"), section 5.3.

    >>> attribute_vector([[2.0, 1.0], [4.0, 1.0]], [[0.0, 1.0]]).tolist()
    [3.0, 0.0]
    """
    having, lacking = as_codes(codes_with, "codes_with"), as_codes(codes_without, "codes_without")
    if having.shape[1] != lacking.shape[1]:
        raise DataError(
            f"codes of {having.shape[1]} and of {lacking.shape[1]} dimensions have no difference; they must agree"
        )
    return having.mean(axis=0) - lacking.mean(axis=0)


def add_attribute(estimator: Coder, X: Any, vector: Any, strength: float = 1.0) -> NDArray[Any]:
    """Items X `[n, *event]` decoded with `strength` times an attribute vector added to their codes.

    A negative strength takes the attribute away.
    """
    return estimator.inverse_transform(estimator.transform(X) + strength * as_code(vector, "vector"))


def check_attribute(
    estimator: Coder,
    X: Any,
    vector: Any,
    classifier: Classifier,
    attribute: Any,
    *,
    strength: float = 1.0,
    seed: int = 0,
) -> AttributeCheck:
    """Whether adding an attribute vector to items makes a classifier see the attribute.

    Args:
        estimator: fitted.
        X: items without the attribute that had no part in the vector, `[n, *event]`.
        vector: `[D]`.
        classifier: fitted to real items.
        attribute: the class that stands for the attribute.
        strength: factor of the vector.
        seed: of the random vectors of the control.
    """
    vector, codes = as_code(vector, "vector"), as_codes(estimator.transform(X), "codes of X")

    def share(step: NDArray[np.float64]) -> float:
        return float((classifier.predict(estimator.inverse_transform(codes + step)) == attribute).mean())

    directions = np.random.default_rng(seed).normal(size=(10, len(vector)))
    directions *= np.linalg.norm(vector) / np.linalg.norm(directions, axis=1, keepdims=True)
    return AttributeCheck(
        n=len(codes),
        before=share(np.zeros_like(vector)),
        after=share(strength * vector),
        control=float(np.mean([share(strength * direction) for direction in directions])),
    )
