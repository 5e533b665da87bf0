"""The convolutional networks of the ResLag report: plain stages of 3 x 3 convolutions, and the same with taps at every scale.

Sizes. Images whose longer side is below 32 pixels (MNIST): three convolutions of 8, 16 and 32 channels with stride 2, the last
without padding, so that 28 x 28 pixels become 288 numbers, and a dense layer of 128; with taps, of which the report has none at this
size, 32, 64 and 128 channels. Larger ones: the map is halved until its longer side is at most 4, and each halving is a stage;
three stages (2 + 3 + 3 convolutions of 64, 128, 256 channels) at 32 x 32, four (2 + 2 + 3 + 3; 32 to 256) at 64 x 64. The report
gives numbers of convolutions and the sizes for MNIST; channels of the larger ones are this library's choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.conv import map_sizes
from latentia.nn.inputs import Centred
from latentia.nn.mlp import Offset

LARGE_FROM = 32
MOST_CHANNELS = 256
SMALL = (8, 16, 32)
SMALL_WITH_TAPS = (32, 64, 128)
FULL_VALUES = 4096


@dataclass(frozen=True)
class Stage:
    """Convolutions at one scale, the first of which halves the map: channels, size of the map, their number, padding."""

    channels: int
    height: int
    width: int
    convolutions: int = 1
    padding: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """`[channels, height, width]` of its output."""
        return self.channels, self.height, self.width


def plan_stages(height: int, width: int, taps: bool = False) -> list[Stage]:
    """The stages for images of this size, from the largest map to the smallest, of a network with or without taps.

    Example:
        >>> [stage.shape for stage in plan_stages(28, 28)]
        [(8, 14, 14), (16, 7, 7), (32, 3, 3)]
        >>> [stage.shape for stage in plan_stages(28, 28, taps=True)]
        [(32, 14, 14), (64, 7, 7), (128, 4, 4)]
        >>> [(*stage.shape, stage.convolutions) for stage in plan_stages(32, 32)]
        [(64, 16, 16, 2), (128, 8, 8, 3), (256, 4, 4, 3)]
    """
    if max(height, width) < LARGE_FROM:
        stages, size = [], (height, width)
        for index, channels in enumerate(SMALL_WITH_TAPS if taps else SMALL):
            padding = 0 if index == 2 and min(size) >= 3 and not taps else 1
            size = ((size[0] + 2 * padding - 3) // 2 + 1, (size[1] + 2 * padding - 3) // 2 + 1)
            stages.append(Stage(channels, *size, padding=padding))
        return stages
    sizes = map_sizes(height, width)[1:]
    last = len(sizes) - 1
    return [
        Stage(max(8, MOST_CHANNELS >> (last - i)), h, w, 3 if i >= last - 1 else 2)
        for i, (h, w) in enumerate(sizes)
    ]


def plan_taps(stages: Sequence[Stage], light: bool) -> list[tuple[int, int, int]]:
    """`[channels, height, width]` of the map that each stage adds to the code: about as many numbers at every scale.

    That is 4096, or in the light form as many as the largest map has pixels; never more channels than the stage has.

    Example:
        >>> [math.prod(tap) for tap in plan_taps(plan_stages(32, 32), light=False)]
        [4096, 4096, 4096]
        >>> plan_taps(plan_stages(64, 64), light=True)
        [(1, 32, 32), (4, 16, 16), (16, 8, 8), (64, 4, 4)]
    """
    values = stages[0].height * stages[0].width if light else FULL_VALUES
    return [
        (min(stage.channels, max(1, round(values / (stage.height * stage.width)))), stage.height, stage.width)
        for stage in stages
    ]


def _conv(n_in: int, n_out: int, stride: int = 1, padding: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride, padding, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()
    )


class Enlarge(nn.Module):
    """Transposed 3 x 3 convolution with stride 2, batch normalisation and ReLU, to a map of a given size.

    Args:
        n_in: channels before.
        n_out: channels after.
        size: of the map before.
        target: of the map after; that of the stage which it mirrors.
        padding: of the convolution which it mirrors.
        activate: False leaves normalisation and ReLU out, and takes a bias (for the outputs).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: tuple[int, int],
        target: tuple[int, int],
        padding: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        short = tuple(b - (2 * a + 1 - 2 * padding) for a, b in zip(size, target, strict=True))
        self.conv = nn.ConvTranspose2d(
            n_in, n_out, 3, 2, padding, output_padding=(short[0], short[1]), bias=not activate
        )
        self.rest = nn.Sequential(nn.BatchNorm2d(n_out), nn.ReLU()) if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, *size]` to `[B, n_out, *target]`."""
        return self.rest(self.conv(x))


class ReportEncoder(nn.Module):
    """Stages of convolutions; the smallest map, or compressed maps of every scale, are the features.

    Args:
        event_shape: `[C, H, W]`.
        inputs: what is done to the pixels first (default: [0, 1] to [-1, 1]).
        taps: None: the last map alone, through a dense layer of 128 for small images; "full" or "light": each stage's map
            goes through a 1 x 1 convolution, and all of them, laid end to end, are the features (ResLag).
    """

    def __init__(
        self, event_shape: Sequence[int], inputs: nn.Module | None = None, taps: str | None = None
    ) -> None:
        super().__init__()
        channels, height, width = event_shape
        plan = plan_stages(height, width, taps is not None)
        self.inputs = inputs or Centred()
        self.stages = nn.ModuleList()
        for stage in plan:
            layers = [_conv(channels, stage.channels, 2, stage.padding)]
            layers += [_conv(stage.channels, stage.channels) for _ in range(stage.convolutions - 1)]
            self.stages.append(nn.Sequential(*layers))
            channels = stage.channels
        self.compress = nn.ModuleList()
        self.head: nn.Module = nn.Flatten()
        if taps is not None:
            shapes = plan_taps(plan, taps == "light")
            for stage, (compressed, _, _) in zip(plan, shapes, strict=True):
                self.compress.append(nn.Conv2d(stage.channels, compressed, 1))
            self.n_features = sum(map(math.prod, shapes))
        elif max(height, width) < LARGE_FROM:
            self.n_features = 128
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(plan[-1].shape), 128), nn.ReLU())
        else:
            self.n_features = math.prod(plan[-1].shape)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Features `[B, n_features]` of images."""
        maps, h = [], self.inputs(x)
        for stage in self.stages:
            h = stage(h)
            maps.append(h)
        if len(self.compress) == 0:
            return self.head(h)
        return torch.cat([tap(h).flatten(1) for tap, h in zip(self.compress, maps, strict=True)], 1)


class ReportDecoder(nn.Module):
    r"""The mirror of `ReportEncoder`: codes `[N, latent_dim]` to likelihood parameters `[N, n_outputs, C, H, W]`.

    With taps, a dense layer gives one map m_i for each scale, i = 1 the smallest, widened by a 1 x 1 convolution w_i; going
    up, they are mixed with what comes from below by a running average, 1:1, then 2:1, 3:1, so that each scale counts alike:

    .. math:: h_1 = w_1(m_1), \quad h_i = \frac{(i - 1) \, \mathrm{up}(h_{i-1}) + w_i(m_i)}{i}

    Args:
        latent_dim: length of a code.
        n_outputs: numbers that the likelihood wants for each element of the event.
        event_shape: `[C, H, W]`.
        taps: as in the encoder.
    """

    def __init__(
        self, latent_dim: int, n_outputs: int, event_shape: Sequence[int], taps: str | None = None
    ) -> None:
        super().__init__()
        channels, height, width = event_shape
        plan = plan_stages(height, width, taps is not None)
        shapes = [plan[-1].shape] if taps is None else plan_taps(plan, taps == "light")
        self.tap_shapes = shapes[::-1]
        sizes = [math.prod(shape) for shape in self.tap_shapes]
        if taps is None and max(height, width) < LARGE_FROM:
            layers = [nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, sum(sizes)), nn.ReLU()]
            self.head = nn.Sequential(*layers)
        else:
            self.head = nn.Sequential(nn.Linear(latent_dim, sum(sizes)), nn.ReLU())
        self.sizes = sizes
        self.widen = nn.ModuleList()
        if taps is not None:
            for stage, (compressed, _, _) in zip(plan[::-1], self.tap_shapes, strict=True):
                self.widen.append(nn.Sequential(nn.Conv2d(compressed, stage.channels, 1), nn.ReLU()))
        self.up = nn.ModuleList()
        for stage, next_stage in zip(plan[::-1], plan[-2::-1], strict=False):
            mirrored = [_conv(stage.channels, stage.channels) for _ in range(stage.convolutions - 1)]
            target = (next_stage.height, next_stage.width)
            enlarge = Enlarge(
                stage.channels, next_stage.channels, (stage.height, stage.width), target, stage.padding
            )
            self.up.append(nn.Sequential(*mirrored, enlarge))
        first = plan[0]
        self.out = nn.Sequential(
            *[_conv(first.channels, first.channels) for _ in range(first.convolutions - 1)],
            Enlarge(
                first.channels,
                n_outputs * channels,
                (first.height, first.width),
                (height, width),
                first.padding,
                activate=False,
            ),
        )
        self.shape = (n_outputs, channels)
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Float[Tensor, "codes latent"]) -> Tensor:
        """Outputs of a batch of codes."""
        parts = self.head(z).split(self.sizes, 1)
        maps = [part.unflatten(1, shape) for part, shape in zip(parts, self.tap_shapes, strict=True)]
        if len(self.widen):
            maps = [widen(part) for widen, part in zip(self.widen, maps, strict=True)]
        h = maps[0]
        for index, up in enumerate(self.up, 1):
            h = up(h)
            if len(self.widen):
                h = (index * h + maps[index]) / (index + 1)
        return self.offset(self.out(h).unflatten(1, self.shape))
