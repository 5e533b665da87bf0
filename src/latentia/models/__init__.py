"""Models: compositions of encoder, posterior, prior, decoder and likelihood that give a `Trace`."""

from latentia.models.density import DensityModel
from latentia.models.discrete import build_vqvae
from latentia.models.importance import (
    ImportanceEstimate,
    codes_within_budget,
    importance_estimate,
    importance_log_prob,
)
from latentia.models.ladder import LadderVAE
from latentia.models.sequence import SequenceDistribution, SequenceVAE
from latentia.models.vae import VAE, evaluating
from latentia.models.vqvae import VQVAE, PriorOnly

__all__ = [
    "VAE",
    "VQVAE",
    "DensityModel",
    "ImportanceEstimate",
    "LadderVAE",
    "PriorOnly",
    "SequenceDistribution",
    "SequenceVAE",
    "build_vqvae",
    "codes_within_budget",
    "evaluating",
    "importance_estimate",
    "importance_log_prob",
]
