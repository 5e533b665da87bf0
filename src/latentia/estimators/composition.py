"""What a model with an encoder and a decoder is put together from: chosen from the data where a person left it open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentia.data.items import Mixed
from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.compose import compose
from latentia.estimators.entry import Entry
from latentia.estimators.form import choose, defining_likelihood
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.mixed import MixedForm
from latentia.estimators.forms.unlike import Unlike
from latentia.latent import LIKELIHOODS, Likelihood
from latentia.latent.likelihoods.terms import as_plain
from latentia.nn import FEW_ROWS, Network, pick_network

MIXED = {"gaussian": "mixed", "gaussian-learned": "mixed-learned", "gaussian-data": "mixed-data"}
"""The likelihood of real numbers that a model has -> that of columns of unlike kinds."""
MOST_COLUMNS = 100  # that are listed among the choices
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
        terms: of rows of columns of unlike kinds, which part of their vector each column is (`latentia.latent.likelihoods.terms`).
    """

    model: Any
    event_shape: tuple[int, ...]
    latent_dim: int
    likelihood: LikelihoodLike
    network: str | Network
    typical_size: float = 0.0
    terms: tuple[dict[str, Any], ...] | None = field(default=None, kw_only=True)

    @property
    def likelihood_factory(self) -> Callable[[torch.Size], Likelihood]:
        """What builds the likelihood from the event shape."""
        factory: Any = LIKELIHOODS[self.likelihood] if isinstance(self.likelihood, str) else self.likelihood
        return factory if self.terms is None else partial(factory, terms=self.terms)

    def build(self, entry: Entry, inputs: nn.Module | None) -> nn.Module:
        """The untrained module; `inputs` is what the encoder does to the data first."""
        return compose(
            entry,
            self.event_shape,
            self.latent_dim,
            likelihood=self.likelihood_factory,
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
            **({} if self.terms is None else {"terms": list(self.terms)}),
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
            terms=tuple(described["terms"]) if described.get("terms") else None,
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
        terms: see `Composition`.
    """

    form: Any
    likelihood: LikelihoodLike
    network: str | Network
    typical_size: float
    choices: list[Choice] = field(default_factory=list)
    terms: tuple[dict[str, Any], ...] | None = None

    @property
    def vector_shape(self) -> tuple[int, ...]:
        """Shape of what the module sees of an item."""
        return tuple(getattr(self.form, "vector_shape", self.form.event_shape))


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
    if given.unlike is not None:
        numbers = _numbers_after_all(given, params.likelihood)
        if numbers is None:
            return _chosen_columns(given, given.unlike, entry, params, streamed)
        given = numbers
    rows, event = given.rows, tuple(given.rows.shape[1:])
    choices: list[Choice] = []
    asked = params.likelihood
    name = asked if isinstance(asked, str) else "auto"
    if entry.likelihoods is not None and asked == "auto":
        name = defining_likelihood(rows, given.sparse, params.binarize, entry.likelihoods, params.model)
    form, found, why = choose(rows, name, given.sparse, params.binarize, entry.gaussian, given.weight)
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
    typical = typical_size(rows, given.weight) if form.kind == "counts" else 0.0
    return Chosen(form, likelihood, network, typical, choices)


def _numbers_after_all(given: Given, likelihood: Any) -> Given | None:
    """Rows of whole numbers of at least 0 as one table of counts, where a person names a likelihood of such."""
    assert given.unlike is not None
    table = Mixed(given.rows, given.unlike.columns)
    if not isinstance(likelihood, str) or likelihood in ("auto", *MIXED.values()) or not table.is_numeric:
        return None
    return (
        Given(table.as_numbers(), weight=given.weight)
        if len(given.unlike.columns) == len(given.unlike.given)
        else None
    )


def _chosen_columns(given: Given, table: Unlike, entry: Entry, params: Any, streamed: bool) -> Chosen:
    """Form, likelihood and network for columns of unlike kinds."""
    if entry.likelihoods is not None or params.binarize:
        asked = "binarize=True" if params.binarize else f"model {params.model!r}"
        raise ConfigError(f"{asked} is for images; these data are a table: take another model")
    name = params.likelihood
    if name == "auto":
        name = MIXED.get(entry.gaussian, "mixed")
    if isinstance(name, str) and name not in MIXED.values():
        raise ConfigError(
            f"likelihood={name!r} is for rows of one kind; this table has columns of unlike kinds or gaps: give 'auto' or one of "
            f"{', '.join(MIXED.values())}"
        )
    form = MixedForm(table.columns, table.frames, table.places, len(table.given)).fit(given.rows)
    choices = [
        Choice(f"column {column.name}", column.kind, column.why) for column in table.columns[:MOST_COLUMNS]
    ]
    kinds = Counter(column.kind for column in table.columns)
    told = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    if params.likelihood == "auto":
        choices.append(
            Choice(
                "likelihood",
                name,
                f"columns of unlike kinds: {told}; each by its own family, over its observed cells",
            )
        )
    network: str | Network = params.network
    if network == "auto":
        n_rows = FEW_ROWS if streamed else len(given.rows)
        network, reason = pick_network(form.vector_shape, n_rows, None, entry.vector_network)
        choices.append(Choice("network", network, reason))
    return Chosen(form, name, network, 0.0, choices, tuple(as_plain(form.terms)))


def typical_size(rows: NDArray[Any], weight: NDArray[np.float64] | None = None) -> float:
    """The median total of count rows: half of their weight lies on either side.

    >>> typical_size(np.array([[1], [2], [9]])), typical_size(np.array([[1], [2], [9]]), np.array([1.0, 1.0, 5.0]))
    (2.0, 9.0)
    """
    totals = rows.sum(1, dtype=np.float64)
    if weight is None:
        return float(np.median(totals))
    order = np.argsort(totals)
    ends = weight[order].cumsum()
    low, high = (np.searchsorted(ends, ends[-1] / 2, side) for side in ("left", "right"))
    return float(totals[order[[low, high]]].mean())
