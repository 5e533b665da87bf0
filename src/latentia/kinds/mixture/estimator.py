"""Mixtures as scikit-learn estimators: Gaussian, Bernoulli, categorical, Poisson, multinomial, Dirichlet-multinomial."""

from __future__ import annotations

from latentia.kinds.mixture.communities import DirichletMultinomialMixture
from latentia.kinds.mixture.discrete import (
    BernoulliMixture,
    CategoricalMixture,
    MultinomialMixture,
    PoissonMixture,
)
from latentia.kinds.mixture.gaussian import GaussianMixture

__all__ = [
    "BernoulliMixture",
    "CategoricalMixture",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "MultinomialMixture",
    "PoissonMixture",
]
