"""A causal transformer over the raster: every number attends to all before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from latentia.errors import ConfigError
from latentia.latent.autoregressive.base import DENSITIES, AutoregressiveDensity, Context, Parts, Walk
from latentia.latent.autoregressive.causal import Conditioning, conditioned
from latentia.latent.autoregressive.features import LevelEmbedding, check_layers
from latentia.nn.attention import Block


class CausalTransformer(AutoregressiveDensity):
    r"""A decoder-only transformer over the numbers of an image in raster order, channels innermost.

    Position t gets the number at t - 1, learned vectors of its row, column and channel, and the context. Its cost grows
    with the square of the C H W numbers: meant for maps of codes and small images.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        n_channels: features of a position, a multiple of `n_heads`.
        n_layers: blocks.
        n_heads: attention heads.

    Raises:
        ConfigError: for a wrong size.

    Source: Vaswani et al. 2017, Attention Is All You Need; over pixels: Parmar et al. 2018, Image Transformer.

    Example:
        >>> density = CausalTransformer((1, 3, 4), n_levels=5, n_channels=16, n_layers=1)
        >>> density.sample(2).shape
        torch.Size([2, 1, 3, 4])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_levels: int,
        n_context: int = 0,
        n_map: int = 0,
        *,
        ordered: bool = False,
        n_channels: int = 64,
        n_layers: int = 4,
        n_heads: int = 4,
    ) -> None:
        super().__init__(event_shape, n_levels, n_context, n_map)
        check_layers(n_channels, n_layers)
        if n_heads < 1 or n_channels % n_heads:
            raise ConfigError(f"n_heads={n_heads} does not divide n_channels={n_channels}; give a divisor")
        channels, height, width = self.event_shape
        self.embedding = LevelEmbedding(self.n_levels, ordered)
        self.enter = nn.Linear(self.embedding.width, n_channels)
        self.start = nn.Parameter(0.02 * torch.randn(n_channels))
        self.places = nn.ParameterList(
            0.02 * torch.randn(size, n_channels) for size in (height, width, channels)
        )
        self.condition = Conditioning(self.n_context, self.n_map, n_channels)
        self.blocks = nn.ModuleList(Block(n_channels, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(n_channels)
        self.out = nn.Linear(n_channels, self.n_levels)

    def positions(self, parts: Parts) -> Tensor:
        """What position and context give to each number, `[B or 1, T, n_channels]`, T = H W C."""
        rows, columns, channels = self.places
        places = rows[:, None, None] + columns[:, None] + channels  # [H, W, C, F]
        condition = self.condition(parts)  # [B, F, H or 1, W or 1]
        at_pixels = None if condition is None else condition.permute(0, 2, 3, 1)[:, :, :, None]
        return conditioned(places[None], at_pixels).flatten(1, 3)

    def enter_levels(self, x: Tensor) -> Tensor:
        """Numbers `[B, T]` as features `[B, T, n_channels]`."""
        return self.enter(self.embedding(x[:, None]).movedim(1, -1))

    def logits(self, x: Tensor, context: Context = None) -> Tensor:
        """Logits `[B, C, H, W, K]`."""
        x = self.check(x)
        channels, height, width = self.event_shape
        raster = x.permute(0, 2, 3, 1).flatten(1)
        start = self.start.expand(x.shape[0], 1, -1)
        h = torch.cat([start, self.enter_levels(raster[:, :-1])], 1)
        h = h + self.positions(self.context_parts(context, len(x)))
        for block in self.blocks:
            h = block(h)
        return self.out(self.norm(h)).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2, 4)

    def walk(self, x: Tensor, parts: Parts) -> Walk:
        """A walk that keeps keys and values."""
        return _TransformerWalk(self, x, parts)


class _TransformerWalk:
    """Keys and values of all positions so far, `[layers, 2, B, heads, T, width / heads]`."""

    def __init__(self, density: CausalTransformer, x: Tensor, parts: Parts) -> None:
        self.density, self.x = density, x
        self.positions = density.positions(parts)
        self.blocks = cast("list[Block]", list(density.blocks))
        width, n_heads = density.norm.weight.shape[0], self.blocks[0].n_heads
        n_positions = density.event_shape.numel()
        self.kept = self.positions.new_zeros(
            len(self.blocks), 2, len(x), n_heads, n_positions, width // n_heads
        )

    def row(self, r: int) -> None:
        """A row begins: nothing to do."""

    def logits(self, r: int, c: int, channel: int) -> Tensor:
        """Logits `[B, K]`."""
        density = self.density
        channels, _, width = density.event_shape
        t = (r * width + c) * channels + channel
        h = density.start.expand(len(self.x), 1, -1)
        if t > 0:
            pixel, before = divmod(t - 1, channels)
            h = density.enter_levels(self.x[:, before, pixel // width, pixel % width, None])
        h = h + self.positions[:, t : t + 1]
        for block, (keys, values) in zip(self.blocks, self.kept, strict=True):
            h = block.step(h, keys, values, t)
        return density.out(density.norm(h))[:, 0]


DENSITIES.add("causal-transformer", CausalTransformer)
