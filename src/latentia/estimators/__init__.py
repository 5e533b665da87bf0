"""Estimators: the scikit-learn face of every model, and the run folders in which they are kept."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_PUBLIC = {
    "AutoregressiveModel": "latentia.estimators.density",
    "BernoulliMixture": "latentia.estimators.mixtures",
    "CategoricalMixture": "latentia.estimators.mixtures",
    "DirichletMultinomialMixture": "latentia.estimators.mixtures",
    "GaussianMixture": "latentia.estimators.mixtures",
    "GaussianMixtureClassifier": "latentia.estimators.mixture_classifier",
    "MultinomialMixture": "latentia.estimators.mixtures",
    "PoissonMixture": "latentia.estimators.mixtures",
    "VAE": "latentia.estimators.vae",
    "VQVAE": "latentia.estimators.vqvae",
    "load": "latentia.estimators.folder",
}

__all__ = [
    "VAE",
    "VQVAE",
    "AutoregressiveModel",
    "BernoulliMixture",
    "CategoricalMixture",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "GaussianMixtureClassifier",
    "MultinomialMixture",
    "PoissonMixture",
    "load",
]

if TYPE_CHECKING:
    from latentia.estimators.density import AutoregressiveModel
    from latentia.estimators.folder import load
    from latentia.estimators.mixture_classifier import GaussianMixtureClassifier
    from latentia.estimators.mixtures import (
        BernoulliMixture,
        CategoricalMixture,
        DirichletMultinomialMixture,
        GaussianMixture,
        MultinomialMixture,
        PoissonMixture,
    )
    from latentia.estimators.vae import VAE
    from latentia.estimators.vqvae import VQVAE


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia.estimators' has no attribute {name!r}")
