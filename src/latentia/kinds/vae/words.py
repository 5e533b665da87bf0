"""The figures and faults of a VAE."""

from __future__ import annotations

from latentia.vocabulary import FAULTS, Words, figures

WORDS = Words(
    figures(
        "elbo", "log_likelihood", "distortion", "active_units", "kl", "bits_per_dim", "sse", "sse_of_mean", "sigma2"
    ),
    tuple(FAULTS.values()),
)  # fmt: skip
