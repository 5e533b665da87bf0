"""The figures and faults of an autoregressive model."""

from __future__ import annotations

from dataclasses import replace

from latentia.vocabulary import OVERFITTED, UNDERTRAINED, UNLIKE, Words, faults, figures

_EXACT = ("log_likelihood", "train_log_likelihood")

WORDS = Words(
    tuple(
        replace(word, note="exact, mean per item") if word.name in _EXACT else word
        for word in figures("log_likelihood", "bits_per_dim", "train_log_likelihood", "n_levels")
    ),
    faults(UNDERTRAINED, OVERFITTED, UNLIKE),
)
