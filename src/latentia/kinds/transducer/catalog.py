"""The transducers by name."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.registry import Registry


@dataclass(frozen=True)
class TransducerEntry:
    """What a named transducer is.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        generator: whether it learns from outputs without inputs, by inputs that it makes up.
    """

    summary: str
    reference: str
    generator: bool


TRANSDUCERS: Registry[TransducerEntry] = Registry("model", group="latentia.models", of=TransducerEntry)
TRANSDUCERS.add(
    "seq4",
    TransducerEntry(
        "an encoder and a decoder with attention, twice: outputs without inputs are autoencoded by way of made-up inputs",
        "Kocisky et al. 2016, Semantic Parsing with Semi-Supervised Sequential Autoencoders",
        generator=True,
    ),
)
TRANSDUCERS.add(
    "seq2seq",
    TransducerEntry(
        "an encoder and a decoder with attention; outputs without inputs are left out",
        "Bahdanau, Cho & Bengio 2015, Neural Machine Translation by Jointly Learning to Align and Translate",
        generator=False,
    ),
)

ENTRIES = TRANSDUCERS
"""The named models of this kind."""
