"""What a VAE is composed of, for items."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.defaults import default_latent_dim
from latentia.estimators.forms.arrays import Given
from latentia.estimators.parameters import whole


def composed(estimator: Any, given: Given, parts: Chosen) -> Composition:
    """The composition for items; the length of a code is chosen by their size where it is left open, and goes to `parts.choices`."""
    event, item = parts.vector_shape, tuple(given.rows.shape[1:])
    size = int(np.prod(item))
    if estimator.latent_dim is None:
        latent_dim = default_latent_dim(item)
        parts.choices.append(Choice("latent_dim", str(latent_dim), f"{size} numbers in a datum"))
    else:
        latent_dim = whole("latent_dim", estimator.latent_dim, 1)
    if latent_dim > size:
        raise ConfigError(
            f"latent_dim={latent_dim} is larger than a datum, which holds {size} numbers: give 1 to {size}"
        )
    return Composition(
        estimator.model,
        event,
        latent_dim,
        parts.likelihood,
        parts.network,
        parts.typical_size,
        terms=parts.terms,
    )
