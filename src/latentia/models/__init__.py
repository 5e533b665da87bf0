"""Models: compositions of encoder, posterior, prior, decoder and likelihood that give a `Trace`."""

from latentia.models.importance import importance_log_prob
from latentia.models.vae import VAE

__all__ = ["VAE", "importance_log_prob"]
