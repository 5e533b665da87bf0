"""Networks between data and maps of code vectors: images to a map `[B, D, h, w]`, rows to n groups `[B, D, 1, n]`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.nn.inputs import Centred
from latentia.nn.mlp import Offset, ResidualMLP
from latentia.nn.residual import Double, Halve, ResidualStack, Shape
from latentia.registry import Registry

WIDTH = 128
LARGEST_MAP = 16
SMALL = 16


def halvings(height: int, width: int) -> int:
    """How often the map is halved: twice, more where it would be longer than 16, less for images of a few pixels.

    Example:
        >>> halvings(28, 28), halvings(64, 64), halvings(128, 96), halvings(8, 8), halvings(1, 1)
        (2, 2, 3, 2, 0)
    """
    longer = max(height, width)
    return min(max(2, math.ceil(math.log2(longer / LARGEST_MAP))), max(0, math.floor(math.log2(longer))))


def channels_for(height: int, width: int) -> int:
    """Channels of the maps: 128, for images of less than 16 pixels half as many.

    Example:
        >>> channels_for(28, 28), channels_for(8, 8)
        (128, 64)
    """
    return WIDTH if max(height, width) >= SMALL else WIDTH // 2


def halved(shape: Shape) -> Shape:
    """Size of the next smaller map, rounded up."""
    return (shape[0] + 1) // 2, (shape[1] + 1) // 2


class MapEncoder(nn.Module):
    """Strided convolutions and residual blocks: an image of any size to a map of `n_out` channels.

    Args:
        event_shape: `[C, H, W]`.
        n_out: channels of the map.
        inputs: what is done to the pixels first (default: [0, 1] to [-1, 1]).

    Attributes:
        shape: size of the map.
    """

    def __init__(self, event_shape: Sequence[int], n_out: int, inputs: nn.Module | None = None) -> None:
        super().__init__()
        channels, *size = event_shape
        times = halvings(size[0], size[1])
        self.shape: Shape = (size[0], size[1])
        layers: list[nn.Module] = []
        for i in range(times):
            width = WIDTH if i + 1 == times else WIDTH // 2
            layers += [Halve(channels, width), nn.SiLU()]
            channels, self.shape = width, halved(self.shape)
        self.inputs = inputs or Centred()
        self.body = nn.Sequential(
            *layers,
            nn.Conv2d(channels, WIDTH, 3, padding=1),
            ResidualStack(WIDTH),
            nn.Conv2d(WIDTH, n_out, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, n_out, h, w]`."""
        return self.body(self.inputs(x))


