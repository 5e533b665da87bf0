"""Likelihoods for numbers in [0, 1], above all pixels; and the Laplace for any real ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace

from latentia.distributions import (
    CategoricalLevels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    DiscretizedLogisticMixture,
    IndependentBernoulli,
)
from latentia.distributions.numerics import at_least_single, soft_clip, widened
from latentia.errors import ConfigError
from latentia.latent.likelihoods.base import Likelihood, data_mean, data_variance, rows_at_once
from latentia.latent.likelihoods.location import LocationLikelihood
from latentia.latent.likelihoods.spread import OptimalSpread, spread_shape

LOG_SCALE_RANGE = (-math.log(2) - 7.0, 3.0)
"""Bounds of log s of discretized logistics on [0, 1]; the lower is PixelCNN++'s -7 on [-1, 1]: an eighth of a grey level."""


def _product(elements: Distribution, event_ndims: int) -> Distribution:
    """Independent elements as one event of `event_ndims` dimensions."""
    return Independent(elements, event_ndims, validate_args=False)


class LaplaceLikelihood(LocationLikelihood):
    r"""p(x|z) = Laplace(x; decoder output, b), b the mean absolute residual: its maximum-likelihood value.

    .. math:: \log p(x|z) = -D \log 2b - \lVert x - \hat x\rVert_1 / b

    In training b is that of the batch, afterwards that of the training set, by calibration.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        shared: ``"all"``, ``"channel"`` or ``"pixel"``, as for the Gaussian.

    Example:
        >>> likelihood = LaplaceLikelihood((2,))
        >>> likelihood(torch.zeros(1, 1, 2), torch.tensor([[0.1, -0.3]])).base_dist.scale
        tensor([[0.2000, 0.2000]])
    """

    def __init__(self, event_shape: Sequence[int], shared: str = "all") -> None:
        super().__init__(event_shape, OptimalSpread(spread_shape(event_shape, shared)))

    def deviation(self, residual: Tensor) -> Tensor:
        """The absolute value."""
        return residual.abs()

    def center(self, x: Tensor) -> Tensor:
        """The median of (some thousands of) the rows."""
        step = max(1, len(x) // 4096)
        return widened(x[::step].median(0).values)

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        """p(x|z)."""
        loc, scale = self.located(outputs, x)
        return _product(Laplace(loc, scale, validate_args=False), len(self.event_shape))


class BernoulliLikelihood(Likelihood):
    r"""p(x|z) for binary x, the decoder giving logits l.

    .. math:: \log p(x|z) = \sum_i x_i l_i - \log(1 + e^{l_i})

    For grey values it is no probability; binarize them, or take ``continuous-bernoulli``.

    Args:
        event_shape: `[d]` or `[C, H, W]`.

    Example:
        >>> BernoulliLikelihood((3,))(torch.zeros(1, 1, 3)).log_prob(torch.ones(1, 3)).exp()
        tensor([0.1250])
    """

    data_logits: Tensor | None

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__(event_shape)
        self.register_buffer("data_logits", None, persistent=False)

    def prepare(self, x: Tensor) -> None:
        """Start from the logits of the data's mean, kept moderate so that no unit starts saturated."""
        self.data_logits = torch.logit(data_mean(x).clamp(0.01, 0.99)).to(x.dtype)

    def initial_outputs(self) -> Tensor | None:
        """Logits of the mean of the data."""
        return None if self.data_logits is None else self.data_logits[None]

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:  # noqa: ARG002
        """p(x|z); `x` is not needed."""
        (logits,) = self.split(outputs)
        return IndependentBernoulli(logits, len(self.event_shape))


class ContinuousBernoulliLikelihood(Likelihood):
    r"""p(x|z) for x in [0, 1], a density with natural parameter l from the decoder.

    .. math:: \log p(x|z) = \sum_i x_i l_i - \log\frac{e^{l_i} - 1}{l_i}

    Args:
        event_shape: `[d]` or `[C, H, W]`.

    Source: Loaiza-Ganem and Cunningham 2019.

    Example:
        >>> ContinuousBernoulliLikelihood((3,))(torch.zeros(1, 1, 3)).mean
        tensor([[0.5000, 0.5000, 0.5000]])
    """

    data_logits: Tensor | None

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__(event_shape)
        self.register_buffer("data_logits", None, persistent=False)

    def prepare(self, x: Tensor) -> None:
        """Start where the distribution's mean is the data's, found by bisection."""
        mean = data_mean(x)
        low, high = torch.full_like(mean, -50.0), torch.full_like(mean, 50.0)
        for _ in range(40):
            middle = (low + high) / 2
            above = ContinuousBernoulli(middle, validate_args=False).mean > mean
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        self.data_logits = low.to(x.dtype)

    def initial_outputs(self) -> Tensor | None:
        """Natural parameters whose means are those of the data."""
        return None if self.data_logits is None else self.data_logits[None]

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:  # noqa: ARG002
        """p(x|z); `x` is not needed."""
        (logits,) = self.split(outputs)
        return _product(ContinuousBernoulli(logits, validate_args=False), len(self.event_shape))


class _LogisticStart(Likelihood):
    """Start values that both logistic likelihoods take from the data."""

    start: Tensor | None

    def __init__(self, event_shape: Sequence[int], levels: int) -> None:
        super().__init__(event_shape)
        if levels < 2:
            raise ConfigError(f"levels={levels} make no grid; give at least 2 (256 for 8-bit images)")
        self.levels = levels
        self.register_buffer("start", None, persistent=False)

    def initial_outputs(self) -> Tensor | None:
        """Means and scale of the data."""
        return self.start

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean of each element, and (scalars) log-scale of the logistic with the data's variance, and their deviation."""
        mean, std = data_mean(x), data_variance(x).sqrt()
        log_scale = (std * math.sqrt(3) / math.pi).clamp(min=0.5 / self.levels).log()
        return mean.to(x.dtype), log_scale.to(x.dtype), std.to(x.dtype)


class DiscretizedLogisticLikelihood(_LogisticStart):
    """p(x|z) over the levels of each pixel: a discretized logistic, location and log-scale from the decoder.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        levels: 256 for 8-bit data divided by 255.

    Source: Kingma et al. 2016; see `latentia.distributions.DiscretizedLogistic`.

    Example:
        >>> p = DiscretizedLogisticLikelihood((1,), levels=3)(torch.zeros(1, 2, 1))
        >>> p.log_prob(torch.tensor([[0.0], [0.5], [1.0]])).exp().sum()
        tensor(1.)
    """

    n_outputs = 2

    def __init__(self, event_shape: Sequence[int], levels: int = 256) -> None:
        super().__init__(event_shape, levels)

    def prepare(self, x: Tensor) -> None:
        """Start from the mean and the spread of the data."""
        mean, log_scale, _ = self._moments(x)
        self.start = torch.stack([mean, log_scale.expand(self.event_shape)])

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:  # noqa: ARG002
        """p(x|z); `x` is not needed."""
        loc, log_scale = self.split(outputs)
        elements = DiscretizedLogistic(
            loc, soft_clip(log_scale, *LOG_SCALE_RANGE), self.levels, validate_args=False
        )
        return _product(elements, len(self.event_shape))


class LogisticMixtureLikelihood(_LogisticStart):
    """p(x|z) over the levels of each pixel: a mixture of discretized logistics; for RGB with PixelCNN++'s channel chain.

    The decoder gives for each element K logits, locations and log-scales, and for events `[3, H, W]` K coefficients; there
    the logits of a pixel's three channels are added up, since the channels share the component.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        n_components: K.
        levels: 256 for 8-bit data divided by 255.

    Source: Salimans et al. 2017; see `latentia.distributions.DiscretizedLogisticMixture`.

    Example:
        >>> likelihood = LogisticMixtureLikelihood((3, 4, 4))
        >>> likelihood.n_outputs, likelihood(torch.zeros(2, 40, 3, 4, 4)).sample().shape
        (40, torch.Size([2, 3, 4, 4]))
    """

    def __init__(self, event_shape: Sequence[int], n_components: int = 10, levels: int = 256) -> None:
        super().__init__(event_shape, levels)
        if n_components < 1:
            raise ConfigError(f"n_components={n_components} is no mixture; give at least 1")
        self.n_components = n_components
        self._chain = len(self.event_shape) == 3 and self.event_shape[0] == 3
        self.n_outputs = (4 if self._chain else 3) * n_components

    def prepare(self, x: Tensor) -> None:
        """Start from equal components, spread around the data's mean so that they can part."""
        mean, log_scale, std = self._moments(x)
        ones = [1] * len(self.event_shape)
        offsets = torch.linspace(-1, 1, self.n_components).to(mean).reshape(-1, *ones) * (
            self.n_components > 1
        )
        start = mean.new_zeros((self.n_outputs // self.n_components, self.n_components, *self.event_shape))
        start[1], start[2] = mean + std * offsets, log_scale
        self.start = start.flatten(0, 1)

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:  # noqa: ARG002
        """p(x|z); `x` is not needed."""
        event_ndims = len(self.event_shape)
        self.split(outputs)  # refuses a wrong shape
        parts = at_least_single(outputs).split(self.n_components, -event_ndims - 1)
        logits, loc, log_scale = parts[0], parts[1], soft_clip(parts[2], *LOG_SCALE_RANGE)
        coefficients = None
        if self._chain:
            logits, coefficients = logits.sum(-3, keepdim=True), torch.tanh(parts[3])
        return DiscretizedLogisticMixture(
            logits, loc, log_scale, coefficients, event_ndims, self.levels, validate_args=False
        )


class CategoricalLikelihood(Likelihood):
    """p(x|z) with a free probability for each of the levels of each element.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        levels: 256 for 8-bit data divided by 255; the decoder gives that many logits for each element.

    Example:
        >>> CategoricalLikelihood((2,), levels=4)(torch.zeros(1, 4, 2)).log_prob(torch.zeros(1, 2)).exp()
        tensor([0.0625])
    """

    start: Tensor | None

    def __init__(self, event_shape: Sequence[int], levels: int = 256) -> None:
        super().__init__(event_shape)
        if levels < 2:
            raise ConfigError(f"levels={levels} make no grid; give at least 2 (256 for 8-bit images)")
        self.levels = self.n_outputs = levels
        self.register_buffer("start", None, persistent=False)

    def prepare(self, x: Tensor) -> None:
        """Start from the histogram of all elements (with one pseudo-count for each level)."""
        histogram = torch.ones(self.levels, dtype=torch.float64, device="cpu")
        for rows in rows_at_once(x):
            level = torch.round(rows * (self.levels - 1)).long().flatten()
            histogram += torch.bincount(level, minlength=self.levels).cpu()
        logits = (histogram / histogram.sum()).log().to(x)
        self.start = logits.reshape(-1, *[1] * len(self.event_shape)).expand(self.levels, *self.event_shape)

    def initial_outputs(self) -> Tensor | None:
        """Log-frequencies of the levels."""
        return self.start

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:  # noqa: ARG002
        """p(x|z); `x` is not needed."""
        self.split(outputs)  # refuses a wrong shape
        event_ndims = len(self.event_shape)
        logits = at_least_single(outputs).movedim(-event_ndims - 1, -1)
        return _product(CategoricalLevels(logits, validate_args=False), event_ndims)
