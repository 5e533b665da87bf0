"""Small densities for tests."""

from __future__ import annotations

import torch

from latentia.latent.autoregressive import build_density

CONVOLUTIONS = {"n_channels": 12, "n_layers": 3, "kernel_size": 3, "first_kernel_size": 5}
SMALL = {
    "pixelcnn": CONVOLUTIONS,
    "gated-pixelcnn": CONVOLUTIONS,
    "pixelcnn++": {**CONVOLUTIONS, "n_components": 3},
    "row-lstm": {"n_channels": 6, "n_layers": 2, "first_kernel_size": 5},
    "diagonal-bilstm": {"n_channels": 6, "n_layers": 2, "first_kernel_size": 5},
    "causal-transformer": {"n_channels": 8, "n_layers": 2, "n_heads": 2},
}


def build(name, shape, n_levels=4, n_context=0, n_map=0, **options):
    """A small density in float64 whose logits are far from uniform."""
    torch.manual_seed(1)
    density = build_density(
        name, shape, n_levels, n_context=n_context, n_map=n_map, **{**SMALL.get(name, {}), **options}
    ).double()
    with torch.no_grad():
        for parameter in density.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return density
