"""Likelihoods whose pixels depend on each other given z: a PixelCNN, conditioned on the decoder's output."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from latentia.errors import ConfigError
from latentia.latent.autoregressive import AutoregressiveDistribution, build_density
from latentia.latent.likelihoods.base import Likelihood


class PixelCNNLikelihood(Likelihood):
    r"""p(x|z) = \prod_i p(x_i | x_{<i}, decoder output at the pixel): the decoder of a PixelVAE.

    Few layers with small kernels see only the neighbourhood of a pixel, which leaves the image as a whole to the code; a
    deep one may leave it nothing.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K; data stand at 0, 1/(K-1), ..., 1.
        n_maps: numbers that the decoder gives for each number of the image.
        n_channels: features of a layer of the PixelCNN.
        n_layers: its layers.
        kernel_size: of all but the first.
        first_kernel_size: of the first.
        kind: of the PixelCNN: "gated-pixelcnn", a free probability for each level, or "pixelcnn++", a mixture of logistics
            over each whole pixel (Salimans et al. 2017).

    Raises:
        ConfigError: for data other than images.

    Source: Gulrajani et al. 2017, PixelVAE, section 3.2.

    Example:
        >>> import torch
        >>> likelihood = PixelCNNLikelihood((1, 6, 6), n_levels=2, n_maps=4)
        >>> likelihood(torch.zeros(3, 5, 4, 1, 6, 6)).log_prob(torch.ones(5, 1, 6, 6)).shape
        torch.Size([3, 5])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_levels: int = 256,
        n_maps: int = 8,
        n_channels: int = 16,
        n_layers: int = 3,
        kernel_size: int = 3,
        first_kernel_size: int = 5,
        kind: str = "gated-pixelcnn",
    ) -> None:
        super().__init__(event_shape)
        if len(self.event_shape) != 3:
            raise ConfigError(
                f"a PixelCNN likelihood needs images [C, H, W], not items of shape {list(event_shape)}; for tables"
                " take another likelihood"
            )
        self.n_outputs = n_maps
        self.density = build_density(
            kind, self.event_shape, n_levels, n_map=n_maps * self.event_shape[0], ordered=True, n_channels=n_channels,
            n_layers=n_layers, kernel_size=kernel_size, first_kernel_size=first_kernel_size,
        )  # fmt: skip

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> AutoregressiveDistribution:  # noqa: ARG002
        """p(x|z); its `log_prob` takes each pixel given the true ones before it."""
        self.split(outputs)  # raises for a wrong shape
        weights = next(self.density.parameters())
        return AutoregressiveDistribution(self.density, maps=outputs.to(weights.dtype).flatten(-4, -3))
