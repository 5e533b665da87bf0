"""Logistic distributions cut into the levels of a pixel grid: proper probabilities of 256 (or any number of) values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.nn import functional as F

from latentia import draws
from latentia.distributions.elementwise import Elementwise
from latentia.distributions.numerics import unit_grid


def log_bin(value: Tensor, loc: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    r"""Log-probability of the grid cell around `value`; the first and last cell take the tails.

    With b > a the ends of the cell in units of the scale, sigmoid(b) - sigmoid(a) =
    sigmoid(b) sigmoid(-a) (1 - exp(a - b)) exactly, so the logarithm is a sum of three terms without cancellation:
    no approximation for small masses is needed and all gradients are finite.
    """
    level = torch.round(value * (levels - 1))
    rate = torch.exp(-log_scale)
    # From the level's index, so that a cell's upper end is its neighbour's lower end bit for bit: the sum telescopes.
    below = F.logsigmoid(((level + 0.5) / (levels - 1) - loc) * rate)  # log P(X <= cell)
    above = F.logsigmoid((loc - (level - 0.5) / (levels - 1)) * rate)  # log P(X >= cell)
    inside = below + above + torch.log(-torch.expm1(-rate / (levels - 1)))
    return torch.where(level <= 0, below, torch.where(level >= levels - 1, above, inside))


def _sample_grid(loc: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """A logistic draw, moved to the nearest level."""
    # Uniforms away from 0 and 1, whose logits are infinite; the mass left out is 1e-5, as in PixelCNN++.
    u = torch.rand_like(loc).mul_(1 - 2e-5).add_(1e-5)
    x = (loc + log_scale.exp() * torch.logit(u)).clamp(0, 1)
    return torch.round(x * (levels - 1)) / (levels - 1)


def _clipped_mean(loc: Tensor, log_scale: Tensor) -> Tensor:
    """E[clip(X, 0, 1)] of the logistic X: the integral of its survival function over [0, 1]."""
    scale = log_scale.exp()
    return (scale * (F.softplus(loc / scale) - F.softplus((loc - 1) / scale))).clamp(0, 1)


class DiscretizedLogistic(Elementwise):
    r"""A logistic distribution on the levels 0, 1/(L-1), ..., 1.

    .. math:: P(x) = \sigma\!\left(\frac{x + h - \mu}{s}\right) - \sigma\!\left(\frac{x - h - \mu}{s}\right),
        \qquad h = \frac{1}{2(L - 1)}

    where the lowest level also takes all mass below it and the highest all above: the L probabilities sum to one.

    Args:
        loc: mu, in units of the data ([0, 1]); any real number.
        log_scale: log s; keep above -30 in float32.
        levels: L, 256 for 8-bit images.
        validate_args: as in torch.

    `log_prob` takes values in [0, 1]; one off the grid counts as its nearest level. `mean` is that of the logistic
    clipped to [0, 1], which is within half a level of the exact one (far closer once s exceeds a level's width).

    Source: Kingma et al. 2016 (inverse autoregressive flow), eq. in section 5; Salimans et al. 2017, eq. 2.

    Example:
        >>> p = DiscretizedLogistic(torch.tensor(0.4), torch.tensor(-3.0), levels=4)
        >>> p.log_prob(torch.arange(4) / 3).exp().sum()
        tensor(1.)
    """

    parameter_names = ("loc", "log_scale")
    loc: Tensor
    log_scale: Tensor

    def __init__(
        self, loc: Tensor, log_scale: Tensor, levels: int = 256, validate_args: bool | None = None
    ) -> None:
        self.levels = levels
        super().__init__(validate_args, loc=loc, log_scale=log_scale)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real location and log-scale."""
        return {"loc": constraints.real, "log_scale": constraints.real}

    @property
    def support(self) -> Constraint:
        """The unit interval (its grid points)."""
        return unit_grid

    @property
    def mean(self) -> Tensor:
        """Mean of the clipped logistic."""
        return _clipped_mean(self.loc, self.log_scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats of the level at `value`."""
        if self._validate_args:
            self._validate_sample(value)
        return log_bin(value, self.loc, self.log_scale, self.levels)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw a level."""
        with torch.no_grad():
            loc, log_scale = (self._extended(p, sample_shape) for p in (self.loc, self.log_scale))
            return _sample_grid(loc, log_scale, self.levels)


class DiscretizedLogisticMixture(Distribution):
    r"""A mixture of K discretized logistics for each pixel; for RGB, with PixelCNN++'s chain between channels.

    Without `coefficients` every element of the event has its own independent mixture:

    .. math:: P(x) = \prod_i \sum_k \pi_{ik} P(x_i; \mu_{ik}, s_{ik})

    With them (event `[3, H, W]`) a pixel's three channels share the component, and within a component green is
    shifted by red and blue by both (channels centred at 1/2):

    .. math:: \mu_G \mathrel{+}= c_0 (x_R - \tfrac12), \quad \mu_B \mathrel{+}= c_1 (x_R - \tfrac12) + c_2 (x_G - \tfrac12)

    Args:
        logits: log-weights up to a constant, `[*batch, K, *event]`; with coefficients `[*batch, K, 1, H, W]`.
        loc: mu, `[*batch, K, *event]`, in units of the data ([0, 1]).
        log_scale: log s, the shape of `loc`.
        coefficients: c, the shape of `loc` with 3 channels, or None.
        event_ndims: how many trailing dimensions are the event.
        levels: number of grey levels.
        validate_args: as in torch.

    `mean` averages the components' clipped means, the channels' shifts taken at the mean of those before them.

    Source: Salimans et al. 2017 (PixelCNN++), eq. 1-3, here on [0, 1] instead of [-1, 1] and without its
    approximation for small masses.
    """

    def __init__(
        self,
        logits: Tensor,
        loc: Tensor,
        log_scale: Tensor,
        coefficients: Tensor | None = None,
        event_ndims: int = 1,
        levels: int = 256,
        validate_args: bool | None = None,
    ) -> None:
        self.logits, self.loc, self.log_scale, self.coefficients = logits, loc, log_scale, coefficients
        self.levels = levels
        self._component = -event_ndims - 1
        shape = loc.shape
        super().__init__(shape[: self._component], shape[self._component + 1 :], validate_args=validate_args)
        if coefficients is not None and (event_ndims != 3 or self.event_shape[0] != 3):
            raise ValueError(
                f"channel coefficients need events of shape [3, H, W], not {list(self.event_shape)}"
            )

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real parameters."""
        return dict.fromkeys(("logits", "loc", "log_scale"), constraints.real)

    @property
    def support(self) -> Constraint:
        """The unit interval (its grid points) for each element."""
        return constraints.independent(unit_grid, len(self.event_shape))

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> DiscretizedLogisticMixture:
        """Return the same mixture with another batch shape."""
        new = self._get_checked_instance(DiscretizedLogisticMixture, _instance)
        new.__dict__.update(self.__dict__)
        for name in ("logits", "loc", "log_scale", "coefficients"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(new, name, tensor.expand(tuple(batch_shape) + tensor.shape[self._component :]))
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _chained(self, value: Tensor) -> Tensor:
        """Component locations given the channels of `value` (with a component dimension) that come before."""
        if self.coefficients is None:
            return self.loc
        c0, c1, c2 = self.coefficients.unbind(-3)
        red, green, _ = (value - 0.5).unbind(-3)
        shift = torch.stack([torch.zeros_like(c0 * red), c0 * red, c1 * red + c2 * green], -3)
        return self.loc + shift

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats of the levels at `value`, `[*batch]`."""
        if self._validate_args:
            self._validate_sample(value)
        value = value.unsqueeze(self._component)  # [*batch, 1, *event]
        log_p = log_bin(value, self._chained(value), self.log_scale, self.levels)
        if self.coefficients is not None:
            log_p = log_p.sum(-3, keepdim=True)
        log_p = torch.logsumexp(log_p + self.logits.log_softmax(self._component), self._component)
        return log_p.flatten(len(log_p.shape) - len(self.event_shape)).sum(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw an event of levels."""
        with torch.no_grad():
            many = self.expand(self._extended_shape(torch.Size(sample_shape))[: self._component + 1])
            gumbel = -draws.exponential(many.logits).log()
            chosen = (many.logits + gumbel).argmax(self._component, keepdim=True)

            def pick(tensor: Tensor) -> Tensor:
                return tensor.gather(self._component, chosen.expand(_with(tensor.shape, self._component, 1)))

            loc, log_scale = pick(many.loc), pick(many.log_scale)
            if many.coefficients is None:
                return _sample_grid(loc, log_scale, self.levels).squeeze(self._component)
            c0, c1, c2 = pick(many.coefficients).unbind(-3)
            locs, scales = loc.unbind(-3), log_scale.unbind(-3)
            red = _sample_grid(locs[0], scales[0], self.levels)
            green = _sample_grid(locs[1] + c0 * (red - 0.5), scales[1], self.levels)
            blue = _sample_grid(locs[2] + c1 * (red - 0.5) + c2 * (green - 0.5), scales[2], self.levels)
            return torch.stack([red, green, blue], -3).squeeze(self._component)

    @property
    def mean(self) -> Tensor:
        """Mean of the mixture of clipped logistics, `[*batch, *event]`."""
        loc = self.loc
        if self.coefficients is not None:
            # Red's mean does not depend on the others; after one pass green's is right, after two blue's.
            for _ in range(2):
                loc = self._chained(_clipped_mean(loc, self.log_scale))
        weights = self.logits.softmax(self._component)
        return (weights * _clipped_mean(loc, self.log_scale)).sum(self._component)


def _with(shape: torch.Size, dim: int, size: int) -> tuple[int, ...]:
    """`shape` with one dimension's size replaced."""
    sizes = list(shape)
    sizes[dim] = size
    return tuple(sizes)
