"""Fits of texts and series whose state is known because it was brought about; part of the table of `truth.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia import SequenceVAE, SeriesVAE
from latentia.data.items import Strings
from latentia.kinds.series.form import as_series
from truth_fitted import HELD_OUT, Fitted

TOPICS, WORDS, FILLERS, SLOTS = 8, 3, 5, 4


def talk(seed: int, n: int = 2000) -> list[str]:
    """Texts of eight topics: four words of its own each, two that mean nothing between them.

    Three neighbouring words do not tell the topic, one word of it does, and given the topic all words are independent.
    """
    random = np.random.default_rng([seed, 16])
    texts = []
    for topic in random.integers(TOPICS, size=n):
        words = []
        for slot in range(SLOTS):
            words.append(f"t{topic}{'abcd'[slot]}{random.integers(WORDS)}")
            words += [f"f{filler}" for filler in random.integers(FILLERS, size=2)]
        texts.append(" ".join(words[:-2]))
    return texts


def sines(seed: int, n: int = 600) -> list[np.ndarray]:
    """Sines of three frequencies and any phase, 20 to 30 steps, with noise."""
    random = np.random.default_rng([seed, 17])
    found = []
    for cycles in random.choice([1, 2, 4], n):
        steps = np.arange(random.integers(20, 31))
        wave = np.sin(2 * np.pi * (cycles * steps / 30 + random.random()))
        found.append(wave + 0.1 * random.normal(size=len(steps)))
    return found


def regressions(seed: int, n: int = 600, slope: float = 0.5) -> list[np.ndarray]:
    """Series of first-order regressions, 20 to 30 steps, of which a code has nothing to tell."""
    random = np.random.default_rng([seed, 18])
    found = []
    for _ in range(n):
        x = random.normal(size=random.integers(20, 31))
        x[0] /= np.sqrt(1 - slope**2)
        for t in range(1, len(x)):
            x[t] += slope * x[t - 1]
        found.append(x)
    return found


def texts(seed: int, model: Any, **settings: Any) -> Fitted:
    items = Strings.of_texts(talk(seed))
    n = round(len(items) * (1 - HELD_OUT))
    size = {
        "network": {"width": 48, "dropout": 0.0},
        "learning_rate": 5e-3,
        "random_state": seed,
        "device": "cpu",
    }
    if model != "sequence-lm":
        size["latent_dim"] = 4
    train = items[:n]
    return Fitted(SequenceVAE(model, **{**size, **settings}).fit(train), items[n:], train)


def series(x: list[np.ndarray], seed: int, model: str, **settings: Any) -> Fitted:
    n = round(len(x) * (1 - HELD_OUT))
    train = as_series(x[:n])
    fitted = SeriesVAE(model, random_state=seed, device="cpu", **settings).fit(train)
    return Fitted(fitted, as_series(x[n:]), train)


STATES = {
    ("sequence", "plain bound, strong decoder"): (lambda s: texts(s, "sequence-vae", max_epochs=20, learning_rate=2e-3), "cheating decoder"),
    ("sequence", "encoder trained first"): (lambda s: texts(s, "sequence-pretrained", max_epochs=16), "healthy"),
    ("sequence", "language model"): (lambda s: texts(s, "sequence-lm", max_epochs=12), "healthy"),
    ("sequence", "decoder that sees no word"): (lambda s: texts(s, "sequence-steps", max_epochs=50, latent_dim=1), "healthy"),
    ("series", "sines, code and time"): (
        lambda s: series(sines(s), s, "series-vae", latent_dim=4, width=24, max_epochs=60, learning_rate=1e-2), "healthy"),
    ("series", "regressions, told the numbers before"): (
        lambda s: series(regressions(s, 1500), s, "series-autoregressive", latent_dim=2, width=16, max_epochs=20), "cheating decoder"),
}  # fmt: skip
