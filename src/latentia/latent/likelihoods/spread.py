"""How wide a location family is around the decoder's output: fixed, learned, or analytically optimal.

A spread is the expected deviation of x from its location, in the family's own measure: sigma^2, the mean squared residual,
for a Gaussian; b, the mean absolute residual, for a Laplace. In both, the maximum-likelihood spread is the mean
deviation, which is what `OptimalSpread` plugs in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.distributions.numerics import widened
from latentia.distributions.weighing import weight_of_items
from latentia.errors import ConfigError

LOG_FLOOR = -12.0
"""No spread falls below exp(-12) of the data's own, so perfect reconstructions and constant features stay finite.

For a Gaussian this is log sigma >= -6 relative to the standard deviation of the data: the published clip (Rybkin et al.
2021), there in units of [0, 1] pixels, here free of units. For pixels it is a fifth of a grey level.
"""

SHARED = ("all", "channel", "pixel")


def spread_shape(event_shape: Sequence[int], shared: str) -> tuple[int, ...]:
    """Shape, broadcastable to the event, of a spread shared over all of it, within a channel (or column), or not at all.

    Raises:
        ConfigError: if `shared` is not one of `SHARED`.

    Example:
        >>> spread_shape((3, 8, 8), "channel"), spread_shape((5,), "channel")
        ((3, 1, 1), (5,))
    """
    if shared not in SHARED:
        raise ConfigError(f"shared={shared!r} is unknown; give one of {', '.join(map(repr, SHARED))}")
    own = {"all": 0, "channel": 1, "pixel": len(event_shape)}[shared]
    return tuple(event_shape[:own]) + (1,) * (len(event_shape) - own)


def pooled(deviation: Tensor, shape: Sequence[int]) -> tuple[Tensor, int]:
    """Sum of `[*batch, *event]` down to a spread's shape in float64, and how many numbers each sum has."""
    event_ndims = len(shape)
    # The reduction runs in the tensor's own precision over the (small) event of one row, then in float64 over rows.
    within = [i - event_ndims for i in range(event_ndims) if shape[i] == 1]
    sums = deviation.sum(within, keepdim=True) if within else deviation
    sums = widened(sums).flatten(0, -event_ndims - 1).sum(0)
    return sums, deviation.numel() // sums.numel()


class Spread(nn.Module):
    """Gives the spread in force, `shape` (broadcastable to the event).

    Args:
        shape: from `spread_shape`.
    """

    calibrates = False

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def prepare(self, initial: Tensor, overall: Tensor) -> None:
        """Take a start value.

        Args:
            initial: mean deviation of the training data from their own mean, pooled to `shape`.
            overall: the same, pooled over everything: the unit of the floor.
        """

    def forward(self, deviation: Tensor | None = None) -> Tensor:
        """The spread; `deviation` `[*batch, *event]` is that of the batch in training, if the spread `calibrates`."""
        raise NotImplementedError


class FixedSpread(Spread):
    """A constant."""

    value: Tensor

    def __init__(self, shape: Sequence[int], value: float) -> None:
        super().__init__(shape)
        self.register_buffer("value", torch.full(self.shape, value))

    def forward(self, deviation: Tensor | None = None) -> Tensor:  # noqa: ARG002 (constant)
        """The constant."""
        return self.value


class LearnedSpread(Spread):
    """A parameter: spread = floor * exp(softplus(raw)), learned by gradient with the decoder."""

    floor: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape)
        self.register_buffer("floor", torch.tensor(math.exp(LOG_FLOOR)))
        self.raw = nn.Parameter(torch.full(self.shape, -LOG_FLOOR))

    def prepare(self, initial: Tensor, overall: Tensor) -> None:
        """Start at the data's own spread."""
        self.floor.copy_(overall * math.exp(LOG_FLOOR))
        ratio = torch.log(initial.clamp(min=overall * 1e-4) / overall) - LOG_FLOOR
        with torch.no_grad():
            self.raw.copy_(torch.log(torch.expm1(ratio)))

    def forward(self, deviation: Tensor | None = None) -> Tensor:  # noqa: ARG002 (learned by gradient)
        """The parameter's value."""
        return self.floor * F.softplus(self.raw).exp()


class OptimalSpread(Spread):
    r"""The maximum-likelihood spread: the mean deviation of the batch in training, of the training set otherwise.

    With the optimum plugged in, the gradient of the log-likelihood (summed over B items of D elements, Gaussian case) is that of
    :math:`-\tfrac{BD}{2} \ln \mathrm{MSE}`: the spread itself is a constant of the step, since at its optimum the derivative
    with respect to it vanishes.

    Source: Rybkin, Daniilidis and Levine 2021 (sigma-VAE), eq. 6-8.
    """

    calibrates = True
    value: Tensor
    floor: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape)
        self.register_buffer("value", torch.ones(self.shape))
        self.register_buffer("floor", torch.tensor(math.exp(LOG_FLOOR)))
        self.start()

    def prepare(self, initial: Tensor, overall: Tensor) -> None:
        """Start at the data's own spread: that of a decoder which gives the mean."""
        self.floor.copy_(overall * math.exp(LOG_FLOOR))
        self.value.copy_(initial.clamp(min=self.floor))

    def forward(self, deviation: Tensor | None = None) -> Tensor:
        """The optimum for this deviation, or the calibrated one."""
        if deviation is None:
            return self.value
        weight = weight_of_items(deviation.flatten(0, -len(self.shape) - 1).shape[0])
        if weight is None:
            total, count = pooled(deviation, self.shape)
            return (total / count).to(self.value.dtype).clamp(min=self.floor)
        each = weight.to(deviation).reshape(*deviation.shape[: -len(self.shape)], *[1] * len(self.shape))
        total, count = pooled(deviation * each, self.shape)
        return (total / (count * each.double().mean())).to(self.value.dtype).clamp(min=self.floor)

    def start(self) -> None:
        """Forget what was accumulated."""
        self._total: Tensor | None = None
        self._count = 0

    def accumulate(self, deviation: Tensor) -> None:
        """Add the deviations of one batch."""
        total, count = pooled(deviation, self.shape)
        self._total = total if self._total is None else self._total + total
        self._count += count

    def finish(self) -> None:
        """Set the value to the mean of all accumulated deviations.

        Raises:
            ConfigError: if nothing was accumulated.
        """
        if self._total is None:
            raise ConfigError(
                "calibration of the optimal spread saw no data; accumulate at least one batch first"
            )
        self.value.copy_((self._total / self._count).clamp(min=self.floor))
        self.start()
