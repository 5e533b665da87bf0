"""Gated PixelCNN: a vertical stack for the rows above, a horizontal one for the pixel's own row; no blind spot."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.latent.autoregressive.base import DENSITIES, Parts
from latentia.latent.autoregressive.causal import (
    CausalConv2d,
    CausalConvWalk,
    Conditioning,
    PointwiseWalk,
    conditioned,
    row_of,
)
from latentia.latent.autoregressive.features import CategoricalHead, LayeredDensity, Stack, check_layers


def gate(features: Tensor, dim: int = 1) -> Tensor:
    """Tanh of the first half of the features times the sigmoid of the second."""
    first, second = features.chunk(2, dim)
    return (2 * torch.sigmoid(2 * first) - 1) * torch.sigmoid(
        second
    )  # torch's tanh is four times as slow here


class GatedLayer(nn.Module):
    r"""One layer of both stacks.

    .. math::
        a_v = W_v * v + V_v h, \quad v' = \tanh(a_{v1}) \sigma(a_{v2}), \qquad
        a_h = W_h * u + U a_v + V_h h, \quad u' = u + P (\tanh(a_{h1}) \sigma(a_{h2}))

    The first layer takes the image for both v and u: its vertical kernel sees only rows above, its horizontal one only
    pixels to the left, and it has no residual.

    Args:
        n_in: features of the input.
        n_channels: F, of the output.
        kernel_size: k; vertical kernels are (k + 1) / 2 x k (first layer: (k - 1) / 2 x k).
        n_groups: image channels.
        first: whether it is the first layer.
        n_context: length of a context vector.
        n_map: channels of a context map.
    """

    def __init__(
        self,
        n_in: int,
        n_channels: int,
        kernel_size: int,
        n_groups: int,
        first: bool,
        n_context: int = 0,
        n_map: int = 0,
    ) -> None:
        super().__init__()
        self.first, self.reach = first, kernel_size // 2
        rows = self.reach if first else self.reach + 1
        self.vertical = nn.Conv2d(n_in, 2 * n_channels, (rows, kernel_size))
        nn.init.normal_(self.vertical.weight, std=(n_in * rows * kernel_size) ** -0.5)
        self.vertical_condition = Conditioning(n_context, n_map, 2 * n_channels)
        self.link = nn.Conv2d(2 * n_channels, 2 * n_channels, 1)
        self.horizontal = CausalConv2d(
            n_in, 2 * n_channels, 0, self.reach, n_groups, centre=not first, parts=2
        )
        self.horizontal_condition = Conditioning(n_context, n_map, 2 * n_channels)
        self.out = CausalConv2d(n_channels, n_channels, 0, 0, n_groups, centre=True)

    def forward(self, v: Tensor, u: Tensor, parts: Parts, last: bool) -> tuple[Tensor, Tensor]:
        """The next v (nothing reads that of the `last` layer: it is not computed) and u."""
        side = self.reach
        above = F.pad(v, (side, side, side, -1 if self.first else 0))
        a_v = conditioned(self.vertical(above), self.vertical_condition(parts))
        a_u = conditioned(self.horizontal(u) + self.link(a_v), self.horizontal_condition(parts))
        new = self.out(gate(a_u))
        return v if last else gate(a_v), new if self.first else u + new


class GatedStack(Stack):
    """Gated layers, the first with its own kernel size.

    Args:
        n_in: features of the embedded pixels.
        n_channels: F.
        n_layers: layers.
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
        self.layers = nn.ModuleList(
            GatedLayer(
                n_in if i == 0 else n_channels, n_channels, first_kernel_size if i == 0 else kernel_size, n_groups,
                i == 0, n_context, n_map,
            )
            for i in range(n_layers)
        )  # fmt: skip

    def forward(self, embedded: Tensor, parts: Parts) -> Tensor:
        """`[B, n_in, H, W]` to `[B, F, H, W]`."""
        v = u = embedded
        for i, layer in enumerate(self.layers):
            v, u = layer(v, u, parts, i == len(self.layers) - 1)
        return u

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> GatedStackWalk:
        """Pixel by pixel."""
        return GatedStackWalk(self, batch, size, parts)


