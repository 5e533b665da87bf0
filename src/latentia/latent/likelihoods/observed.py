"""The Gaussian likelihood of series with gaps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentia.distributions.observed import ObservedGaussian
from latentia.latent.likelihoods.base import Likelihood

FLOOR = 2.5e-3
"""No deviation falls below this share of that of the data; exp(-6), as for other Gaussian likelihoods."""


class ObservedGaussianLikelihood(Likelihood):
    r"""p(x|z) = N(x; m + s * decoder output, (s sigma)^2) over what is observed, a deviation for each column.

    The variance of a column is its mean squared residual over all observed numbers (Rybkin et al. 2021): of the batch in training, of the
    training set by calibration.

    Args:
        event_shape: `[T, 2C]`, the numbers and whether each is observed.
        means: of the columns, in the units of the data.
        scales: their deviations.
    """

    n_outputs = 1
    calibrates = True
    center: Tensor
    scale: Tensor
    sigma2: Tensor

    def __init__(self, event_shape: Sequence[int], means: Sequence[float], scales: Sequence[float]) -> None:
        super().__init__(event_shape)
        self.register_buffer("center", torch.tensor(means))
        self.register_buffer("scale", torch.tensor(scales))
        self.register_buffer("sigma2", torch.ones(len(means)))
        self.start_calibration()

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> ObservedGaussian:
        """p(x|z) for outputs `[*batch, 1, T, C]`."""
        located = self.located(outputs)
        sigma2 = self.sigma2
        if self.training and x is not None:
            with torch.no_grad():
                total, count = self._residuals(located, x)
                sigma2 = (total / count.clamp(min=1)).clamp(min=FLOOR**2).to(located.dtype)
        return ObservedGaussian(self.center + self.scale * located, self.scale * sigma2.sqrt())

    def located(self, outputs: Tensor) -> Tensor:
        """Outputs without their second last but two axis, `[*batch, T, C]`."""
        return outputs.squeeze(-3)

    def start_calibration(self) -> None:
        """Forget what was accumulated."""
        n = len(self.center)
        self._total, self._count = torch.zeros(n).double(), torch.zeros(n).double()

    @torch.no_grad()
    def accumulate(self, outputs: Tensor, x: Tensor) -> None:
        """Add the residuals of a batch."""
        total, count = self._residuals(self.located(outputs), x)
        self._total = self._total.to(total.device) + total
        self._count = self._count.to(count.device) + count

    def finish_calibration(self) -> None:
        """Set each column's variance to its optimum."""
        self.sigma2.copy_((self._total / self._count.clamp(min=1)).clamp(min=FLOOR**2))
        self.start_calibration()

    def _residuals(self, located: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Squared residuals in units of the columns' deviations, and how many there are, summed to `[C]` in float64."""
        values, observed = x.chunk(2, -1)
        residual = ((values - self.center) / self.scale - located).square() * observed
        total = residual.flatten(0, -2).double().sum(0)
        return total, observed.expand_as(residual).flatten(0, -2).double().sum(0)
