"""latentia: latent-variable models that are fitted to your own data, judged honestly, and put to use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# Public name -> module that defines it. Nothing heavy is imported before a name is used.
_PUBLIC = {
    "AutoregressiveModel": "latentia.kinds.autoregressive.estimator",
    "BernoulliMixture": "latentia.kinds.mixture.estimators",
    "CategoricalMixture": "latentia.kinds.mixture.estimators",
    "DirichletMultinomialMixture": "latentia.kinds.mixture.estimators",
    "GaussianMixture": "latentia.kinds.mixture.estimators",
    "GaussianMixtureClassifier": "latentia.kinds.mixture.estimators",
    "MultinomialMixture": "latentia.kinds.mixture.estimators",
    "PoissonMixture": "latentia.kinds.mixture.estimators",
    "VAE": "latentia.kinds.vae.estimator",
    "VQVAE": "latentia.kinds.codes.estimator",
    "load": "latentia.estimators.folder",
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
    from latentia.estimators.folder import load
    from latentia.kinds.autoregressive.estimator import AutoregressiveModel
    from latentia.kinds.codes.estimator import VQVAE
    from latentia.kinds.mixture.estimators import (
        BernoulliMixture,
        CategoricalMixture,
        DirichletMultinomialMixture,
        GaussianMixture,
        GaussianMixtureClassifier,
        MultinomialMixture,
        PoissonMixture,
    )
    from latentia.kinds.vae.estimator import VAE
    from latentia.mixture import select


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
