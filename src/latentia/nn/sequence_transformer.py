"""A causal transformer over tokens that a code speaks through."""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from latentia import draws
from latentia.errors import ConfigError
from latentia.nn.attention import Block
from latentia.nn.sequence import N_HEADS, check_length
from latentia.nn.sequence_decoders import TokenDecoder


class TransformerDecoder(TokenDecoder):
    r"""Causal blocks over the tokens; the code is added to every input and is a place of its own that all positions see.

    .. math:: h^0_t = e(x_{t-1}) + p_t + W z, \qquad \text{in each layer attention over } \{m_l(z), 1, \dots, t\}

    with a key and a value m_l(z) for each layer, linear in z.

    Args:
        latent_dim: length of a code.
        n_tokens: V.
        width: features of a position, a multiple of 4.
        longest: positions that there are: tokens of the longest sequence, its end included.
        n_layers: blocks.
        options: of `TokenDecoder`.

    Raises:
        ConfigError: if 4 heads do not divide the width.

    Source: Li et al. 2020, Optimus, section 3 (its memory and embedding schemes together); blocks of Vaswani et al. 2017.
    """

    def __init__(
        self, latent_dim: int, n_tokens: int, width: int, longest: int, n_layers: int = 2, **options: Any
    ) -> None:
        super().__init__(latent_dim, n_tokens, width, width, **options)
        if width % N_HEADS:
            raise ConfigError(f"width={width}: a multiple of {N_HEADS} is expected, for so many heads")
        self.places = nn.Parameter(0.02 * draws.randn((longest, width)))
        self.blocks = nn.ModuleList(Block(width, N_HEADS) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)
        self.added = nn.Linear(latent_dim, width, bias=False) if latent_dim else None
        self.memory = nn.Linear(latent_dim, 2 * n_layers * width) if latent_dim else None

    def reset(self) -> None:
        """See `TokenDecoder.reset`."""
        super().reset()
        with torch.no_grad():
            self.places.copy_(0.02 * draws.randn(self.places.shape, device=self.places.device))

    def hidden(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time width"]:
        """See `TokenDecoder.hidden`.

        Raises:
            DataError: for a sequence that is longer than there are positions.
        """
        length = x.shape[1]
        check_length(length, len(self.places))
        h = self._entered(self.inputs(x), z, slice(0, length))
        if self.memory is None:
            for block in self._blocks:
                h = block(h)
            return self.norm(h)
        seen = torch.ones(length, length + 1, dtype=torch.bool, device=x.device).tril(1)
        for block, (key, value) in zip(self._blocks, self._memory(z), strict=True):
            query, keys, values = block.heads(h)
            keys, values = torch.cat([key, keys], 2), torch.cat([value, values], 2)
            h = block.onward(
                h, nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=seen)
            )
        return self.norm(h)

    def begin(self, z: Float[Tensor, "batch latent"], longest: int) -> Any:
        """See `TokenDecoder.begin`: keys and values of all layers, `[B, layers, 2, heads, places, width / heads]`."""
        check_length(longest, len(self.places))
        width, layers = self.places.shape[1], len(self.blocks)
        kept = z.new_zeros(len(z), layers, 2, N_HEADS, longest + 1, width // N_HEADS)
        if self.memory is not None:
            for layer, (key, value) in enumerate(self._memory(z)):
                kept[:, layer, 0, :, :1], kept[:, layer, 1, :, :1] = key, value
        return z, kept

    def step(
        self, token: Int64[Tensor, " batch"], state: Any, t: int
    ) -> tuple[Float[Tensor, "batch width"], Any]:
        """See `TokenDecoder.step`."""
        z, kept = state
        h = self._entered(token[:, None], z, slice(t, t + 1))
        first = 0 if self.memory is not None else 1  # without a code its place is left out
        for layer, block in enumerate(self._blocks):
            keys, values = kept[:, layer, 0, :, first:], kept[:, layer, 1, :, first:]
            h = block.step(h, keys, values, t + 1 - first)
        return self.norm(h)[:, 0], (z, kept)

    @property
    def _blocks(self) -> list[Block]:
        return cast("list[Block]", list(self.blocks))

    def _entered(self, tokens: Tensor, z: Tensor, places: slice) -> Tensor:
        h = self.embed(tokens) + self.places[places]
        return self.dropout(h if self.added is None else h + self.added(z)[:, None])

    def _memory(self, z: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The code's key and value of each layer, `[B, heads, 1, width / heads]`."""
        assert self.memory is not None
        parts = self.memory(z).unflatten(-1, (len(self.blocks), 2, N_HEADS, 1, -1))
        return [(part[:, 0], part[:, 1]) for part in parts.unbind(1)]
