"""Convolutional networks for images of any size and channel count: residual blocks, batch normalisation, SiLU.

The encoder halves the map (rounding up) until its longer side is at most 4; the decoder mirrors it through the very
same sizes, so 28, 32, 64 and 89 x 109 pixels are all served by one rule. Pre-activation residual blocks after He et
al. 2016 (Identity Mappings in Deep Residual Networks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.inputs import Centred
from latentia.nn.mlp import Offset

SMALLEST_SIDE = 4
FULL_RESOLUTION_FROM = (
    16  # images at least this large are halved by the very first layer, which saves most of the time
)


def map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the feature maps from the image down: halved, rounding up, until the longer side is at most 4.

    Example:
        >>> map_sizes(28, 28)
        [(28, 28), (14, 14), (7, 7), (4, 4)]
        >>> map_sizes(1, 1)
        [(1, 1)]
    """
    sizes = [(height, width)]
    while max(sizes[-1]) > SMALLEST_SIDE:
        h, w = sizes[-1]
        sizes.append(((h + 1) // 2, (w + 1) // 2))
    return sizes


def stages(height: int, width: int, base: int, most: int) -> list[tuple[int, int, int]]:
    """(channels, height, width) of each stage with residual blocks, from the largest map to the smallest."""
    sizes = map_sizes(height, width)
    if min(height, width) >= FULL_RESOLUTION_FROM:
        sizes = sizes[1:]
    return [(min(base * 2**i, most), h, w) for i, (h, w) in enumerate(sizes)]


def norm_act(channels: int) -> nn.Sequential:
    """Batch normalisation and SiLU."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.SiLU())


def conv3(n_in: int, n_out: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution without bias (a normalisation follows)."""
    return nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)


class Residual(nn.Module):
    """x + conv(act(conv(act(x)))) on maps `[B, channels, H, W]`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm_act(channels), conv3(channels, channels), norm_act(channels), conv3(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x + self.body(x)


class Upsample(nn.Module):
    """Twice the size, cropped to a given one: a 1 x 1 convolution to four times the channels, which become 2 x 2 pixels.

    Sub-pixel convolution after Shi et al. 2016; a quarter of the work of a 3 x 3 convolution on the enlarged map. The
    four kernels start equal (Aitken et al. 2017), so that no checkerboard is there to be unlearned.
    """

    def __init__(self, n_in: int, n_out: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, 4 * n_out, 1, bias=False)
        self.shuffle = nn.PixelShuffle(2)
        self.size = size
        with torch.no_grad():
            self.conv.weight.copy_(self.conv.weight[::4].repeat_interleave(4, 0))

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, h, w]` to `[B, n_out, *size]`, size at most (2 h, 2 w)."""
        return self.shuffle(self.conv(x))[..., : self.size[0], : self.size[1]]


class ConvEncoder(nn.Module):
    """Features of an image: stem, one stage of residual blocks for each halving of the map, one dense layer.

    Args:
        event_shape: `[C, H, W]`.
        inputs: what is done to the pixels first (default: [0, 1] to [-1, 1]).
        base: channels of the largest map; they double with each halving, up to `most`.
        blocks: residual blocks in each stage.
        width: features given out.
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        inputs: nn.Module | None = None,
        base: int = 32,
        most: int = 256,
        blocks: int = 1,
        width: int = 256,
    ) -> None:
        super().__init__()
        channels, height, width_px = event_shape
        plan = stages(height, width_px, base, most)
        stride = 1 if plan[0][1:] == (height, width_px) else 2
        layers: list[nn.Module] = [conv3(channels, plan[0][0], stride)]
        for index, (c, *_) in enumerate(plan):
            layers += [Residual(c) for _ in range(blocks)] + [norm_act(c)]
            if index + 1 < len(plan):
                layers.append(conv3(c, plan[index + 1][0], stride=2))
        self.inputs = inputs or Centred()
        self.maps = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(plan[-1]), width), nn.SiLU())
        self.n_features = width

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Features `[B, width]` of images."""
        return self.head(self.maps(self.inputs(x)))


class ConvDecoder(nn.Module):
    """The mirror of `ConvEncoder`: codes `[N, latent_dim]` to likelihood parameters `[N, n_outputs, C, H, W]`.

    Args:
        latent_dim: length of a code.
        n_outputs: numbers that the likelihood wants for each element of the event.
        event_shape: `[C, H, W]`.
        base: channels of the largest map with residual blocks; they double with each halving, up to `most`.
        blocks: residual blocks in each stage.
        width: hidden width of the dense part.
        skip: whether the code enters every layer (Dieng et al. 2019): a matrix of each layer's own turns it into one number
            for each channel, which is added to the map.
    """

    def __init__(
        self,
        latent_dim: int,
        n_outputs: int,
        event_shape: Sequence[int],
        base: int = 32,
        most: int = 256,
        blocks: int = 1,
        width: int = 256,
        skip: bool = False,
    ) -> None:
        super().__init__()
        channels, height, width_px = event_shape
        plan = stages(height, width_px, base, most)[::-1]
        layers: list[nn.Module] = []
        for index, (c, *_) in enumerate(plan):
            layers += [Residual(c) for _ in range(blocks)] + [norm_act(c)]
            if index + 1 < len(plan):
                next_c, h, w = plan[index + 1]
                layers.append(Upsample(c, next_c, (h, w)))
        last = plan[-1][0]
        if plan[-1][1:] != (
            height,
            width_px,
        ):  # full resolution is expensive: few channels and no residual block
            narrow = max(last // 2, 16)
            layers += [Upsample(last, narrow, (height, width_px)), norm_act(narrow)]
            last = narrow
        layers.append(conv3(last, n_outputs * channels))
        self.head = nn.Sequential(
            nn.Linear(latent_dim, width),
            nn.SiLU(),
            nn.Linear(width, math.prod(plan[0])),
            nn.Unflatten(1, plan[0]),
        )
        self.maps = nn.Sequential(*layers)
        # by the place of the layer after which it is added; -1 is the first map
        self.skips = nn.ModuleDict()
        if skip:
            self.skips["-1"] = nn.Linear(latent_dim, plan[0][0], bias=False)
            current = plan[0][0]
            for index, layer in enumerate(layers):
                if isinstance(layer, Upsample):
                    current = layer.conv.out_channels // 4
                if index + 1 == len(layers):
                    current = n_outputs * channels
                if isinstance(layer, Residual | Upsample) or index + 1 == len(layers):
                    self.skips[str(index)] = nn.Linear(latent_dim, current, bias=False)
        self.shape = (n_outputs, channels, height, width_px)
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Float[Tensor, "codes latent"]) -> Tensor:
        """Outputs of a batch of codes."""
        maps = self._with_skip(self.head(z), z, -1)
        for index, layer in enumerate(self.maps):
            maps = self._with_skip(layer(maps), z, index)
        return self.offset(maps.unflatten(1, self.shape[:2]))

    def _with_skip(self, maps: Tensor, z: Tensor, index: int) -> Tensor:
        name = str(index)
        return maps + self.skips[name](z)[..., None, None] if name in self.skips else maps
