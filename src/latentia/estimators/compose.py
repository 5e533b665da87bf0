"""From an entry of the catalog to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from latentia.estimators.contracts import MODEL, likelihood_of, made, networks_of
from latentia.estimators.entry import Entry, Parts
from latentia.latent import LIKELIHOODS, POSTERIORS, PRIORS, Likelihood
from latentia.models import VAE
from latentia.nn import NETWORKS, Network


def compose(
    entry: Entry,
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    likelihood: str | Callable[[torch.Size], Likelihood],
    network: str | Network,
    inputs: nn.Module | None = None,
) -> VAE:
    """The model of `entry` for data of `event_shape`.

    Args:
        entry: from `CATALOG`.
        event_shape: `[d]` or `[C, H, W]`.
        latent_dim: length of a code.
        likelihood: a name of `LIKELIHOODS`, or what builds one from the event shape.
        network: a name of `NETWORKS`, or a `Network`.
        inputs: what the encoder does to the data before its first layer.

    Raises:
        ConfigError: if a name is unknown, or a part does not keep its contract (`latentia.estimators.contracts`).

    Example:
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> model.sample(3).shape
        torch.Size([3, 4])
    """
    likelihood = LIKELIHOODS[likelihood] if isinstance(likelihood, str) else likelihood
    network = NETWORKS[network] if isinstance(network, str) else network
    p_x = likelihood_of(likelihood, torch.Size(event_shape))
    decoded_dim = entry.model.decoded_dim(latent_dim)
    encoder, decoder = networks_of(network, event_shape, decoded_dim, p_x.n_outputs, inputs)
    parts = Parts(
        encoder,
        POSTERIORS[entry.posterior](int(encoder.n_features), latent_dim),  # type: ignore[arg-type]
        PRIORS[entry.prior](latent_dim),
        decoder,
        p_x,
    )
    if entry.compose is not None:
        composed: VAE = made(MODEL, f"compose of {entry.summary!r}", entry.compose, parts)
        return composed
    model: VAE = made(MODEL, entry.model.__name__, entry.model, *vars(parts).values())
    return model
