"""Mixtures as scikit-learn estimators: Gaussian, Bernoulli, categorical, Poisson, multinomial, Dirichlet-multinomial."""

from __future__ import annotations

from latentia.estimators.discrete_mixtures import (
    BernoulliMixture,
    CategoricalMixture,
    DirichletMultinomialMixture,
    MultinomialMixture,
    PoissonMixture,
)
from latentia.estimators.gaussian_mixture import GaussianMixture
from latentia.estimators.mixture_classifier import GaussianMixtureClassifier

__all__ = [
    "BernoulliMixture",
    "CategoricalMixture",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "GaussianMixtureClassifier",
    "MultinomialMixture",
    "PoissonMixture",
]
