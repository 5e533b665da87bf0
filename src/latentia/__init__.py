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
    "CommunityTypes": "latentia.kinds.types.estimator",
    "CountTable": "latentia.data.counts.table",
    "DirichletMultinomialMixture": "latentia.kinds.mixture.estimator",
    "GaussianMixture": "latentia.kinds.mixture.estimator",
    "GaussianMixtureClassifier": "latentia.kinds.classifier.estimator",
    "MixedMixture": "latentia.kinds.mixture.estimator",
    "MultinomialMixture": "latentia.kinds.mixture.estimator",
    "PoissonMixture": "latentia.kinds.mixture.estimator",
    "SceneVAE": "latentia.kinds.scene.estimator",
    "SequenceVAE": "latentia.kinds.sequence.estimator",
    "SeriesVAE": "latentia.kinds.series.estimator",
    "Transducer": "latentia.kinds.transducer.estimator",
    "VAE": "latentia.kinds.vae.estimator",
    "VQVAE": "latentia.kinds.codes.estimator",
    "VideoVAE": "latentia.kinds.video.estimator",
    "load": "latentia.kinds.loading",
    "register": "latentia.kinds.plugins",
    "report": "latentia.kinds.reporting",
    "select": "latentia.mixture",
    "types": "latentia.kinds.types.workflow",
}

__all__ = [
    "VAE",
    "VQVAE",
    "AutoregressiveModel",
    "BernoulliMixture",
    "CategoricalMixture",
    "CommunityTypes",
    "CountTable",
    "DirichletMultinomialMixture",
    "GaussianMixture",
    "GaussianMixtureClassifier",
    "MixedMixture",
    "MultinomialMixture",
    "PoissonMixture",
    "SceneVAE",
    "SequenceVAE",
    "SeriesVAE",
    "Transducer",
    "VideoVAE",
    "__version__",
    "load",
    "register",
    "report",
    "select",
    "types",
]

if TYPE_CHECKING:
    from latentia.data.counts.table import CountTable
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
    from latentia.kinds.series.estimator import SeriesVAE
    from latentia.kinds.transducer.estimator import Transducer
    from latentia.kinds.types.estimator import CommunityTypes
    from latentia.kinds.types.workflow import types
    from latentia.kinds.vae.estimator import VAE
    from latentia.kinds.video.estimator import VideoVAE
    from latentia.mixture import select


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
