"""latentia: latent-variable models that are fitted to your own data, judged honestly, and put to use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# Public name -> module that defines it. Nothing heavy is imported before a name is used.
_PUBLIC = {
    "AutoregressiveModel": "latentia.estimators",
    "BernoulliMixture": "latentia.estimators",
    "CategoricalMixture": "latentia.estimators",
    "DirichletMultinomialMixture": "latentia.estimators",
    "GaussianMixture": "latentia.estimators",
    "GaussianMixtureClassifier": "latentia.estimators",
    "MultinomialMixture": "latentia.estimators",
    "PoissonMixture": "latentia.estimators",
    "VAE": "latentia.estimators",
    "VQVAE": "latentia.estimators",
    "load": "latentia.estimators",
    "select": "latentia.mixture",
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
    "__version__",
    "load",
    "select",
]

if TYPE_CHECKING:
    from latentia.estimators import (
        VAE,
        VQVAE,
        AutoregressiveModel,
        BernoulliMixture,
        CategoricalMixture,
        DirichletMultinomialMixture,
        GaussianMixture,
        GaussianMixtureClassifier,
        MultinomialMixture,
        PoissonMixture,
        load,
    )
    from latentia.mixture import select


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
