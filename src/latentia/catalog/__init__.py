"""The catalog: a named model is one line that says what it is composed of.

An entry names its objective, posterior, prior, schedule and kind of Gaussian; the network is picked by the shape of the
data, unless the entry names one, and the family of the likelihood by their kind. `compose` puts the parts together. To add a model, add a
line to the file of its family; the contract tests run over all of them.
"""

from __future__ import annotations

from latentia.catalog.compose import compose
from latentia.catalog.densities import DENSITY_MODELS, DensityEntry
from latentia.catalog.discrete import DISCRETE, DiscreteEntry
from latentia.catalog.entry import Entry
from latentia.catalog.mixtures import ALIASES, MIXTURES, MixtureEntry
from latentia.catalog.names import mixture_name
from latentia.catalog.vae import CATALOG

__all__ = [
    "ALIASES",
    "CATALOG",
    "DENSITY_MODELS",
    "DISCRETE",
    "MIXTURES",
    "DensityEntry",
    "DiscreteEntry",
    "Entry",
    "MixtureEntry",
    "compose",
    "mixture_name",
]
