"""latentia: latent-variable models that are fitted to your own data, judged honestly, and put to use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from latentia.version import __version__

# Public name -> module that defines it. Nothing heavy is imported before a name is used.
_PUBLIC = {
    "AutoregressiveModel": "latentia.kinds.autoregressive.estimator",
    "BernoulliMixture": "latentia.kinds.mixture.estimator",
    "CategoricalMixture": "latentia.kinds.mixture.estimator",
    "DirichletMultinomialMixture": "latentia.kinds.mixture.estimator",
    "GaussianMixture": "latentia.kinds.mixture.estimator",
    "GaussianMixtureClassifier": "latentia.kinds.classifier.estimator",
    "MixedMixture": "latentia.kinds.mixture.estimator",
    "MultinomialMixture": "latentia.kinds.mixture.estimator",
    "PoissonMixture": "latentia.kinds.mixture.estimator",
    "SceneVAE": "latentia.kinds.scene.estimator",
    "SequenceVAE": "latentia.kinds.sequence.estimator",
    "VAE": "latentia.kinds.vae.estimator",
    "VQVAE": "latentia.kinds.codes.estimator",
    "load": "latentia.kinds.loading",
    "register": "latentia.kinds.plugins",
    "report": "latentia.kinds.reporting",
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
    "MixedMixture",
    "MultinomialMixture",
    "PoissonMixture",
    "SceneVAE",
    "SequenceVAE",
    "__version__",
    "load",
    "register",
    "report",
    "select",
]

if TYPE_CHECKING:
    from latentia.kinds.autoregressive.estimator import AutoregressiveModel
    from latentia.kinds.classifier.estimator import GaussianMixtureClassifier
    from latentia.kinds.codes.estimator import VQVAE
    from latentia.kinds.loading import load
    from latentia.kinds.mixture.estimator import (
        BernoulliMixture,
        CategoricalMixture,
        DirichletMultinomialMixture,
        GaussianMixture,
        MixedMixture,
        MultinomialMixture,
        PoissonMixture,
    )
    from latentia.kinds.plugins import register
    from latentia.kinds.reporting import report
    from latentia.kinds.scene.estimator import SceneVAE
    from latentia.kinds.sequence.estimator import SequenceVAE
    from latentia.kinds.vae.estimator import VAE
    from latentia.mixture import select


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
