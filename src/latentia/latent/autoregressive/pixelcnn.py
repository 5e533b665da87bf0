"""PixelCNN: a stack of masked convolutions."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from latentia.latent.autoregressive.base import DENSITIES, Parts
from latentia.latent.autoregressive.causal import (
    CausalConv2d,
    CausalConvWalk,
    Conditioning,
    conditioned,
    row_of,
)
from latentia.latent.autoregressive.features import CategoricalHead, LayeredDensity, Stack, check_layers


class MaskedStack(Stack):
    """A convolution with mask A, then residual ones with mask B, h + conv(ReLU(h)).

    Args:
        n_in: features of the embedded pixels.
        n_channels: F.
        n_layers: convolutions.
        first_kernel_size: of the first.
        kernel_size: of the others.
        n_groups: image channels.
        n_context: length of a context vector.
        n_map: channels of a context map.
    """

    def __init__(
        self,
        n_in: int,
        n_channels: int,
        n_layers: int,
        first_kernel_size: int,
        kernel_size: int,
        n_groups: int,
        n_context: int = 0,
        n_map: int = 0,
    ) -> None:
        super().__init__()
        check_layers(n_channels, n_layers, first_kernel_size, kernel_size)
        self.n_groups, self.n_features = n_groups, n_channels
        first, later = first_kernel_size // 2, kernel_size // 2
        self.convs = nn.ModuleList(
            [CausalConv2d(n_in, n_channels, first, first, n_groups, centre=False)]
            + [
                CausalConv2d(n_channels, n_channels, later, later, n_groups, centre=True)
                for _ in range(n_layers - 1)
            ]
        )
        self.conditions = nn.ModuleList(Conditioning(n_context, n_map, n_channels) for _ in range(n_layers))

    def forward(self, embedded: Tensor, parts: Parts) -> Tensor:
        """`[B, n_in, H, W]` to `[B, F, H, W]`."""
        h = conditioned(self.convs[0](embedded), self.conditions[0](parts))
        for conv, condition in zip(self.convs[1:], self.conditions[1:], strict=True):
            h = h + conditioned(conv(F.relu(h)), condition(parts))
        return h

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> MaskedStackWalk:
        """Pixel by pixel."""
        return MaskedStackWalk(self, batch, size, parts)


class MaskedStackWalk:
    """A `MaskedStack` pixel by pixel; each layer keeps its inputs."""

    def __init__(self, stack: MaskedStack, batch: int, size: tuple[int, int], parts: Parts) -> None:
        self.first, *self.later = [CausalConvWalk(conv, batch, *size) for conv in stack.convs]  # type: ignore[arg-type]
        self.conditions = [condition(parts) for condition in stack.conditions]

    def row(self, r: int) -> None:
        """Row r begins."""
        for conv, condition in zip((self.first, *self.later), self.conditions, strict=True):
            conv.row(r, row_of(condition, r))

    def put(self, c: int, value: Tensor) -> None:
        """Set an embedded pixel."""
        self.first.put(c, value)

    def column(self, c: int) -> Tensor:
        """Features `[B, F]`."""
        h = self.first.column(c)
        for conv in self.later:
            conv.put(c, h.relu())
            h = h + conv.column(c)
        return h


class PixelCNN(LayeredDensity):
    r"""Masked convolutions over the image, a softmax over K levels for each number.

    A stack of masked k x k kernels never sees a wedge to the upper right of a pixel (the blind spot); the gated
    PixelCNN does.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        n_channels: features of a layer.
        n_layers: convolutions.
        kernel_size: of all but the first.
        first_kernel_size: of the first.

    Raises:
        ConfigError: for a wrong size.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu 2016, Pixel Recurrent Neural Networks, section 3.

    Example:
        >>> import torch
        >>> density = PixelCNN((1, 5, 4), n_levels=3, n_channels=8, n_layers=2)
        >>> density.log_prob(density.sample(2)).shape
        torch.Size([2])
    """

    def _layers(
        self, *, n_channels: int = 64, n_layers: int = 8, kernel_size: int = 5, first_kernel_size: int = 7
    ) -> None:
        image_channels = self.event_shape[0]
        self.stack = MaskedStack(
            self.n_embedded, n_channels, n_layers, first_kernel_size, kernel_size, image_channels,
            self.n_context, self.n_map,
        )  # fmt: skip
        self.head = CategoricalHead(n_channels, image_channels, self.n_levels)


DENSITIES.add("pixelcnn", PixelCNN)
