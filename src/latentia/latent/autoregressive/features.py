"""What densities made of causal convolutions share: levels to numbers, a stack of layers, features to logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.errors import ConfigError
from latentia.latent.autoregressive.base import AutoregressiveDensity, Context, Parts, Walk
from latentia.latent.autoregressive.causal import CausalConv2d, PointwiseWalk

EMBEDDING_WIDTH = 32
"""Most numbers that stand for one unordered level."""


class LevelEmbedding(nn.Module):
    """Levels `[B, C, ...]` as features `[B, C E, ...]`: one number in [-1, 1] for ordered levels, else a learned vector.

    Args:
        n_levels: K.
        ordered: whether level k + 1 is next to k (grey values) or they are names (codes).
    """

    def __init__(self, n_levels: int, ordered: bool) -> None:
        super().__init__()
        self.width = 1 if ordered or n_levels <= 2 else min(n_levels, EMBEDDING_WIDTH)
        self.table = nn.Embedding(n_levels, self.width) if self.width > 1 else None
        self.register_buffer("step", torch.tensor(2.0 / max(1, n_levels - 1)), persistent=False)

    step: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Features of all pixels, `[B, C E, ...]`."""
        if self.table is None:
            return x.to(self.step.dtype) * self.step - 1
        return self.table(x).movedim(-1, 2).flatten(1, 2)


@runtime_checkable
class StackWalk(Protocol):
    """A stack of causal layers, pixel by pixel."""

    def row(self, r: int) -> None:
        """Row r begins, the rows above it being complete."""
        ...

    def put(self, c: int, value: Tensor) -> None:
        """Set the embedded pixel at column c of the present row, `[B, n_in]`."""
        ...

    def column(self, c: int) -> Tensor:
        """Features `[B, F]` at column c of the present row, from the pixels put so far."""
        ...


class Stack(nn.Module):
    """Layers from embedded pixels to features that see only earlier numbers.

    Attributes:
        n_groups: image channels that its features are shared among; 1: features see whole earlier pixels only.
        n_features: F, of the output.
    """

    n_groups: int
    n_features: int

    def forward(self, embedded: Tensor, parts: Parts) -> Tensor:
        """`[B, n_in, H, W]` to `[B, F, H, W]`."""
        raise NotImplementedError

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> StackWalk:
        """The same, pixel by pixel, for B images of H x W."""
        raise NotImplementedError


class Head(nn.Module):
    """Features to logits; `x` is there for heads whose later channels depend on the earlier ones directly."""

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        """Features `[B, F, H, W]` and levels `[B, C, H, W]` to `[B, C, H, W, K]`."""
        raise NotImplementedError

    def at_pixel(self) -> PixelHead:
        """The same for one channel of one pixel."""
        raise NotImplementedError


@runtime_checkable
class PixelHead(Protocol):
    """A head at one pixel."""

    def __call__(self, features: Tensor, pixel: Tensor, channel: int) -> Tensor:
        """Features `[B, F]` and levels `[B, C]` to `[B, K]`."""
        ...


class CategoricalHead(Head):
    """One free logit for each level of each channel: ReLU, 1 x 1, ReLU, 1 x 1.

    Args:
        n_features: F.
        n_channels: C, image channels, among which features and outputs are shared.
        n_levels: K.

    Source: van den Oord et al. 2016 (pixel recurrent neural networks), table 1.
    """

    def __init__(self, n_features: int, n_channels: int, n_levels: int) -> None:
        super().__init__()
        self.n_channels, self.n_levels = n_channels, n_levels
        self.hidden = CausalConv2d(n_features, n_features, 0, 0, n_channels, centre=True)
        self.out = CausalConv2d(n_features, n_channels * n_levels, 0, 0, n_channels, centre=True)
        with torch.no_grad():
            self.out.weight.mul_(0.1)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:  # noqa: ARG002
        """Logits of all pixels, `[B, C, H, W, K]`."""
        logits = self.out(F.relu(self.hidden(F.relu(features))))
        return logits.unflatten(1, (self.n_channels, self.n_levels)).movedim(2, -1)

    def at_pixel(self) -> PixelHead:
        """The same for one channel of one pixel."""
        hidden, out, n_levels = PointwiseWalk(self.hidden), PointwiseWalk(self.out), self.n_levels

        def logits(features: Tensor, pixel: Tensor, channel: int) -> Tensor:  # noqa: ARG001
            found = out(hidden(features.relu()).relu_())
            return found[:, channel * n_levels : (channel + 1) * n_levels]

        return logits


class LayeredDensity(AutoregressiveDensity):
    """Embedding, stack and head; the sampler keeps every layer's activations.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        sizes: of the network, as the class says.
    """

    stack: Stack
    head: Head
    _layers: Callable[..., None]
    """Sets `stack` and `head`, of given sizes; what is not given has a default."""

    def __init__(
        self,
        event_shape: Sequence[int],
        n_levels: int,
        n_context: int = 0,
        n_map: int = 0,
        *,
        ordered: bool = False,
        **sizes: int,
    ) -> None:
        super().__init__(event_shape, n_levels, n_context, n_map)
        self.embedding = LevelEmbedding(self.n_levels, ordered)
        self.n_embedded = self.event_shape[0] * self.embedding.width
        self._layers(**sizes)

    def features(self, x: Tensor, context: Context = None) -> Tensor:
        """The stack's output `[B, F, H, W]` for levels `[B, C, H, W]`."""
        return self.stack(self.embedding(x), self.context_parts(context, len(x)))

    def logits(self, x: Tensor, context: Context = None) -> Tensor:
        """Logits `[B, C, H, W, K]`."""
        x = self.check(x)
        return self.head(self.features(x, context), x)

    def walk(self, x: Tensor, parts: Parts) -> Walk:
        """A walk that keeps the activations of earlier pixels."""
        return _LayeredWalk(self, x, parts)


class _LayeredWalk:
    """Puts each drawn pixel into the stack and takes the logits of the next."""

    def __init__(self, density: LayeredDensity, x: Tensor, parts: Parts) -> None:
        _, height, width = density.event_shape
        self.x, self.width = x, width
        self.embedding = density.embedding
        self.n_groups = density.stack.n_groups
        self.stack = density.stack.walk(len(x), (height, width), parts)
        self.head = density.head.at_pixel()

    def _put(self, r: int, c: int) -> None:
        self.stack.put(c, self.embedding(self.x[:, :, r, c]))

    def row(self, r: int) -> None:
        """Row r begins."""
        if r > 0:
            self._put(r - 1, self.width - 1)
        self.stack.row(r)

    def logits(self, r: int, c: int, channel: int) -> Tensor:
        """Logits `[B, K]`."""
        if channel == 0 and c > 0:
            self._put(r, c - 1)
        if self.n_groups > 1:  # the channels of this pixel that are known; the others are masked
            self._put(r, c)
        if channel == 0 or self.n_groups > 1:
            self.found = self.stack.column(c)
        return self.head(self.found, self.x[:, :, r, c], channel)


def check_layers(n_channels: int, n_layers: int, *kernel_sizes: int) -> None:
    """Raises `ConfigError` for sizes of a network that no network has."""
    for name, value in (("n_channels", n_channels), ("n_layers", n_layers)):
        if int(value) != value or value < 1:
            raise ConfigError(f"{name}={value!r}: expected a whole number of at least 1")
    for size in kernel_sizes:
        if int(size) != size or size < 3 or size % 2 == 0:
            raise ConfigError(f"kernel size {size!r}: expected an odd whole number of at least 3")
