"""Likelihoods for tables of counts; the library size (the row's total) is taken from the row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent
from torch.nn import functional as F

from latentia import draws
from latentia.distributions import Multinomial, NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial
from latentia.errors import ConfigError
from latentia.latent.likelihoods.base import Likelihood, data_mean, over_rows, rows_at_once

N_LIBRARY_SIZES = 1024
"""Quantiles of the training rows' totals that are kept, so that samples have realistic library sizes."""

_SMALLEST_MEAN = 1e-8  # stands in for the library size of an empty row, whose logarithm is taken
_DISPERSION_RANGE = (0.05, 100.0)  # of the start values; learning may leave it


class CountLikelihood(Likelihood):
    """Base: rows `[d]` of counts, with library size n and the decoder's share rho of each feature.

    Args:
        event_shape: `[d]`.

    Raises:
        ConfigError: for events that are no vectors.
    """

    library_sizes: Tensor
    start: Tensor | None

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__(event_shape)
        if len(event_shape) != 1:
            raise ConfigError(
                f"{type(self).__name__} is for tables of counts, not for events of shape {list(event_shape)}; "
                "flatten them to rows or choose a likelihood for images"
            )
        # NaN until `prepare`; of fixed size, so that any fitted state loads into any new likelihood.
        self.register_buffer("library_sizes", torch.full((N_LIBRARY_SIZES,), math.nan))
        self.register_buffer("start", None, persistent=False)

    def prepare(self, x: Tensor) -> None:
        """Keep quantiles of the library sizes, and the mean shares as start values."""
        totals = over_rows(x, lambda rows: rows.sum(-1)).sort().values
        rank = (torch.arange(N_LIBRARY_SIZES, device=x.device) + 0.5) * len(totals) / N_LIBRARY_SIZES
        self.library_sizes.copy_(totals[rank.long()])
        # Half a count on top keeps features that training never saw possible.
        mean = data_mean(x)
        shares = (mean * len(x) + 0.5) / (mean * len(x) + 0.5).sum()
        self.start = self.start_from(shares).to(x.dtype)

    def start_from(self, shares: Tensor) -> Tensor:
        """Decoder outputs `[n_outputs, d]` that give these shares."""
        return shares.log()[None]

    def initial_outputs(self) -> Tensor | None:
        """Outputs that give the mean composition of the training rows."""
        return self.start

    def library_size(self, outputs: Tensor, x: Tensor | None) -> Tensor:
        """Totals of the rows of `x`, or (None) drawn from those of the training rows, `[*batch]` broadcastable.

        Raises:
            ConfigError: if sizes must be drawn and `prepare` never saw data.
        """
        if x is not None:
            return x.sum(-1)
        if bool(self.library_sizes[0].isnan()):
            raise ConfigError(
                "no library sizes to draw from: call prepare(x) with training counts, or give x"
            )
        drawn = draws.randint(N_LIBRARY_SIZES, outputs.shape[:-2], device=outputs.device)
        return self.library_sizes[drawn]

    def log_mean(self, logits: Tensor, size: Tensor) -> Tensor:
        """log(n rho), `[*batch, d]`, with rho the softmax of the logits."""
        return logits.log_softmax(-1) + size.clamp(min=_SMALLEST_MEAN).log()[..., None]


class MultinomialLikelihood(CountLikelihood):
    r"""p(x|z, n): n counts shared out by rho = softmax(decoder output).

    .. math:: \log p(x|z, n) = \log\frac{n!}{\prod_s x_s!} + \sum_s x_s \log \rho_s

    Conditional on the row's total; 0 nats for an empty row.

    Example:
        >>> MultinomialLikelihood((2,))(torch.zeros(1, 1, 2), torch.tensor([[1.0, 1.0]])).mean
        tensor([[1., 1.]])
    """

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Multinomial:
        """p(x|z, n) with the totals of `x`, or drawn ones."""
        (logits,) = self.split(outputs)
        return Multinomial(self.library_size(outputs, x), logits, validate_args=False)


