"""Perceptrons for vectors: residual, with layer normalisation, so that a batch of any size trains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Offset(nn.Module):
    """A learned constant added to a decoder's outputs, started where the data's mean lies.

    Args:
        n_outputs: numbers that the likelihood wants for each element of the event.
        event_shape: shape of one datum.
    """

    def __init__(self, n_outputs: int, event_shape: Sequence[int]) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(n_outputs, *event_shape))

    def forward(self, outputs: Tensor) -> Tensor:
        """Add the constant to `[*, n_outputs, *event]`."""
        return outputs + self.value

    @torch.no_grad()
    def start_at(self, value: Tensor) -> None:
        """Set the constant, `[n_outputs, *event]`."""
        self.value.copy_(value)


class ResidualMLP(nn.Module):
    """Linear -> (x + Linear(SiLU(Linear(LayerNorm(x))))) x `depth`: features `[B, width]` from `[B, n_inputs]`."""

    def __init__(self, n_inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_inputs, width)
        self.blocks = nn.ModuleList(_residual_branch(width) for _ in range(depth))
        self.last = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch inputs"], added: Sequence[Tensor] = ()
    ) -> Float[Tensor, "batch width"]:
        """Features of a batch; `added[i]`, `[B, width]`, is added to what block i gives."""
        h = self.first(x)
        for index, block in enumerate(self.blocks):
            h = h + block(h)
            if added:
                h = h + added[index]
        return nn.functional.silu(self.last(h))


def _residual_branch(width: int) -> nn.Sequential:
    end = nn.Linear(width, width)
    nn.init.zeros_(end.weight)  # each block starts as the identity
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), end)


class MLPEncoder(nn.Module):
    """Features of a vector (or of an image taken as a vector).

    Args:
        event_shape: shape of one datum, `[d]` or `[C, H, W]`.
        inputs: what is done to the data first (`LogCounts` widens them by one column).
        width: hidden width.
        depth: residual blocks.
    """

    def __init__(
        self, event_shape: Sequence[int], inputs: nn.Module | None = None, width: int = 256, depth: int = 2
    ) -> None:
        super().__init__()
        self.inputs = inputs or nn.Identity()
        n_inputs = self.inputs(torch.zeros(1, math.prod(event_shape))).shape[-1]
        self.body = ResidualMLP(n_inputs, width, depth)
        self.n_features = width

    def forward(self, x: Tensor) -> Float[Tensor, "batch features"]:
        """Features `[B, width]` of data `[B, *event]`."""
        return self.body(self.inputs(x.flatten(1)))


class MLPDecoder(nn.Module):
    """Parameters of a likelihood from codes: `[N, latent_dim]` to `[N, n_outputs, *event]`.

    Args:
        latent_dim: length of a code.
        n_outputs: numbers that the likelihood wants for each element of the event.
        event_shape: shape of one datum.
        width: hidden width.
        depth: residual blocks.
        skip: whether the code enters every hidden layer and the output, each through a matrix of its own (Dieng et al.
            2019), and not the first layer alone.
    """

    def __init__(
        self,
        latent_dim: int,
        n_outputs: int,
        event_shape: Sequence[int],
        width: int = 256,
        depth: int = 2,
        skip: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (n_outputs, *event_shape)
        self.body = ResidualMLP(latent_dim, width, depth)
        self.head = nn.Linear(width, math.prod(self.shape), bias=False)
        self.offset = Offset(n_outputs, event_shape)
        widths = [width] * depth + [math.prod(self.shape)] if skip else []
        self.skips = nn.ModuleList(nn.Linear(latent_dim, n, bias=False) for n in widths)

    def forward(self, z: Float[Tensor, "codes latent"]) -> Tensor:
        """Outputs of a batch of codes."""
        *hidden, output = [skip(z) for skip in self.skips] or [None]
        out = self.head(self.body(z, hidden))
        return self.offset((out if output is None else out + output).unflatten(1, self.shape))
