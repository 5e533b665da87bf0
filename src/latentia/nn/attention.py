"""Blocks of transformers: attention and a two-layer network, each after a layer normalisation and with a residual."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Attention to earlier positions and a two-layer network, each after a layer normalisation and with a residual.

    Args:
        width: features of a position.
        n_heads: attention heads, which divide `width`.

    Source: Vaswani et al. 2017, Attention Is All You Need; normalisation first as in Xiong et al. 2020.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def heads(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of each head, `[B, heads, T, width / heads]`."""
        parts = self.query_key_value(self.norm(h)).unflatten(-1, (3, self.n_heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        return query, key, value

    def onward(self, h: Tensor, attended: Tensor) -> Tensor:
        """What follows attention: `attended` is `[B, heads, T, width / heads]`."""
        h = h + self.merge(attended.transpose(1, 2).flatten(2))
        return h + self.inner(self.inner_norm(h))

    def forward(self, h: Tensor) -> Tensor:
        """All positions at once, each with those before it, `[B, T, width]` to the same shape."""
        return self.onward(h, F.scaled_dot_product_attention(*self.heads(h), is_causal=True))

    def among(self, h: Tensor, seen: Tensor) -> Tensor:
        """All positions at once, each with those that it sees: `seen` is True there, broadcast to `[B, heads, T, T]`."""
        return self.onward(h, F.scaled_dot_product_attention(*self.heads(h), attn_mask=seen))

    def step(self, h: Tensor, keys: Tensor, values: Tensor, t: int) -> Tensor:
        """Position t, `[B, 1, width]` to the same shape; its key and value are entered in those kept."""
        query, keys[:, :, t : t + 1], values[:, :, t : t + 1] = self.heads(h)
        return self.onward(
            h, F.scaled_dot_product_attention(query, keys[:, :, : t + 1], values[:, :, : t + 1])
        )
