"""Likelihoods p(x|z) by name: from decoder outputs to distributions over data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from latentia.latent.likelihoods.autoregressive import PixelCNNLikelihood
from latentia.latent.likelihoods.base import Likelihood
from latentia.latent.likelihoods.compositions import DirichletMultinomialLikelihood
from latentia.latent.likelihoods.counts import (
    MultinomialLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    ZeroInflatedNegativeBinomialLikelihood,
)
from latentia.latent.likelihoods.gaussian import GaussianLikelihood
from latentia.latent.likelihoods.mixed import MixedLikelihood
from latentia.latent.likelihoods.pixels import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    ContinuousBernoulliLikelihood,
    DiscretizedLogisticLikelihood,
    LaplaceLikelihood,
    LogisticMixtureLikelihood,
)
from latentia.registry import Registry

LIKELIHOODS: Registry[Callable[[torch.Size], Likelihood]] = Registry(
    "likelihood", group="latentia.likelihoods"
)
LIKELIHOODS.add("gaussian", GaussianLikelihood)
LIKELIHOODS.add("gaussian-channel", partial(GaussianLikelihood, shared="channel"))
LIKELIHOODS.add("gaussian-pixel", partial(GaussianLikelihood, shared="pixel"))
LIKELIHOODS.add("gaussian-learned", partial(GaussianLikelihood, variance="learned"))
LIKELIHOODS.add("gaussian-fixed", partial(GaussianLikelihood, variance="fixed"))
LIKELIHOODS.add("gaussian-data", partial(GaussianLikelihood, variance="data"))
LIKELIHOODS.add("bernoulli", BernoulliLikelihood)
LIKELIHOODS.add("continuous-bernoulli", ContinuousBernoulliLikelihood)
LIKELIHOODS.add("laplace", LaplaceLikelihood)
LIKELIHOODS.add("discretized-logistic", DiscretizedLogisticLikelihood)
LIKELIHOODS.add("logistic-mixture", LogisticMixtureLikelihood)
LIKELIHOODS.add("categorical", CategoricalLikelihood)
LIKELIHOODS.add("pixelcnn", PixelCNNLikelihood)
LIKELIHOODS.add("pixelcnn-binary", partial(PixelCNNLikelihood, n_levels=2))
LIKELIHOODS.add("pixelcnn++", partial(PixelCNNLikelihood, kind="pixelcnn++"))
LIKELIHOODS.add("poisson", PoissonLikelihood)
LIKELIHOODS.add("multinomial", MultinomialLikelihood)
LIKELIHOODS.add("dirichlet-multinomial", DirichletMultinomialLikelihood)
LIKELIHOODS.add("negative-binomial", NegativeBinomialLikelihood)
LIKELIHOODS.add("zinb", ZeroInflatedNegativeBinomialLikelihood)
LIKELIHOODS.add("mixed", MixedLikelihood)
LIKELIHOODS.add("mixed-learned", partial(MixedLikelihood, variance="learned"))
LIKELIHOODS.add("mixed-data", partial(MixedLikelihood, variance="data"))

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ContinuousBernoulliLikelihood",
    "DirichletMultinomialLikelihood",
    "DiscretizedLogisticLikelihood",
    "GaussianLikelihood",
    "LaplaceLikelihood",
    "Likelihood",
    "LogisticMixtureLikelihood",
    "MixedLikelihood",
    "MultinomialLikelihood",
    "NegativeBinomialLikelihood",
    "PixelCNNLikelihood",
    "PoissonLikelihood",
    "ZeroInflatedNegativeBinomialLikelihood",
]
