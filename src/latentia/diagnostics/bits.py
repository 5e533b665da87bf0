"""Bits per dimension, each with the alphabet that it is of: those of unlike alphabets mean unlike things.

A pixel of 17 grey levels costs at most log2 17 = 4.1 bits and one of 256 at most 8, whatever the model. A density has no
alphabet of its own; on [0, 1] it is turned into 256 levels (Theis et al. 2016, section 3.1), here without dequantized pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.distributions import Bernoulli, Distribution, Independent
from torch.distributions.constraints import Constraint

from latentia.distributions import IndependentBernoulli, Mixture

DENSITY = "256 levels, by density"
DENSITY_NOTE = (
    "density on [0, 1] turned into 256 levels, (-log p / D + ln 256) / ln 2; the pixels are not dequantized, "
    "so it is not comparable with the bits of a discretized likelihood"
)
LEVELS_NOTE = "probability of the levels, -log p / D / ln 2, without correction"
COUNTS = "whole numbers"
BEYOND = "pixels are no numbers in [0, 1], so their density has no levels that it could be turned into"


@dataclass(frozen=True)
class Bits:
    """Bits per dimension.

    Attributes:
        value: None where there are none.
        note: how they were computed, and what they compare with; or why there are none.
        alphabet: the values that a number can take; empty where there are no bits.
    """

    value: float | None
    note: str
    alphabet: str = ""


def bits_of_density(log_prob: float, size: int) -> Bits:
    """Of a density on [0, 1], from log p in nats of an item of `size` numbers."""
    return Bits((math.log(256) - log_prob / size) / math.log(2), DENSITY_NOTE, DENSITY)


def bits_of_levels(log_prob: float, size: int, alphabet: str) -> Bits:
    """Of a probability of levels, from log p in nats of an item of `size` numbers.

    Example:
        >>> bits_of_levels(-4 * math.log(2), 4, levels(2))
        Bits(value=1.0, note='probability of the levels, -log p / D / ln 2, without correction; 2 levels: comparable with bits of the same 2 levels only', alphabet='2 levels')
    """
    note = f"{LEVELS_NOTE}; {alphabet}: comparable with bits of the same {alphabet} only"
    return Bits(-log_prob / size / math.log(2), note, alphabet)


def levels(n: int) -> str:
    """The name of an alphabet of so many values."""
    return f"{n} level{'s' * (n != 1)}"


def alphabet_of(p: Distribution) -> str | None:
    """The values to which p gives probabilities; None of a density."""
    try:
        support: Constraint | None = p.support
    except NotImplementedError:  # of words and names
        return COUNTS
    if support is None or not support.is_discrete:
        return None
    while isinstance(p, (Independent, Mixture)):
        p = p.base_dist if isinstance(p, Independent) else p.components
    if isinstance(p, (Bernoulli, IndependentBernoulli)):
        return levels(2)
    n = getattr(p, "levels", None) or getattr(getattr(p, "density", None), "n_levels", None)
    return levels(n) if isinstance(n, int) else COUNTS


def alphabet_in(figures: Mapping[str, Any]) -> str:
    """The alphabet of the bits among figures, of earlier versions too; empty where there are no bits."""
    if figures.get("bits_per_dim") is None:
        return ""
    known = figures.get("bits_per_dim_alphabet")
    if known:
        return str(known)
    return "levels" if LEVELS_NOTE in str(figures.get("bits_per_dim_note")) else DENSITY