class GatedStackWalk:
    """A `GatedStack` pixel by pixel: the vertical stack moves once a row, the horizontal one at each pixel."""

    def __init__(self, stack: GatedStack, batch: int, size: tuple[int, int], parts: Parts) -> None:
        self.layers = [_GatedLayerWalk(layer, batch, size, parts) for layer in stack.layers]  # type: ignore[arg-type]
        self.last_row: Tensor | None = None
        first = self.layers[0].horizontal
        self.pixels = first.inputs[:, :, first.conv.side : first.conv.side + size[1]]  # [B, H, W, n_in]

    def row(self, r: int) -> None:
        """Row r begins."""
        v = self.pixels[:, r - 1].transpose(1, 2) if r > 0 else None
        for layer in self.layers:
            v = layer.row(r, v)

    def put(self, c: int, value: Tensor) -> None:
        """Set an embedded pixel."""
        self.layers[0].horizontal.put(c, value)

    def column(self, c: int) -> Tensor:
        """Features `[B, F]`."""
        first, *later = self.layers
        u = first.new(c)
        for layer in later:
            layer.horizontal.put(c, u)
            u = u + layer.new(c)
        return u


class _GatedLayerWalk:
    """One layer: `row` gives the next layer its row of v, `new` what is added to u."""

    def __init__(self, layer: GatedLayer, batch: int, size: tuple[int, int], parts: Parts) -> None:
        self.layer = layer
        height, width = size
        # tanh(a) sigma(b) = 2 sigma(2 a) sigma(b) - sigma(b): one sigmoid for both and one product, the rest put into the weights.
        n_channels = layer.out.weight.shape[1]
        scale = torch.ones_like(layer.horizontal.bias)
        scale[:n_channels] = 2
        self.horizontal = CausalConvWalk(layer.horizontal, batch, height, width, scale)
        self.out = PointwiseWalk(layer.out)
        self.out.matrix = torch.cat([2 * self.out.matrix, -self.out.matrix])
        self.vertical_condition = layer.vertical_condition(parts)
        self.horizontal_condition = layer.horizontal_condition(parts)
        weight = layer.vertical.weight
        # All rows of v so far, with the zeros that the convolution pads.
        shape = (batch, weight.shape[1], layer.reach + height, 2 * layer.reach + width)
        self.rows = weight.new_zeros(shape).contiguous(memory_format=torch.channels_last)

    def row(self, r: int, v: Tensor | None) -> Tensor:
        """Row r begins, with row r of v from the layer below (first layer: row r - 1 of the image), `[B, n_in, W]`."""
        layer, side = self.layer, self.layer.reach
        n_rows = layer.vertical.weight.shape[2]
        if v is not None:
            at = r + side - (1 if layer.first else 0)
            self.rows[:, :, at, side : side + v.shape[2]] = v
        a_v = layer.vertical(self.rows[:, :, r : r + n_rows])
        if self.vertical_condition is not None:
            extra = row_of(self.vertical_condition, r)
            assert extra is not None
            a_v = a_v + extra.permute(1, 2, 0)[:, :, None]
        terms = layer.link(a_v)[:, :, 0].permute(2, 0, 1)
        self.horizontal.row(r, conditioned(terms, row_of(self.horizontal_condition, r)))
        return gate(a_v[:, :, 0])

    def new(self, c: int) -> Tensor:
        """P gate(a_h) at column c, `[B, F]`."""
        gates = self.horizontal.column(c).sigmoid_()
        first, second = gates.chunk(2, 1)
        first.mul_(second)
        return self.out(gates)


class GatedPixelCNN(LayeredDensity):
    """PixelCNN with gates and two stacks, which together see all earlier pixels within reach of their kernels.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector (a class as one-hot, a code).
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        n_channels: F, features of a layer.
        n_layers: layers.
        kernel_size: of all but the first.
        first_kernel_size: of the first.

    Raises:
        ConfigError: for a wrong size.

    Source: van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, eq. 2 to 4 and figure 2.

    Example:
        >>> density = GatedPixelCNN((1, 5, 4), n_levels=2, n_context=10, n_channels=8, n_layers=2)
        >>> density.sample(3, context=torch.eye(10)[:3]).shape
        torch.Size([3, 1, 5, 4])
    """

    def _layers(
        self, *, n_channels: int = 32, n_layers: int = 8, kernel_size: int = 3, first_kernel_size: int = 7
    ) -> None:
        image_channels = self.event_shape[0]
        self.stack = GatedStack(
            self.n_embedded, n_channels, n_layers, first_kernel_size, kernel_size, image_channels,
            self.n_context, self.n_map,
        )  # fmt: skip
        self.head = CategoricalHead(n_channels, image_channels, self.n_levels)


DENSITIES.add("gated-pixelcnn", GatedPixelCNN)
