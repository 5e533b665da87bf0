"""What stands at q(z|x), p(z) and p(x|z): posteriors, priors, likelihoods, and the divergence between the first two."""

from __future__ import annotations

from latentia.latent.divergence import kl_divergence
from latentia.latent.flow_posteriors import (
    CouplingPosterior,
    FlowPosterior,
    InverseAutoregressivePosterior,
    PlanarPosterior,
)
from latentia.latent.ladder import HierarchicalGaussian, LadderEvidence, LadderPrior
from latentia.latent.learned_priors import FlowPrior, MixturePrior, VampPrior
from latentia.latent.likelihoods import LIKELIHOODS, Likelihood
from latentia.latent.posteriors import (
    POSTERIORS,
    ConstantVariancePosterior,
    DeterministicPosterior,
    DiagonalGaussianPosterior,
    FullCovariancePosterior,
    Posterior,
)
from latentia.latent.priors import PRIORS, Prior, StandardNormalPrior

__all__ = [
    "LIKELIHOODS",
    "POSTERIORS",
    "PRIORS",
    "ConstantVariancePosterior",
    "CouplingPosterior",
    "DeterministicPosterior",
    "DiagonalGaussianPosterior",
    "FlowPosterior",
    "FlowPrior",
    "FullCovariancePosterior",
    "HierarchicalGaussian",
    "InverseAutoregressivePosterior",
    "LadderEvidence",
    "LadderPrior",
    "Likelihood",
    "MixturePrior",
    "PlanarPosterior",
    "Posterior",
    "Prior",
    "StandardNormalPrior",
    "VampPrior",
    "kl_divergence",
]
