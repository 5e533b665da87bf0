"""The figures and faults of a model with discrete codes."""

from __future__ import annotations

from latentia.vocabulary import FAULTS, FaultWord, Words, figures

DEAD_CODES = "dead codes"

WORDS = Words(
    figures(
        "elbo", "log_likelihood", "distortion", "active_units", "kl", "bits_per_dim", "uniform_bits_per_dim", "perplexity",
        "used_codes", "sse", "sse_of_mean", "sigma2",
    ),
    (*FAULTS.values(), FaultWord(DEAD_CODES, "caution", "Most codes of the codebook never occur.")),
)  # fmt: skip