class PoissonLikelihood(CountLikelihood):
    r"""p(x|z, n): independent Poisson counts with rate n rho_s, rho_s = sigmoid(decoder output).

    The library size is an offset, as in log-linear models. Unlike the multinomial's, the shares need not sum to one. The sigmoid is
    the exponential where shares are small, and cannot overflow where they are not.

    Example:
        >>> PoissonLikelihood((2,))(torch.zeros(1, 1, 2), torch.tensor([[1.0, 3.0]])).mean.round()
        tensor([[2., 2.]])
    """

    def start_from(self, shares: Tensor) -> Tensor:
        """Logits of the shares."""
        return torch.logit(shares.clamp(max=0.99))[None]

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        """p(x|z, n) with the totals of `x`, or drawn ones."""
        (logits,) = self.split(outputs)
        size = self.library_size(outputs, x)
        log_rate = F.logsigmoid(logits) + size.clamp(min=_SMALLEST_MEAN).log()[..., None]
        return Independent(Poisson(log_rate, validate_args=False), 1, validate_args=False)


class NegativeBinomialLikelihood(CountLikelihood):
    r"""p(x|z, n): independent negative-binomial counts with mean n rho_s and dispersion r_s.

    .. math:: \mathrm{Var}\,x_s = n\rho_s + (n\rho_s)^2 / r_s, \qquad \rho = \mathrm{softmax}(decoder\ output)

    r_s, one for each feature, is a parameter of the likelihood (through a softplus), learned with the networks.

    Source: Lopez et al. 2018 (scVI), gene-wise dispersion.

    Example:
        >>> NegativeBinomialLikelihood((2,))(torch.zeros(1, 1, 2), torch.tensor([[1.0, 3.0]])).mean.round()
        tensor([[2., 2.]])
    """

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__(event_shape)
        self.raw_dispersion = nn.Parameter(torch.full(tuple(event_shape), math.log(math.e - 1)))

    def prepare(self, x: Tensor) -> None:
        """Start the dispersion from its moment estimate as well."""
        super().prepare(x)
        shares = data_mean(x) / data_mean(x).sum().clamp(min=_SMALLEST_MEAN)
        excess, square = torch.zeros_like(shares), torch.zeros_like(shares)
        for rows in rows_at_once(x):
            mean = rows.sum(-1, keepdim=True) * shares
            excess += ((rows - mean).square() - mean).sum(0)
            square += mean.square().sum(0)
        dispersion = (square / excess.clamp(min=1e-12)).clamp(*_DISPERSION_RANGE)
        with torch.no_grad():
            self.raw_dispersion.copy_(dispersion + torch.log(-torch.expm1(-dispersion)))

    @property
    def dispersion(self) -> Tensor:
        """r, `[d]`; positive also where the softplus underflows."""
        return F.softplus(self.raw_dispersion) + 1e-6

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        """p(x|z, n) with the totals of `x`, or drawn ones."""
        (logits,) = self.split(outputs)
        log_mean = self.log_mean(logits, self.library_size(outputs, x))
        return Independent(
            NegativeBinomial(log_mean, self.dispersion, validate_args=False), 1, validate_args=False
        )


class ZeroInflatedNegativeBinomialLikelihood(NegativeBinomialLikelihood):
    """p(x|z, n) as for the negative binomial, but each count is zero with a probability that the decoder gives.

    The decoder's two outputs for each feature are the logit of its share and the logit of the extra zero.

    Source: Lopez et al. 2018 (scVI).

    Example:
        >>> likelihood = ZeroInflatedNegativeBinomialLikelihood((2,))
        >>> likelihood(torch.zeros(1, 2, 2), torch.tensor([[1.0, 3.0]])).mean.round()
        tensor([[1., 1.]])
    """

    n_outputs = 2

    def start_from(self, shares: Tensor) -> Tensor:
        """The shares, and one extra zero in eight counts."""
        return torch.stack([shares.log(), torch.full_like(shares, -2.0)])

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        """p(x|z, n) with the totals of `x`, or drawn ones."""
        logits, gate = self.split(outputs)
        log_mean = self.log_mean(logits, self.library_size(outputs, x))
        counts = ZeroInflatedNegativeBinomial(log_mean, self.dispersion, gate, validate_args=False)
        return Independent(counts, 1, validate_args=False)
