"""Plain perceptrons, as in the papers against whose likelihoods those of others are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.mlp import Offset


def tanh_layers(n_inputs: int, width: int, depth: int) -> nn.Sequential:
    """`depth` times Linear -> tanh, started as Glorot & Bengio 2010 (eq. 16) do: `[B, n_inputs]` to `[B, width]`."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        linear = nn.Linear(n_inputs, width)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
        n_inputs = width
    return nn.Sequential(*layers)


class PlainMLPEncoder(nn.Module):
    """Features of a vector, or of an image taken as one: tanh layers without normalisation or shortcuts.

    Source: Burda et al. 2016, section 5.1, the model with one stochastic layer (784-200-200-50).

    Args:
        event_shape: shape of one datum.
        inputs: what is done to the data first.
        width: of each layer.
        depth: number of layers.

    Example:
        >>> PlainMLPEncoder((1, 28, 28))(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 200])
    """

    def __init__(
        self, event_shape: Sequence[int], inputs: nn.Module | None = None, width: int = 200, depth: int = 2
    ) -> None:
        super().__init__()
        self.inputs = inputs or nn.Identity()
        n_inputs = self.inputs(torch.zeros(1, math.prod(event_shape))).shape[-1]
        self.body = tanh_layers(n_inputs, width, depth)
        self.n_features = width

    def forward(self, x: Tensor) -> Float[Tensor, "batch features"]:
        """Features `[B, width]` of data `[B, *event]`."""
        return self.body(self.inputs(x.flatten(1)))


class PlainMLPDecoder(nn.Module):
    """The mirror of `PlainMLPEncoder`: codes `[N, latent_dim]` to likelihood parameters `[N, n_outputs, *event]`.

    Example:
        >>> PlainMLPDecoder(50, 1, (1, 28, 28))(torch.zeros(5, 50)).shape
        torch.Size([5, 1, 1, 28, 28])
    """

    def __init__(
        self, latent_dim: int, n_outputs: int, event_shape: Sequence[int], width: int = 200, depth: int = 2
    ) -> None:
        super().__init__()
        self.shape = (n_outputs, *event_shape)
        self.body = tanh_layers(latent_dim, width, depth)
        self.head = nn.Linear(width, math.prod(self.shape), bias=False)
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Float[Tensor, "codes latent"]) -> Tensor:
        """Outputs of a batch of codes."""
        # the offset goes into the product as its bias: no pass of its own over the outputs
        outputs = nn.functional.linear(self.body(z), self.head.weight, self.offset.value.flatten())
        return outputs.unflatten(1, self.shape)
