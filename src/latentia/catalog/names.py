"""Which catalog a name belongs to."""

from __future__ import annotations

from latentia.catalog.densities import DENSITY_MODELS
from latentia.catalog.discrete import DISCRETE
from latentia.catalog.mixtures import ALIASES, MIXTURES
from latentia.catalog.vae import CATALOG
from latentia.errors import ConfigError
from latentia.registry import Registry


def mixture_name(name: str) -> str | None:
    """The name in `MIXTURES` that `name` means, or None if it names another kind of model.

    Raises:
        ConfigError: if it names no model at all.

    Example:
        >>> mixture_name("gmm"), mixture_name("sigma-vae")
        ('gaussian-mixture', None)
    """
    if name in CATALOG or name in DISCRETE or name in DENSITY_MODELS:
        return None
    name = ALIASES.get(name, name)
    if name not in MIXTURES:
        known: Registry[object] = Registry("model")
        for each in (*CATALOG, *DISCRETE, *DENSITY_MODELS, *MIXTURES, *ALIASES):
            known.add(each, None)
        raise ConfigError(known.unknown(name))
    return name
