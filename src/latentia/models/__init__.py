"""Models: compositions of encoder, posterior, prior, decoder and likelihood that give a `Trace`."""

from latentia.models.density import DensityModel
from latentia.models.importance import ImportanceEstimate, importance_estimate, importance_log_prob
from latentia.models.ladder import LadderVAE
from latentia.models.sequence import SequenceDistribution, SequenceVAE
from latentia.models.vae import VAE, evaluating

__all__ = [
    "VAE",
    "DensityModel",
    "ImportanceEstimate",
    "LadderVAE",
    "SequenceDistribution",
    "SequenceVAE",
    "evaluating",
    "importance_estimate",
    "importance_log_prob",
]
