"""Autoregressive densities of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latentia.registry import Registry


@dataclass(frozen=True)
class DensityEntry:
    """What a named autoregressive density is on pixels.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        density: a name of `latentia.latent.autoregressive.DENSITIES`.
        options: its size, where a person gives none.
        learning_rate: peak of the schedule that suits it.
    """

    summary: str
    reference: str
    density: str
    options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3


_PIXEL_RNN = "van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks"
DENSITY_MODELS: Registry[DensityEntry] = Registry("model", group="latentia.models", of=DensityEntry)
for _density in (
    DensityEntry("masked convolutions over the pixels before; exact likelihood", _PIXEL_RNN, "pixelcnn"),
    DensityEntry(
        "PixelCNN with gates and two stacks that miss no earlier pixel; can be conditioned on a class",
        "van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders",
        "gated-pixelcnn",
    ),
    DensityEntry("PixelRNN: an LSTM from row to row", _PIXEL_RNN, "row-lstm"),
    DensityEntry(
        "PixelRNN: two LSTMs along the diagonals, which see all earlier pixels", _PIXEL_RNN, "diagonal-bilstm"
    ),
    DensityEntry(
        "gated PixelCNN with a mixture of discretized logistics for each pixel: for grey and colour images",
        "Salimans et al. 2017, PixelCNN++",
        "pixelcnn++",
    ),
    DensityEntry(
        "transformer over the pixels in raster order: for small images",
        "Vaswani et al. 2017, Attention Is All You Need; Parmar et al. 2018, Image Transformer",
        "causal-transformer",
        learning_rate=1e-3,
    ),
):
    DENSITY_MODELS.add(_density.density, _density)

ENTRIES = DENSITY_MODELS
"""The named models of this kind."""
