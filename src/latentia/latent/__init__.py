"""What stands at q(z|x), p(z) and p(x|z): posteriors, priors, likelihoods, and the divergence between the first two."""

from __future__ import annotations

from latentia.latent.divergence import kl_divergence
from latentia.latent.ladder import HierarchicalGaussian, LadderEvidence, LadderPrior
from latentia.latent.likelihoods import LIKELIHOODS, Likelihood
from latentia.latent.posteriors import (
    POSTERIORS,
    DeterministicPosterior,
    DiagonalGaussianPosterior,
    Posterior,
)
from latentia.latent.priors import PRIORS, Prior, StandardNormalPrior

__all__ = [
    "LIKELIHOODS",
    "POSTERIORS",
    "PRIORS",
    "DeterministicPosterior",
    "DiagonalGaussianPosterior",
    "HierarchicalGaussian",
    "LadderEvidence",
    "LadderPrior",
    "Likelihood",
    "Posterior",
    "Prior",
    "StandardNormalPrior",
    "kl_divergence",
]
