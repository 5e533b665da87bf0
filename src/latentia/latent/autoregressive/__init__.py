"""Autoregressive densities over images of levels, by name: pixel models, and priors over maps of codes."""

from __future__ import annotations

from latentia.latent.autoregressive.base import DENSITIES, AutoregressiveDensity, Context, build_density
from latentia.latent.autoregressive.diagonal_lstm import DiagonalBiLSTM
from latentia.latent.autoregressive.distribution import AutoregressiveDistribution
from latentia.latent.autoregressive.gated import GatedPixelCNN
from latentia.latent.autoregressive.pixelcnn import PixelCNN
from latentia.latent.autoregressive.plusplus import PixelCNNPlusPlus
from latentia.latent.autoregressive.row_lstm import RowLSTM
from latentia.latent.autoregressive.transformer import CausalTransformer

__all__ = [
    "DENSITIES",
    "AutoregressiveDensity",
    "AutoregressiveDistribution",
    "CausalTransformer",
    "Context",
    "DiagonalBiLSTM",
    "GatedPixelCNN",
    "PixelCNN",
    "PixelCNNPlusPlus",
    "RowLSTM",
    "build_density",
]
