"""What a model with an encoder and a decoder is put together from: chosen from the data where a person left it open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentia.estimators.choices import Choice
from latentia.estimators.compose import compose
from latentia.estimators.entry import Entry
from latentia.estimators.form import choose, defining_likelihood
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.scaled import Scaled
from latentia.latent import Likelihood
from latentia.nn import FEW_ROWS, Network, pick_network

LikelihoodLike = str | Callable[[torch.Size], Likelihood]


@dataclass(frozen=True)
class Composition:
    """All that, with the entry of the catalog, builds the untrained module.

    Attributes:
        model: name of the entry, or the entry.
        event_shape: shape of one item.
        latent_dim: length of a code.
        likelihood: a name of `LIKELIHOODS`, or what builds one from the event shape.
        network: a name of a network, or a `Network`.
        typical_size: median total of count rows; else 0.
    """

    model: Any
    event_shape: tuple[int, ...]
    latent_dim: int
    likelihood: LikelihoodLike
    network: str | Network
    typical_size: float = 0.0

    def build(self, entry: Entry, inputs: nn.Module | None) -> nn.Module:
        """The untrained module; `inputs` is what the encoder does to the data first."""
        return compose(
            entry,
            self.event_shape,
            self.latent_dim,
            likelihood=self.likelihood,
            network=self.network,
            inputs=inputs,
        )

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        return {
            "model": self.model,
            "latent_dim": self.latent_dim,
            "likelihood": self.likelihood,
            "network": self.network,
            "event_shape": list(self.event_shape),
            "typical_size": self.typical_size,
        }

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        return cls(
            described["model"],
            tuple(described["event_shape"]),
            described["latent_dim"],
            described["likelihood"],
            described["network"],
            described["typical_size"],
        )


@dataclass(frozen=True)
class Chosen:
    """What follows from the data: their form, likelihood and network, with the choices that were made.

    Attributes:
        form: fitted to the data.
        likelihood: a name, or what builds one.
        network: a name, or a network.
        typical_size: median total of count rows; else 0.
        choices: what was left open.
    """

    form: Scaled
    likelihood: LikelihoodLike
    network: str | Network
    typical_size: float
    choices: list[Choice] = field(default_factory=list)


def chosen(
    given: Given, entry: Entry, params: Any, streamed: bool = False, planned: str | None = None
) -> Chosen:
    """Form, likelihood and network for data.

    Args:
        given: training items.
        entry: of the catalog.
        params: has `model, likelihood, network, binarize` as a person gave them.
        streamed: whether more rows will follow these.
        planned: the network that a plan has taken; None: by the shape of an item and the number of rows.

    Raises:
        ConfigError: if the model or the likelihood is not for such data.
    """
    rows, event = given.rows, tuple(given.rows.shape[1:])
    choices: list[Choice] = []
    asked = params.likelihood
    name = asked if isinstance(asked, str) else "auto"
    if entry.likelihoods is not None and asked == "auto":
        name = defining_likelihood(rows, given.sparse, params.binarize, entry.likelihoods, params.model)
    form, found, why = choose(rows, name, given.sparse, params.binarize, entry.gaussian)
    form.axes = given.axes
    likelihood: LikelihoodLike = asked
    if isinstance(asked, str):
        likelihood, choices = found, [*why]
    network: str | Network = params.network
    if network == "auto" and planned is not None:
        network = planned
    elif network == "auto":
        n_rows = FEW_ROWS if streamed else len(rows)
        network, reason = pick_network(event, n_rows, entry.image_network, entry.vector_network)
        choices.append(Choice("network", network, reason))
    typical = typical_size(rows) if form.kind == "counts" else 0.0
    return Chosen(form, likelihood, network, typical, choices)


def typical_size(rows: NDArray[Any]) -> float:
    """The median total of count rows."""
    return float(np.median(rows.sum(1, dtype=np.float64)))
