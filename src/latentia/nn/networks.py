"""The table of networks by name, and the rule that picks one from the shape of a datum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn

from latentia.nn.conv import ConvDecoder, ConvEncoder
from latentia.nn.mlp import MLPDecoder, MLPEncoder
from latentia.nn.patch import PatchDecoder, PatchEncoder
from latentia.nn.plain import PlainMLPDecoder, PlainMLPEncoder
from latentia.nn.report import ReportDecoder, ReportEncoder
from latentia.registry import Registry


@dataclass(frozen=True)
class Network:
    """An encoder and its mirror, as factories, with the options that both take."""

    encoder: Callable[..., nn.Module]
    decoder: Callable[..., nn.Module]
    summary: str
    options: dict[str, Any] = field(default_factory=dict)

    def build(
        self, event_shape: Sequence[int], latent_dim: int, n_outputs: int, inputs: nn.Module | None = None
    ) -> tuple[nn.Module, nn.Module]:
        """The pair for data of `event_shape`, codes of `latent_dim` and a likelihood of `n_outputs` per element."""
        encoder = self.encoder(event_shape, inputs=inputs, **self.options)
        return encoder, self.decoder(latent_dim, n_outputs, event_shape, **self.options)


NETWORKS: Registry[Network] = Registry("network", group="latentia.networks", of=Network)
NETWORKS.add("mlp", Network(MLPEncoder, MLPDecoder, "residual perceptron, 2 blocks of width 256"))
NETWORKS.add("conv", Network(ConvEncoder, ConvDecoder, "residual convolutions, 32 channels doubling to 256"))
for _name, _network in {
    "patch": Network(
        PatchEncoder,
        PatchDecoder,
        "patches, a residual block of 32 and 64 channels on their map, for minutes",
    ),
    "mlp-small": Network(
        MLPEncoder, MLPDecoder, "residual perceptron, 2 blocks of width 128, for few rows", {"width": 128}
    ),
    "mlp-skip": Network(
        MLPEncoder, partial(MLPDecoder, skip=True), "mlp whose code enters every layer of the decoder"
    ),
    "conv-skip": Network(
        ConvEncoder, partial(ConvDecoder, skip=True), "conv whose code enters every layer of the decoder"
    ),
    "report-conv": Network(
        ReportEncoder,
        ReportDecoder,
        "the ResLag report's plain convolutions: 3 to 10 by the size of the image",
    ),
    "reslag": Network(
        ReportEncoder, ReportDecoder, "report-conv with taps from every scale in the code", {"taps": "full"}
    ),
    "reslag-light": Network(
        ReportEncoder, ReportDecoder, "reslag with 4 to 16 times fewer numbers in the taps", {"taps": "light"}
    ),
}.items():
    NETWORKS.add(_name, _network)
NETWORKS.add(
    "mlp-tanh",
    Network(PlainMLPEncoder, PlainMLPDecoder, "two plain tanh layers of width 200, as in Burda et al. 2016"),
)


FEW_ROWS = 2000
"""Below it a perceptron of half the width reaches about the same bound on held-out rows in a quarter to a third of the time (docs/default.md)."""


LADDER = ("conv", "patch", "mlp")
"""Networks for images, the largest first (docs/default.md, "Minutes")."""


def ladder(
    event_shape: Sequence[int], n_rows: int, images: str | None = None, vectors: str | None = None
) -> tuple[str, ...]:
    """The networks for so many data of this shape among which the time decides, the largest first; see `pick_network`.

    >>> ladder((1, 28, 28), 60_000), ladder((13,), 178), ladder((3, 32, 32), 50_000, images="reslag")
    (('conv', 'patch', 'mlp'), ('mlp-small',), ('reslag',))
    """
    if len(event_shape) == 3 and images is None:
        return LADDER
    return (pick_network(event_shape, n_rows, images, vectors)[0],)


def pick_network(
    event_shape: Sequence[int], n_rows: int, images: str | None = None, vectors: str | None = None
) -> tuple[str, str]:
    """The network for so many data of this shape, and why.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        n_rows: how many there are to learn from; for a stream, many.
        images: the one for images, if it is not "conv".
        vectors: the one for vectors, if it is not "mlp" or, below `FEW_ROWS`, "mlp-small".

    Example:
        >>> pick_network((1, 28, 28), 60_000)
        ('conv', 'images of 28 x 28 pixels')
        >>> pick_network((13,), 60_000)
        ('mlp', 'vectors of 13 numbers')
        >>> pick_network((13,), 178)
        ('mlp-small', '178 vectors of 13 numbers')
    """
    if len(event_shape) == 3:
        return images or "conv", f"images of {event_shape[1]} x {event_shape[2]} pixels"
    reason = f"vectors of {event_shape[0]} numbers"
    if vectors is None and n_rows < FEW_ROWS:
        return "mlp-small", f"{n_rows} {reason}"
    return vectors or "mlp", reason
