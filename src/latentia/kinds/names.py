"""Which catalog a name belongs to."""

from __future__ import annotations

from latentia.errors import ConfigError
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
from latentia.kinds.codes.catalog import DISCRETE
from latentia.kinds.mixture.catalog import ALIASES, MIXTURES
from latentia.kinds.vae.catalog import CATALOG
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
