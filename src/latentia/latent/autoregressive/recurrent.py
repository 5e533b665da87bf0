"""The stack of the PixelRNNs: a masked convolution, then recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast, runtime_checkable

from torch import Tensor, nn

from latentia.latent.autoregressive.base import Parts
from latentia.latent.autoregressive.causal import (
    CausalConv2d,
    CausalConvWalk,
    Conditioning,
    conditioned,
    row_of,
)
from latentia.latent.autoregressive.features import Stack, check_layers


@runtime_checkable
class RecurrentLayerWalk(Protocol):
    """A recurrent layer pixel by pixel."""

    def row(self, r: int) -> None:
        """Row r begins."""
        ...

    def column(self, c: int, u: Tensor) -> Tensor:
        """The layer's output at column c, for its input there."""
        ...


class RecurrentLayer(nn.Module):
    """A layer `[B, 2 n_hidden, H, W]` to the same shape, with a residual around it."""

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> RecurrentLayerWalk:
        """Pixel by pixel."""
        raise NotImplementedError


class RecurrentStack(Stack):
    """A convolution with mask A, then recurrent layers.

    Args:
        n_in: features of the embedded pixels.
        n_hidden: features of a layer's state.
        n_layers: recurrent layers.
        first_kernel_size: of the convolution.
        n_groups: image channels.
        n_context: length of a context vector.
        n_map: channels of a context map.
        layer: makes a recurrent layer.
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_layers: int,
        first_kernel_size: int,
        n_groups: int,
        n_context: int,
        n_map: int,
        layer: Callable[[], RecurrentLayer],
    ) -> None:
        super().__init__()
        check_layers(n_hidden, n_layers, first_kernel_size)
        self.n_groups, self.n_features = n_groups, 2 * n_hidden
        reach = first_kernel_size // 2
        self.first = CausalConv2d(n_in, 2 * n_hidden, reach, reach, n_groups, centre=False)
        self.first_condition = Conditioning(n_context, n_map, 2 * n_hidden)
        self.layers = nn.ModuleList(layer() for _ in range(n_layers))

    def forward(self, embedded: Tensor, parts: Parts) -> Tensor:
        """`[B, n_in, H, W]` to `[B, 2 n_hidden, H, W]`."""
        u = conditioned(self.first(embedded), self.first_condition(parts))
        for layer in self.layers:
            u = layer(u, parts)
        return u

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> RecurrentStackWalk:
        """Pixel by pixel."""
        return RecurrentStackWalk(self, batch, size, parts)


class RecurrentStackWalk:
    """A `RecurrentStack` pixel by pixel; what a layer must remember, its own walk does."""

    def __init__(self, stack: RecurrentStack, batch: int, size: tuple[int, int], parts: Parts) -> None:
        self.first = CausalConvWalk(stack.first, batch, *size)
        self.first_condition = stack.first_condition(parts)
        self.layers = [cast("RecurrentLayer", layer).walk(batch, size, parts) for layer in stack.layers]

    def row(self, r: int) -> None:
        """Row r begins."""
        self.first.row(r, row_of(self.first_condition, r))
        for layer in self.layers:
            layer.row(r)

    def put(self, c: int, value: Tensor) -> None:
        """Set an embedded pixel."""
        self.first.put(c, value)

    def column(self, c: int) -> Tensor:
        """Features `[B, 2 n_hidden]`."""
        u = self.first.column(c)
        for layer in self.layers:
            u = layer.column(c, u)
        return u
