"""Models: compositions of encoder, posterior, prior, decoder and likelihood that give a `Trace`."""

from latentia.models.density import DensityModel
from latentia.models.importance import ImportanceEstimate, importance_estimate, importance_log_prob
from latentia.models.vae import VAE, evaluating

__all__ = [
    "VAE",
    "DensityModel",
    "ImportanceEstimate",
    "evaluating",
    "importance_estimate",
    "importance_log_prob",
]
