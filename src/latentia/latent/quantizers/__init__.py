"""Quantizers by name: from vectors to discrete codes and back."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from latentia.latent.quantizers.base import Codes, CodeUsage, Quantizer, code_counts, perplexity
from latentia.latent.quantizers.external import ExternalQuantizer
from latentia.latent.quantizers.finite import FiniteScalarQuantizer, levels_for
from latentia.latent.quantizers.stochastic import DistanceQuantizer, GumbelQuantizer, StochasticQuantizer
from latentia.latent.quantizers.vector import VectorQuantizer
from latentia.registry import Registry


class QuantizerFactory(Protocol):
    """Builds a quantizer for vectors of dimension `dim` with (about) `n_codes` codes."""

    def __call__(self, dim: int, n_codes: int) -> Quantizer: ...  # noqa: D102


def _finite(dim: int, n_codes: int) -> FiniteScalarQuantizer:
    return FiniteScalarQuantizer(dim, levels_for(n_codes))


QUANTIZERS: Registry[QuantizerFactory] = Registry("quantizer")
QUANTIZERS.add("vq", VectorQuantizer)
QUANTIZERS.add("vq-ema", partial(VectorQuantizer, ema=True))
QUANTIZERS.add("vq-rotation", partial(VectorQuantizer, ema=True, estimator="rotation"))
QUANTIZERS.add("vq-cosine", partial(VectorQuantizer, ema=True, cosine=True))
QUANTIZERS.add("vq-soft", partial(VectorQuantizer, estimator="soft-to-hard"))
QUANTIZERS.add("vq-subgradient", partial(VectorQuantizer, estimator="subgradient"))
QUANTIZERS.add("vq-stochastic", DistanceQuantizer)
QUANTIZERS.add("gumbel", GumbelQuantizer)
QUANTIZERS.add("fsq", _finite)

__all__ = [
    "QUANTIZERS",
    "CodeUsage",
    "Codes",
    "DistanceQuantizer",
    "ExternalQuantizer",
    "FiniteScalarQuantizer",
    "GumbelQuantizer",
    "Quantizer",
    "QuantizerFactory",
    "StochasticQuantizer",
    "VectorQuantizer",
    "code_counts",
    "levels_for",
    "perplexity",
]
