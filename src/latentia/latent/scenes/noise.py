"""The standard deviation of pixels around what a model of scenes paints: fixed, or the optimum for its residuals."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentia.errors import ConfigError

FLOOR = 1e-4
"""Least variance of pixels on [0, 1]: below it a single slot that fits exactly would outweigh all else."""


class PixelNoise(nn.Module):
    r"""sigma of N(x; what is painted, sigma^2), one for all pixels and slots.

    An optimal one is the root of the mean squared residual: of the batch in training, of the training set (by calibration) otherwise.
    It is held at `value` for the first part of training, for an early small sigma lets one slot win all pixels.

    Args:
        value: sigma, or where an optimal one starts.
        optimal: whether it follows the residuals.
        warm: share of training in which an optimal one is held.

    Raises:
        ConfigError: for a value that is not positive.

    Source: Rybkin, Daniilidis and Levine 2021, eq. 6-8, for the optimum.

    Example:
        >>> PixelNoise(0.3)()
        tensor(0.3000)
    """

    sigma2: Tensor

    def __init__(self, value: float, optimal: bool = False, warm: float = 0.3) -> None:
        super().__init__()
        if not value > 0:
            raise ConfigError(f"scale={value}: a positive standard deviation of pixels on [0, 1] is expected")
        self.calibrates, self.warm, self.progress = optimal, warm, 1.0
        self.register_buffer("sigma2", torch.tensor(value**2))
        self._sum, self._count = 0.0, 0

    def forward(self, squares: Tensor | None = None) -> Tensor:
        """Sigma; `squares` are mean squared residuals a number, `[*]`, of a batch in training."""
        if squares is None or not (self.calibrates and self.training and self.progress >= self.warm):
            return self.sigma2.sqrt()
        return squares.detach().mean().clamp(min=FLOOR).sqrt()

    @property
    def variance(self) -> Tensor:
        """Sigma squared in force outside training."""
        return self.sigma2

    def start(self) -> None:
        """Forget what was accumulated."""
        self._sum, self._count = 0.0, 0

    def accumulate(self, squares: Tensor) -> None:
        """Add mean squared residuals a number, `[*]`, of a batch."""
        self._sum += float(squares.double().sum())
        self._count += squares.numel()

    def finish(self) -> None:
        """Set the variance to the mean of what was accumulated; before an optimal one is let go it stays."""
        if self._count and self.progress >= self.warm:
            self.sigma2.fill_(max(self._sum / self._count, FLOOR))
        self.start()
