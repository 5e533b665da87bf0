"""Distributions of counts, parametrised so that float32 networks cannot underflow them.

All log-probabilities are computed in float64 and returned in the dtype of the parameters: differences of log-gamma
functions of large counts or dispersions have no correct digit in float32.
"""

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
from latentia.distributions.numerics import widened


class Poisson(Elementwise):
    r"""Poisson counts with rate exp(log_rate).

    .. math:: \log p(x) = x \log\lambda - \lambda - \log x!

    torch's class takes the rate itself, which underflows to an impossible zero in float32.

    Args:
        log_rate: log lambda, any shape; batch shape.
        validate_args: as in torch.

    Example:
        >>> Poisson(torch.tensor(-200.0)).log_prob(torch.tensor(1.0))
        tensor(-200.)
    """

    parameter_names = ("log_rate",)
    log_rate: Tensor

    def __init__(self, log_rate: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, log_rate=log_rate)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Any real log-rate."""
        return {"log_rate": constraints.real}

    @property
    def support(self) -> Constraint:
        """0, 1, 2, ..."""
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        """The rate."""
        return self.log_rate.exp()

    @property
    def variance(self) -> Tensor:
        """The rate."""
        return self.mean

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats."""
        if self._validate_args:
            self._validate_sample(value)
        x, log_rate = widened(value), widened(self.log_rate)
        return (x * log_rate - log_rate.exp() - torch.lgamma(x + 1)).to(self.log_rate.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw counts, as floating-point numbers."""
        with torch.no_grad():
            return draws.poisson(self._extended(self.mean, sample_shape))


class NegativeBinomial(Elementwise):
    r"""Negative-binomial counts with mean mu = exp(log_mean) and dispersion r: variance mu + mu^2 / r.

    .. math:: \log p(x) = \log\frac{\Gamma(x + r)}{\Gamma(r)\,x!} + r \log\frac{r}{r + \mu} + x \log\frac{\mu}{r + \mu}

    (SciPy's `nbinom(r, r / (r + mu))`; Poisson as r goes to infinity.)

    Args:
        log_mean: log mu, broadcasts with `dispersion`.
        dispersion: r > 0.
        validate_args: as in torch.

    Example:
        >>> NegativeBinomial(torch.tensor(0.0), torch.tensor(1.0)).log_prob(torch.tensor(3.0)).exp()
        tensor(0.0625)
    """

    parameter_names = ("log_mean", "dispersion")
    log_mean: Tensor
    dispersion: Tensor

    def __init__(self, log_mean: Tensor, dispersion: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, log_mean=log_mean, dispersion=dispersion)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """A real log-mean and a positive dispersion."""
        return {"log_mean": constraints.real, "dispersion": constraints.positive}

    @property
    def support(self) -> Constraint:
        """0, 1, 2, ..."""
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        """Mu."""
        return self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        """Mu + mu^2 / r."""
        return self.mean + self.mean.square() / self.dispersion

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats."""
        if self._validate_args:
            self._validate_sample(value)
        log_p = _log_negative_binomial(widened(value), widened(self.log_mean), widened(self.dispersion))
        return log_p.to(self.log_mean.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw counts, as floating-point numbers: Poisson with a gamma-distributed rate."""
        with torch.no_grad():
            mean, dispersion = (self._extended(p, sample_shape) for p in (self.mean, self.dispersion))
            return draws.poisson(draws.standard_gamma(dispersion.contiguous()) * mean / dispersion)


def _log_negative_binomial(x: Tensor, log_mean: Tensor, dispersion: Tensor) -> Tensor:
    odds = log_mean - dispersion.log()  # log(mu / r)
    coefficient = torch.lgamma(x + dispersion) - torch.lgamma(dispersion) - torch.lgamma(x + 1)
    return coefficient + dispersion * F.logsigmoid(-odds) + x * F.logsigmoid(odds)


class ZeroInflatedNegativeBinomial(Elementwise):
    r"""Negative-binomial counts that are replaced by zero with probability pi = sigmoid(zero_logits).

    .. math:: p(x) = \pi\,[x = 0] + (1 - \pi)\,\mathrm{NB}(x; \mu, r)

    Args:
        log_mean: log mu of the negative binomial (before zeros are added).
        dispersion: r > 0.
        zero_logits: log(pi / (1 - pi)).
        validate_args: as in torch.

    Source: Lopez et al. 2018 (scVI), with a gene-wise dispersion.

    Example:
        >>> p = ZeroInflatedNegativeBinomial(torch.tensor(0.0), torch.tensor(1.0), torch.tensor(0.0))
        >>> p.log_prob(torch.tensor(0.0)).exp(), p.mean
        (tensor(0.7500), tensor(0.5000))
    """

    parameter_names = ("log_mean", "dispersion", "zero_logits")
    log_mean: Tensor
    dispersion: Tensor
    zero_logits: Tensor

    def __init__(
        self, log_mean: Tensor, dispersion: Tensor, zero_logits: Tensor, validate_args: bool | None = None
    ) -> None:
        super().__init__(validate_args, log_mean=log_mean, dispersion=dispersion, zero_logits=zero_logits)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Real log-mean and zero logits, positive dispersion."""
        return {
            "log_mean": constraints.real,
            "dispersion": constraints.positive,
            "zero_logits": constraints.real,
        }

    @property
    def support(self) -> Constraint:
        """0, 1, 2, ..."""
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        """(1 - pi) mu."""
        return torch.sigmoid(-self.zero_logits) * self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        """(1 - pi) mu (1 + mu / r + pi mu)."""
        mu = self.log_mean.exp()
        return self.mean * (1 + mu / self.dispersion + torch.sigmoid(self.zero_logits) * mu)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats."""
        if self._validate_args:
            self._validate_sample(value)
        x, gate = widened(value), widened(self.zero_logits)
        counted = F.logsigmoid(-gate) + _log_negative_binomial(
            x, widened(self.log_mean), widened(self.dispersion)
        )
        log_p = torch.where(x == 0, torch.logaddexp(F.logsigmoid(gate), counted), counted)
        return log_p.to(self.log_mean.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw counts, as floating-point numbers."""
        with torch.no_grad():
            counts = NegativeBinomial(self.log_mean, self.dispersion, validate_args=False).sample(
                sample_shape
            )
            kept = torch.rand_like(counts) >= torch.sigmoid(self.zero_logits)
            return counts * kept


class Multinomial(Distribution):
    r"""Multinomial counts over d categories, with a total of its own for each row (torch's has one for all).

    .. math:: \log p(x) = \log\frac{n!}{\prod_i x_i!} + \sum_i x_i \log\rho_i, \qquad \rho = \mathrm{softmax}(logits)

    Args:
        total_count: n, `[*batch]`; used for `sample` and `mean`. `log_prob` is conditional on the total of the
            row that it is given, as in torch.
        logits: `[*batch, d]`.
        validate_args: as in torch.

    Example:
        >>> p = Multinomial(torch.tensor([2.0, 0.0]), torch.zeros(2, 2))
        >>> p.log_prob(torch.tensor([[1.0, 1.0], [0.0, 0.0]])).exp()
        tensor([0.5000, 1.0000])
    """

    def __init__(self, total_count: Tensor, logits: Tensor, validate_args: bool | None = None) -> None:
        batch = torch.broadcast_shapes(total_count.shape, logits.shape[:-1])
        self.total_count = total_count.expand(batch)
        self.logits = logits.expand(batch + logits.shape[-1:])
        super().__init__(batch, logits.shape[-1:], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Non-negative totals, real logits."""
        return {
            "total_count": constraints.nonnegative_integer,
            "logits": constraints.independent(constraints.real, 1),
        }

    @property
    def support(self) -> Constraint:
        """Vectors of 0, 1, 2, ..."""
        return constraints.independent(constraints.nonnegative_integer, 1)

    @property
    def mean(self) -> Tensor:
        """N rho, `[*batch, d]`."""
        return self.total_count[..., None] * self.logits.softmax(-1)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Multinomial:
        """Return the same distribution with another batch shape."""
        new = self._get_checked_instance(Multinomial, _instance)
        new.total_count = self.total_count.expand(tuple(batch_shape))
        new.logits = self.logits.expand(tuple(batch_shape) + self.event_shape)
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats given the row's total, `[*batch]`; 0 for a row of zeros."""
        if self._validate_args:
            self._validate_sample(value)
        x, log_rho = widened(value), widened(self.logits).log_softmax(-1)
        coefficient = torch.lgamma(x.sum(-1) + 1) - torch.lgamma(x + 1).sum(-1)
        return (coefficient + (x * log_rho).sum(-1)).to(self.logits.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw rows of counts: each category is binomial in what the ones before it have left."""
        with torch.no_grad():
            shape = self._extended_shape(torch.Size(sample_shape))
            rho = self.logits.softmax(-1)
            remaining = rho.flip(-1).cumsum(-1).flip(-1)
            share = (rho / remaining.clamp(min=torch.finfo(rho.dtype).tiny)).clamp(max=1).expand(shape)
            left = self.total_count.to(rho.dtype).expand(shape[:-1]).clone()
            counts = torch.empty(shape, dtype=rho.dtype, device=rho.device)
            for i in range(shape[-1] - 1):
                counts[..., i] = torch.binomial(left, share[..., i].contiguous())
                left -= counts[..., i]
            counts[..., -1] = left
            return counts
