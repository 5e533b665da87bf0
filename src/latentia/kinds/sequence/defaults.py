"""Settings of a model of sequences where a person leaves them open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from latentia.data.items import Ragged
from latentia.diagnostics.ngrams import Unigram
from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.parameters import whole
from latentia.estimators.settings import Defaults

FEW_TOKENS = 300_000
FEW_ITEMS = 20_000
TOKENS_ON_CPU = 500_000
TOKENS_ON_GPU = 30_000_000
FEWEST_EPOCHS = 6
MOST_EPOCHS = 60
GRADIENT_CLIP = 5.0
MOST_FLOOR, FLOOR_SHARE = 8.0, 1 / 9


@dataclass(frozen=True)
class SequenceNetwork:
    """The size of encoder and decoder.

    Attributes:
        width: of embeddings and states.
        keep: share of the input tokens that the decoder is told in training.
        dropout: of what enters the networks and of what the output layer takes.
        tied: whether the output layer is the embedding.
        layers: blocks of a transformer.

    Raises:
        ConfigError: if a value is out of range.
    """

    width: int
    keep: float
    dropout: float
    tied: bool
    layers: int = 2

    def __post_init__(self) -> None:
        """Check the ranges; shares are checked where they are used."""
        whole("network.width", self.width, 4)
        whole("network.layers", self.layers, 1)
        for name in ("keep", "dropout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ConfigError(f"network.{name}={value!r}: a share between 0 and 1 is expected")
            object.__setattr__(self, name, float(value))
        if not isinstance(self.tied, bool):
            raise ConfigError(f"network.tied={self.tied!r}: true or false is expected")

    def describe(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def of(cls, asked: Any, *, words: bool, n_train_tokens: int, keep: float) -> tuple[Self, Choice]:
        """The network that a person asks for, what is left open chosen by the data.

        Args:
            asked: "auto", or a mapping with any of the attributes.
            words: whether tokens are words.
            n_train_tokens: in the training items.
            keep: of the model's entry.

        Raises:
            ConfigError: for an unknown entry, or a value out of range.
        """
        small = n_train_tokens < FEW_TOKENS
        found: dict[str, Any] = {
            "width": 128 if small else 256,
            "keep": keep,
            "dropout": (0.3 if small else 0.5) if words else 0.0,
            "tied": words,
        }
        given = {} if asked == "auto" else asked
        if not isinstance(given, Mapping):
            raise ConfigError(
                f"network={asked!r}: expected auto, or a mapping with width, keep, dropout, tied, layers"
            )
        known = ("width", "keep", "dropout", "tied", "layers")
        for name in given:
            if name not in known:
                raise ConfigError(f"network: unknown entry {name!r}; there are {', '.join(known)}")
        network = cls(**{**found, **given})
        reason = f"{n_train_tokens:,} training tokens" + (
            "" if asked == "auto" else "; the rest as asked for"
        )
        return network, Choice("network", f"width {network.width}", reason)


def default_latent_dim(n_items: int) -> int:
    """Length of a code: 32, of fewer than 20,000 items 16."""
    return 32 if n_items >= FEW_ITEMS else 16


def default_floor(items: Ragged, n_tokens: int) -> float:
    """Nats of a code below which its rate earns nothing: a share of what a unigram says of an item, 8 at most.

    8 is lambda of Li et al. 2019 on the Penn Treebank, whose sentences have 142 nats by a unigram; short items have less to tell.

    Example:
        >>> import numpy as np
        >>> default_floor(Ragged.of([np.arange(4)] * 9), 4)
        0.62
    """
    nats = -Unigram.fit(items, n_tokens).token_log_prob(items).sum() / max(1, len(items))
    return round(min(MOST_FLOOR, float(nats) * FLOOR_SHARE), 2)


def defaults_for(n_tokens: int, learning_rate: float | None, words: bool) -> Defaults:
    """What training takes where the estimator does not say.

    Args:
        n_tokens: in the training items.
        learning_rate: the estimator's; None: 5e-3, of many tokens 3e-3.
        words: whether tokens are words, of which a step is dear.
    """

    def epochs(n: int, batch_size: int, on_cpu: bool) -> int:  # noqa: ARG001  (the face)
        budget = (TOKENS_ON_CPU if on_cpu else TOKENS_ON_GPU) * (1 if words else 4)
        return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(budget / max(1, n_tokens))))

    rate = learning_rate or (5e-3 if n_tokens < FEW_TOKENS else 3e-3)
    return Defaults(lambda n: 32 if n >= 512 else 16, epochs, rate, GRADIENT_CLIP, warmup_fraction=0.05)