class MapDecoder(nn.Module):
    """The mirror of `MapEncoder`: a map `[N, n_in, h, w]` to likelihood parameters `[N, n_outputs, C, H, W]`."""

    def __init__(self, event_shape: Sequence[int], n_in: int, n_outputs: int) -> None:
        super().__init__()
        channels, height, width = event_shape
        sizes: list[Shape] = [(height, width)]
        for _ in range(halvings(height, width)):
            sizes.append(halved(sizes[-1]))
        last = channels_for(height, width)
        layers: list[nn.Module] = [nn.Conv2d(n_in, last, 3, padding=1), ResidualStack(last)]
        for size in sizes[-2:0:-1]:
            layers += [Double(last, channels_for(height, width) // 2, size), nn.SiLU()]
            last = channels_for(height, width) // 2
        n_out = n_outputs * channels
        layers.append(Double(last, n_out, sizes[0]) if len(sizes) > 1 else nn.Conv2d(last, n_out, 1))
        self.body = nn.Sequential(*layers)
        self.shape = (n_outputs, channels)
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Tensor) -> Tensor:
        """Outputs for a batch of maps."""
        return self.offset(self.body(z).unflatten(1, self.shape))


class GroupEncoder(nn.Module):
    """A residual perceptron: a row (or an image taken as one) to n vectors `[B, n_out, 1, n]`."""

    def __init__(
        self, event_shape: Sequence[int], n_out: int, n_groups: int, inputs: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.inputs = inputs or nn.Identity()
        n_inputs = self.inputs(torch.zeros(1, math.prod(event_shape))).shape[-1]
        self.body = nn.Sequential(
            nn.Flatten(),
            self.inputs,
            ResidualMLP(n_inputs, 2 * WIDTH, 2),
            nn.Linear(2 * WIDTH, n_out * n_groups),
        )
        self.shape: Shape = (1, n_groups)
        self.n_out = n_out

    def forward(self, x: Tensor) -> Tensor:
        """`[B, *event]` to `[B, n_out, 1, n]`."""
        return self.body(x).unflatten(1, (self.n_out, *self.shape))


class GroupDecoder(nn.Module):
    """The mirror of `GroupEncoder`: n vectors `[N, n_in, 1, n]` to likelihood parameters `[N, n_outputs, *event]`."""

    def __init__(self, event_shape: Sequence[int], n_in: int, n_groups: int, n_outputs: int) -> None:
        super().__init__()
        self.shape = (n_outputs, *event_shape)
        self.body = nn.Sequential(
            nn.Flatten(),
            ResidualMLP(n_in * n_groups, 2 * WIDTH, 2),
            nn.Linear(2 * WIDTH, math.prod(self.shape), bias=False),
        )
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Tensor) -> Tensor:
        """Outputs for a batch of groups."""
        return self.offset(self.body(z).unflatten(1, self.shape))


class MapPyramid(nn.Module):
    """Two maps of an image, one half the size of the other, as in VQ-VAE-2.

    Args:
        event_shape: `[C, H, W]`.
        dim: D, channels of both maps.
        inputs: what is done to the pixels first.

    Attributes:
        shapes: sizes of the top (small) and the bottom map.
        n_joined: channels of what the decoder takes.
    """

    def __init__(self, event_shape: Sequence[int], dim: int, inputs: nn.Module | None = None) -> None:
        super().__init__()
        width = channels_for(event_shape[1], event_shape[2])
        self.bottom = MapEncoder(event_shape, width, inputs)
        small = halved(self.bottom.shape)
        self.shapes = (small, self.bottom.shape)
        self.n_joined = 2 * dim
        self.top = nn.Sequential(
            nn.SiLU(), Halve(width, width), ResidualStack(width), nn.Conv2d(width, dim, 1)
        )
        self.down = nn.Sequential(
            nn.Conv2d(dim, width, 3, padding=1), ResidualStack(width), Double(width, dim, self.bottom.shape)
        )
        self.merge = nn.Conv2d(width + dim, dim, 1)
        self.lift = Double(dim, dim, self.bottom.shape)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the bottom map, `[B, width, h, w]`."""
        return self.bottom(x)

    def to_top(self, features: Tensor) -> Tensor:
        """Vectors of the top map, `[B, D, h / 2, w / 2]`."""
        return self.top(features)

    def to_bottom(self, features: Tensor, top: Tensor) -> Tensor:
        """Vectors of the bottom map, `[B, D, h, w]`, given the codes of the top one."""
        return self.merge(torch.cat([F.silu(features), self.down(top)], 1))

    def join(self, top: Tensor, bottom: Tensor) -> Tensor:
        """What the decoder takes, `[N, 2 D, h, w]`."""
        return torch.cat([self.lift(top), bottom], 1)


class GroupPyramid(nn.Module):
    """Two lists of vectors of a row: n / 2 (rounded up) at the top, n at the bottom, which see the top ones."""

    def __init__(
        self, event_shape: Sequence[int], dim: int, n_groups: int, inputs: nn.Module | None = None
    ) -> None:
        super().__init__()
        n_top = (n_groups + 1) // 2
        self.shapes: tuple[Shape, Shape] = ((1, n_top), (1, n_groups))
        self.n_joined = dim
        self.features = GroupEncoder(event_shape, 2 * WIDTH, 1, inputs)
        self.top = nn.Linear(2 * WIDTH, dim * n_top)
        self.bottom = nn.Sequential(
            ResidualMLP(2 * WIDTH + dim * n_top, WIDTH, 1), nn.Linear(WIDTH, dim * n_groups)
        )
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Features `[B, width]`."""
        return self.features(x).flatten(1)

    def to_top(self, features: Tensor) -> Tensor:
        """Vectors of the top list, `[B, D, 1, n / 2]`."""
        return self.top(features).unflatten(1, (self.dim, *self.shapes[0]))

    def to_bottom(self, features: Tensor, top: Tensor) -> Tensor:
        """Vectors of the bottom list, `[B, D, 1, n]`, given the codes of the top one."""
        vectors = self.bottom(torch.cat([features, top.flatten(1)], 1))
        return vectors.unflatten(1, (self.dim, *self.shapes[1]))

    def join(self, top: Tensor, bottom: Tensor) -> Tensor:
        """What the decoder takes, `[N, D, 1, n / 2 + n]`."""
        return torch.cat([top, bottom], -1)


@dataclass(frozen=True)
class CodeNetwork:
    """Encoder, decoder and two-level encoder of one kind.

    `encoder(event_shape, dim, n_groups, inputs)` has `shape`; `pyramid` of the same arguments has `shapes` and `n_joined`;
    `decoder(event_shape, n_in, n_positions, n_outputs)`.
    """

    encoder: Callable[[Sequence[int], int, int, nn.Module | None], nn.Module]
    pyramid: Callable[[Sequence[int], int, int, nn.Module | None], nn.Module]
    decoder: Callable[[Sequence[int], int, int, int], nn.Module]


CODE_NETWORKS: Registry[CodeNetwork] = Registry("network for codes")
CODE_NETWORKS.add(
    "conv",
    CodeNetwork(
        lambda event, dim, _, inputs: MapEncoder(event, dim, inputs),
        lambda event, dim, _, inputs: MapPyramid(event, dim, inputs),
        lambda event, n_in, _, n_outputs: MapDecoder(event, n_in, n_outputs),
    ),
)
CODE_NETWORKS.add("mlp", CodeNetwork(GroupEncoder, GroupPyramid, GroupDecoder))
