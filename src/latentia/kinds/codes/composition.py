"""What a model with discrete codes is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn

from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.contracts import likelihood_of
from latentia.estimators.entry import Entry
from latentia.estimators.forms.arrays import Given
from latentia.estimators.parameters import whole
from latentia.kinds.codes.catalog import DiscreteEntry
from latentia.kinds.codes.defaults import default_code_dim, default_groups, default_n_codes
from latentia.models import build_vqvae


@dataclass(frozen=True)
class CodesComposition(Composition):
    """`Composition`, with what codes need beside it.

    Attributes:
        n_codes: K.
        n_groups: codes of a row.
        prior: over codes.
        classes: of a prior by class; None where there is one prior for all.
    """

    n_codes: int = 0
    n_groups: int = 0
    prior: str = "uniform"
    classes: tuple[Any, ...] | None = None

    def build(self, entry: Entry, inputs: nn.Module | None) -> nn.Module:
        """The untrained module."""
        assert isinstance(entry, DiscreteEntry)
        if not isinstance(self.network, str):
            raise ConfigError("network must be 'conv', 'mlp' or 'auto' for models with discrete codes")
        return build_vqvae(
            self.event_shape,
            likelihood_of(self.likelihood_factory, torch.Size(self.event_shape)),
            quantizer=entry.quantizer,
            n_codes=self.n_codes,
            dim=self.latent_dim,
            levels=entry.levels,
            n_groups=self.n_groups,
            network=self.network,
            prior=self.prior,
            n_classes=0 if self.classes is None else len(self.classes),
            inputs=inputs,
        )

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values; the prior is a parameter of the estimator."""
        return {
            **super().describe(),
            "n_codes": self.n_codes,
            "n_groups": self.n_groups,
            "classes": None if self.classes is None else list(self.classes),
        }

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`, with the entry "prior"."""
        classes = described["classes"]
        return cls(
            **vars(Composition.of(described)),
            n_codes=described["n_codes"],
            n_groups=described["n_groups"],
            prior=described["prior"],
            classes=None if classes is None else tuple(classes),
        )


def codes_composed(
    params: Any, given: Given, parts: Chosen, prior: str, classes: tuple[Any, ...] | None
) -> CodesComposition:
    """Choose the sizes that a person left open; choices go to `parts.choices`.

    Args:
        params: has `model, latent_dim, n_codes, n_groups`.
        given: training items.
        parts: what follows from the data.
        prior: over codes.
        classes: of a prior by class.
    """
    event, n = parts.vector_shape, len(given.rows)
    n_groups = default_groups(event) if params.n_groups is None else whole("n_groups", params.n_groups, 1)
    if params.latent_dim is None:
        dim = default_code_dim(tuple(given.rows.shape[1:]))
        parts.choices.append(Choice("latent_dim", str(dim), "length of a code's vector"))
    else:
        dim = whole("latent_dim", params.latent_dim, 1)
    if params.n_codes is None:
        n_codes = default_n_codes(event, n)
        parts.choices.append(Choice("n_codes", str(n_codes), f"{n} rows of shape {event}"))
    else:
        n_codes = whole("n_codes", params.n_codes, 2)
    return CodesComposition(
        params.model, event, dim, parts.likelihood, parts.network, parts.typical_size,
        n_codes, n_groups, prior, classes, terms=parts.terms,
    )  # fmt: skip
