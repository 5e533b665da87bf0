"""What a model of sequences is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.composition import Chosen
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.tokens import END, UNKNOWN
from latentia.estimators.parameters import whole
from latentia.kinds.sequence.catalog import SequenceEntry
from latentia.kinds.sequence.defaults import SequenceNetwork, default_floor, default_latent_dim
from latentia.latent import PRIORS
from latentia.models import SequenceVAE
from latentia.models.language_model import NoCode, NoFeatures
from latentia.nn import (
    LSTMDecoder,
    LSTMEncoder,
    SkipDecoder,
    StepsDecoder,
    TokenDecoder,
    TransformerDecoder,
    TransformerEncoder,
)
from latentia.nn.gaps import TimedEmbedding

_RECURRENT = {"lstm": LSTMDecoder, "skip": SkipDecoder, "steps": StepsDecoder}


@dataclass(frozen=True)
class SequenceComposition:
    """All that, with the entry of the catalog, builds the untrained module.

    Attributes:
        model: name of the entry, or the entry.
        latent_dim: length of a code; 0: none.
        n_tokens: V.
        longest: tokens of a draw, at most; of items without an end, exactly.
        positions: those that a transformer knows: tokens of the longest training item.
        end: token behind the last, or None.
        unknown: token that stands for one that is not told.
        network: its size.
        floor: nats of a code below which its rate earns nothing, unless a person says otherwise; 0: the objective has no floor.
        gaps: mean and deviation of the logarithms of gaps between events; None: they are not modelled.
    """

    model: Any
    latent_dim: int
    n_tokens: int
    longest: int
    positions: int
    end: int | None
    unknown: int
    network: SequenceNetwork
    floor: float = 0.0
    gaps: tuple[float, float] | None = None

    event_shape = ()
    likelihood = "tokens"
    typical_size = 0.0

    def build(self, entry: SequenceEntry) -> SequenceVAE:
        """The untrained module."""
        size, dims = self.network, self.latent_dim
        encoder: Any = NoFeatures() if entry.posterior is None else self._encoder(entry)
        posterior = NoCode() if entry.posterior is None else entry.posterior(encoder.n_features, dims)
        decoder = self._decoder(
            entry, keep=size.keep, dropout=size.dropout, tied=size.tied, unknown=self.unknown
        )
        if self.gaps is not None:
            decoder.take_gaps(*self.gaps)
            if entry.posterior is not None:
                encoder.embed = TimedEmbedding(encoder.embed, *self.gaps)
        longest = min(self.longest, self.positions) if entry.decoder == "transformer" else self.longest
        return SequenceVAE(encoder, posterior, PRIORS["standard-normal"](dims), decoder, longest, self.end)

    def _encoder(self, entry: SequenceEntry) -> nn.Module:
        size = self.network
        if entry.encoder == "transformer":
            return TransformerEncoder(self.n_tokens, size.width, self.positions, size.layers, size.dropout)
        return LSTMEncoder(self.n_tokens, size.width, size.width, dropout=size.dropout)

    def _decoder(self, entry: SequenceEntry, **options: Any) -> TokenDecoder:
        size = self.network
        if entry.decoder == "transformer":
            return TransformerDecoder(
                self.latent_dim, self.n_tokens, size.width, self.positions, size.layers, **options
            )
        return _RECURRENT[entry.decoder](self.latent_dim, self.n_tokens, size.width, size.width, **options)

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        return {**vars(self), "network": self.network.describe()}

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        gaps = described.get("gaps")  # folders that were written before there were gaps have no such entry
        network = SequenceNetwork(**described["network"])
        return cls(**{**described, "network": network, "gaps": None if gaps is None else tuple(gaps)})


def composed(estimator: Any, given: Given, parts: Chosen) -> SequenceComposition:
    """The composition for training items; choices go to `parts.choices`.

    Raises:
        ConfigError: for a code of a model that has none, or a length of it that is no whole number.
    """
    form: Any = parts.form
    network: Any = parts.network
    stored = form.stored(given.rows)
    longest = int(stored.lengths.max())
    latent_dim = 0
    if estimator._entry().posterior is None:
        if estimator.latent_dim:
            raise ConfigError(
                f"latent_dim={estimator.latent_dim}: {estimator.model} has no code; take another model"
            )
    elif estimator.latent_dim is None:
        latent_dim = default_latent_dim(len(stored))
        parts.choices.append(Choice("latent_dim", str(latent_dim), f"{len(stored):,} training items"))
    else:
        latent_dim = whole("latent_dim", estimator.latent_dim, 1)
    floor = 0.0
    if estimator._entry().floored:
        floor = default_floor(stored, form.n_tokens)
        if "nats" not in (estimator.objective_options or {}):
            reason = "a share of the nats that the words of an item have without their order"
            parts.choices.append(Choice("floor of the rate", f"{floor:.1f} nats", reason))
    return SequenceComposition(
        estimator.model,
        latent_dim,
        form.n_tokens,
        longest=2 * longest if form.end else longest,
        positions=longest,
        end=END if form.end else None,
        unknown=UNKNOWN,
        network=network,
        floor=floor,
        gaps=None if form.gaps is None else (form.gaps.center, form.gaps.scale),
    )
