"""The models of series by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from latentia.core import Objective
from latentia.nn.series import ForcedDecoder, LinearDecoder, StepsDecoder
from latentia.objectives import ObjectiveFactory, elbo
from latentia.registry import Registry
from latentia.training import Joint, Schedule

_JOINT = Joint()


@dataclass(frozen=True)
class SeriesEntry:
    """What a named model of series is composed of.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        decoder: `(latent_dim, longest, n_columns, width)` to a network from codes to outputs `[N, 1, T, C]`, or a `ForcedDecoder`.
        objective: what is minimised.
        schedule: how encoder and decoder take turns.
        forced: whether the decoder reads the numbers before each.
    """

    summary: str
    reference: str
    decoder: Callable[[int, int, int, int], nn.Module]
    objective: Objective | ObjectiveFactory = elbo
    schedule: Schedule = _JOINT
    forced: bool = False


SERIES_MODELS: Registry[SeriesEntry] = Registry("model", group="latentia.models", of=SeriesEntry)
SERIES_MODELS.add(
    "series-vae",
    SeriesEntry(
        "an LSTM reads a series with its gaps, another writes it from the code and the time alone",
        "Fabius & van Amersfoort 2015, Variational Recurrent Auto-Encoders (here without feeding back what was written)",
        StepsDecoder,
    ),
)
SERIES_MODELS.add(
    "series-linear",
    SeriesEntry(
        "each number a linear function of the code: probabilistic principal components of series with gaps",
        "Tipping & Bishop 1999, Probabilistic Principal Component Analysis (here with an encoder)",
        LinearDecoder,
    ),
)
SERIES_MODELS.add(
    "series-autoregressive",
    SeriesEntry(
        "an LSTM that is told the numbers before each: draws are noisy as data are, and the code may tell nothing",
        "Bowman et al. 2016, Generating Sentences from a Continuous Space (here for numbers)",
        ForcedDecoder,
        forced=True,
    ),
)

ENTRIES = SERIES_MODELS
"""The named models of this kind."""
