"""Autoregressive densities over images of levels, by name: pixel models, and priors over maps of codes."""

from __future__ import annotations

from latentia.latent.autoregressive.base import DENSITIES, AutoregressiveDensity, Context, build_density
from latentia.latent.autoregressive.gated import GatedPixelCNN
from latentia.latent.autoregressive.pixelcnn import PixelCNN

__all__ = [
    "DENSITIES",
    "AutoregressiveDensity",
    "Context",
    "GatedPixelCNN",
    "PixelCNN",
    "build_density",
]
