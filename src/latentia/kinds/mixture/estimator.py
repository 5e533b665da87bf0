"""Mixtures as scikit-learn estimators: Gaussian, columns of unlike kinds, Bernoulli, categorical, Poisson, multinomial, Dirichlet-multinomial."""

from __future__ import annotations

from latentia.kinds.mixture.communities import DirichletMultinomialMixture
from latentia.kinds.mixture.discrete import (
    BernoulliMixture,
    CategoricalMixture,
    MultinomialMixture,
    PoissonMixture,
)
from latentia.kinds.mixture.gaussian import GaussianMixture
from latentia.kinds.mixture.mixed import MixedMixture

__all__ = [
    "BernoulliMixture",
    "CategoricalMixture",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "MixedMixture",
    "MultinomialMixture",
    "PoissonMixture",
]
