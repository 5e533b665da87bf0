"""The Gaussian likelihood in all its kinds of variance."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from latentia.distributions import DiagonalGaussian
from latentia.errors import ConfigError
from latentia.latent.likelihoods.base import data_variance
from latentia.latent.likelihoods.location import LocationLikelihood
from latentia.latent.likelihoods.spread import FixedSpread, LearnedSpread, OptimalSpread, Spread, spread_shape

VARIANCES = ("optimal", "learned", "fixed", "data")


class GaussianLikelihood(LocationLikelihood):
    r"""p(x|z) = N(x; decoder output, sigma^2), the event's elements independent.

    .. math:: \log p(x|z) = -\tfrac{D}{2}\log 2\pi\sigma^2 - \frac{\lVert x - \hat x\rVert^2}{2\sigma^2}

    Variance:

    * ``"optimal"``: the mean squared residual, which maximises the likelihood; of the batch in training, of the
      training set (by calibration) afterwards. Nothing to tune, no weight between reconstruction and KL.
    * ``"learned"``: a parameter, by gradient.
    * ``"fixed"``: `value`.
    * ``"data"``: the variance of all numbers in the training data, as in the report that describes ResLag-VAE.
      (Twice this number is the weight of KL against the plain sum of squares.)

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        variance: one of the above.
        shared: how many variances an optimal or learned one is: ``"all"`` one, ``"channel"`` one per channel (or column of
            a table), ``"pixel"`` one per element (needs many rows to estimate).
        value: sigma^2 of ``"fixed"``, in squared units of the data.

    Raises:
        ConfigError: for an unknown `variance` or `shared`, or a `value` that is not positive.

    Source: Rybkin, Daniilidis and Levine 2021, "Simple and effective VAE training with calibrated decoders".

    Example:
        >>> import torch
        >>> likelihood = GaussianLikelihood((2,))
        >>> p = likelihood(torch.zeros(1, 1, 2), torch.tensor([[0.1, -0.3]]))  # in training: the batch's residual
        >>> p.variance
        tensor([[0.0500, 0.0500]])
    """

    def __init__(
        self, event_shape: Sequence[int], variance: str = "optimal", shared: str = "all", value: float = 1.0
    ) -> None:
        if variance not in VARIANCES:
            raise ConfigError(
                f"variance={variance!r} is unknown; give one of {', '.join(map(repr, VARIANCES))}"
            )
        if not value > 0:
            raise ConfigError(f"value={value} cannot be a variance; give a positive number")
        super().__init__(event_shape, _spread(variance, spread_shape(event_shape, shared), value))
        self._shared = shared
        self._takes_data_variance = variance == "data"

    def deviation(self, residual: Tensor) -> Tensor:
        """The square."""
        return residual.square()

    def prepare(self, x: Tensor) -> None:
        """Start from the mean of the data and their variance around it."""
        super().prepare(x)
        if isinstance(self.spread, FixedSpread) and self._takes_data_variance:
            sigma2 = data_variance(x)
            self.spread.value.copy_(sigma2.where(sigma2 > 0, 1.0))

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> DiagonalGaussian:
        """p(x|z)."""
        loc, sigma2 = self.located(outputs, x)
        return DiagonalGaussian(loc, sigma2.sqrt(), len(self.event_shape), validate_args=False)

    @property
    def variance(self) -> Tensor:
        """sigma^2 in force outside training: a scalar, `[C]`, or `[*event]`."""
        sigma2 = self.spread().detach()
        return sigma2.reshape(self.event_shape[: {"all": 0, "channel": 1, "pixel": None}[self._shared]])


def _spread(variance: str, shape: Sequence[int], value: float) -> Spread:
    if variance == "optimal":
        return OptimalSpread(shape)
    if variance == "learned":
        return LearnedSpread(shape)
    return FixedSpread(shape, value)
