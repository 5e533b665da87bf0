"""Sentences of three topics from a small grammar, which a model learns in seconds and a test can check."""

from __future__ import annotations

import re

import numpy as np

_TOPICS = (
    ("cat dog bird", "eats chases hears", "fish mice crumbs"),
    ("pilot driver captain", "steers parks mends", "planes lorries ships"),
    ("baker cook guest", "bakes tastes praises", "bread soup pies"),
)
_ENDS = ("today", "again", "at night", "")


def sentences(n: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """`n` sentences and their topics `[n]`."""
    random = np.random.default_rng(seed)
    topics = random.integers(3, size=n)
    found = []
    for topic in topics:
        who, does, what = (random.choice(words.split()) for words in _TOPICS[topic])
        found.append(" ".join(filter(None, ["the", who, does, "the", what, random.choice(_ENDS)])))
    return found, topics


def is_grammatical(sentence: str) -> bool:
    """Whether a sentence is one of the grammar.

    >>> is_grammatical("the cat eats the fish today"), is_grammatical("the cat bakes the fish")
    (True, False)
    """
    for words in _TOPICS:
        who, does, what = (part.replace(" ", "|") for part in words)
        if re.fullmatch(rf"the ({who}) ({does}) the ({what})( today| again| at night)?", sentence):
            return True
    return False
