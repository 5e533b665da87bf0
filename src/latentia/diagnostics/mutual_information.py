"""How much the codes tell of the items, and how far all codes together are from the prior."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.diagnostics.evaluation import ACTIVE_VARIANCE
from latentia.distributions import Delta, DiagonalGaussian, item_keys, per_item_noise
from latentia.errors import DataError
from latentia.latent import kl_divergence
from latentia.models import evaluating

ITEMS = 2000
_PAIRS_PER_PASS = 2**18
_CONTROLLED_FROM = 20  # items: with fewer the slopes of control variates are noise themselves


@runtime_checkable
class Coder(Protocol):
    """What the estimate asks of a model (an `nn.Module`)."""

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x)."""
        ...

    def prior(self) -> Distribution:
        """p(z)."""
        ...


@dataclass(frozen=True)
class MutualInformation:
    r"""I_q(x; z) of N items and the divergence of their aggregate posterior q(z) = (1/N) \sum_j q(z|x_j) from the prior.

    Attributes:
        value: I_q(x; z) in nats; never above log N, in expectation not above the truth.
        upper: the same with item i left out of its own q(z): in expectation not below the truth (Poole et al. 2019,
            eq. 13). Where it is far above `value`, N is too small to know more than that the truth lies between.
        bound: log N, which `value` cannot exceed however much the codes tell.
        n: N.
        standard_error: of `value`, in nats.
        rate: mean KL(q(z|x) || p(z)) of these items, in nats; it is `value` + `aggregate_kl`.
        aggregate_kl: KL(q(z) || p(z)) in nats; as far too high as `value` is too low.
        moment_kl: KL of the Gaussian with q(z)'s mean and covariance from the prior: never above KL(q(z) || p(z)) where the
            prior is Gaussian, and free of the bound log N; None for other priors, or fewer items than dimensions.
        active_units: latent dimensions whose posterior mean varies over these items by more than 0.01 (Burda et al. 2016).
        latent_dim: D.
    """

    value: float
    upper: float
    bound: float
    n: int
    standard_error: float
    rate: float
    aggregate_kl: float
    moment_kl: float | None
    active_units: int
    latent_dim: int


def mutual_information(
    model: Coder, x_batches: Iterable[Tensor], *, items: int | None = ITEMS, seed: int = 0
) -> MutualInformation | None:
    r"""Estimate I_q(x; z) = E_x E_q(z|x)[log q(z|x) - log q(z)], in evaluation mode, with one z for each item.

    .. math:: \hat I = \frac1N \sum_i \Big[\log q(z_i|x_i) - \log \frac1N \sum_j q(z_i|x_j)\Big], \quad z_i \sim q(z|x_i)

    Both terms are taken at the same draws, so that noise cancels where the posteriors are alike: identical posteriors
    give exactly 0. The known means of log q(z|x) and log p(z) under q(z|x) serve as control variates.

    Source: Hoffman and Johnson 2016, ELBO surgery; He et al. 2019, section 4.3 (there on minibatches, with bound log B).

    Args:
        model: a VAE, or any module with its `encode` and `prior`.
        x_batches: batches `[B, *event]`, on the model's device.
        items: most items looked at, from the first on; None: all.
        seed: of the draws of z.

    Returns:
        None for a deterministic posterior, which has no density, and for codes out of a codebook.

    Raises:
        DataError: if there is no item.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> torch.nn.init.zeros_(model.posterior.linear.weight)
        Parameter containing: ...
        >>> mutual_information(model, [torch.randn(20, 4)]).value  # every item has the same posterior
        0.0
    """
    posteriors: list[Distribution] = []
    codes: list[Tensor] = []
    rates: list[Tensor] = []
    controls: list[Tensor] = []
    left = math.inf if items is None else items
    with torch.no_grad(), evaluating(cast(nn.Module, model)):
        prior = model.prior()
        for batch in x_batches:
            x = batch if left >= len(batch) else batch[: int(left)]
            if len(x) == 0:
                continue
            q = model.encode(x)
            if isinstance(q, Delta):
                return None
            with per_item_noise(item_keys(x), seed):
                z = q.rsample(torch.Size([1]))
            if not z.is_floating_point():
                return None
            posteriors.append(q)
            codes.append(z[0])
            rates.append(kl_divergence(q, prior, z)[0].sum(-1).cpu().double())
            controls.append(_controls(q, prior, z[0], rates[-1]))
            left -= len(x)
            if left <= 0:
                break
        if not codes:
            raise DataError("mutual information of no items: expected at least one")
        return _estimate(posteriors, codes, torch.cat(rates), torch.cat(controls), prior)


def _controls(q: Distribution, prior: Distribution, z: Tensor, rate: Tensor) -> Tensor:
    """What log q(z|x) and log p(z) are above their means under q(z|x), `[B, 2]`; zeros where these are not known."""
    try:
        entropy = q.entropy().cpu().double()
    except NotImplementedError:
        return torch.zeros(len(z), 2, dtype=torch.float64)
    own, of_prior = q.log_prob(z).cpu().double(), prior.log_prob(z).cpu().double()
    return torch.stack([own + entropy, of_prior + entropy + rate], 1)


def _estimate(
    posteriors: list[Distribution], codes: list[Tensor], rates: Tensor, controls: Tensor, prior: Distribution
) -> MutualInformation:
    density = _Densities(posteriors)
    z = torch.cat(codes)
    n = len(z)
    own, all_, others = [], [], []
    step = max(1, _PAIRS_PER_PASS // n)
    for start in range(0, n, step):
        part = density.log_prob(z[start : start + step])  # [part, N], at z_i the density of posterior j
        rows = torch.arange(len(part))
        own.append(part[rows, start + rows])
        all_.append(part.logsumexp(1))
        part[rows, start + rows] = -math.inf
        others.append(part.logsumexp(1))
    # A posterior equal to the others' mean leaves rounding of the sum: differences below it are none.
    own_, rounding = torch.cat(own), 1e-12 * n
    gain = own_ - torch.cat(all_) + math.log(n)
    gain = torch.where(gain.abs() < rounding, torch.zeros_like(gain), gain)
    value, standard_error = _controlled_mean(gain, controls)
    value = min(value, math.log(n))
    upper = math.inf
    if n > 1:
        upper = _controlled_mean(own_ - torch.cat(others) + math.log(n - 1), controls)[0]
    rate = float(rates.mean())
    means = torch.cat([q.mean.flatten(1) for q in posteriors]).cpu().double()
    active = (means.var(0) > ACTIVE_VARIANCE) if n > 1 else torch.zeros(means.shape[1])
    return MutualInformation(
        value=value,
        upper=upper,
        bound=math.log(n),
        n=n,
        standard_error=standard_error,
        rate=rate,
        aggregate_kl=rate - value,
        moment_kl=moment_kl(posteriors, prior),
        active_units=int(active.sum()),
        latent_dim=means.shape[1],
    )


def _controlled_mean(values: Tensor, controls: Tensor) -> tuple[float, float]:
    """Mean of `values [n]` and its standard error, less what `controls [n, 2]` of known mean 0 explain of its noise."""
    n = len(values)
    if n < _CONTROLLED_FROM:
        return float(values.mean()), float(values.std() / math.sqrt(n)) if n > 1 else math.inf
    centred = controls - controls.mean(0)
    # "gelsd" takes controls that are collinear, or constant.
    slope = torch.linalg.lstsq(centred, (values - values.mean())[:, None], driver="gelsd").solution
    values = values - (controls @ slope)[:, 0]
    return float(values.mean()), float(values.std() / math.sqrt(n))


class _Densities:
    """Densities of all posteriors at given codes."""

    def __init__(self, posteriors: list[Distribution]) -> None:
        self.posteriors = posteriors
        self.gaussian = all(isinstance(q, DiagonalGaussian) for q in posteriors)
        if self.gaussian:
            loc = torch.cat([q.mean.flatten(1) for q in posteriors]).cpu().double()
            scale = torch.cat([q.stddev.flatten(1) for q in posteriors]).cpu().double()
            # About the common mean the squares below lose the fewest digits.
            self.centre = loc.mean(0)
            self.loc, self.precision = loc - self.centre, scale.pow(-2)
            self.constant = -scale.log().sum(1) - 0.5 * scale.shape[1] * math.log(2 * math.pi)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log q(z_i | x_j), `[n, N]` in double precision, for codes `[n, *latent]`."""
        if not self.gaussian:
            parts = [q.log_prob(z[:, None]).cpu().double() for q in self.posteriors]
            return torch.cat(parts, 1)
        at = z.flatten(1).cpu().double() - self.centre
        squares = torch.zeros(len(at), len(self.loc), dtype=torch.float64)
        for d in range(at.shape[1]):
            squares += (at[:, d, None] - self.loc[:, d]).square_().mul_(self.precision[:, d])
        return self.constant - 0.5 * squares


def moment_kl(posteriors: list[Distribution], prior: Distribution) -> float | None:
    r"""KL(N(m, S) || p(z)) with the mean and covariance of the mixture of `posteriors`, p a diagonal Gaussian.

    .. math:: S = \frac1N \sum_j \mathrm{diag}(\sigma_j^2) + \mathrm{Cov}_j(\mu_j)

    Of all densities with these moments the Gaussian is the nearest to a Gaussian prior, so this is a lower bound on
    the divergence of the aggregate posterior.
    """
    if not isinstance(prior, DiagonalGaussian) or not all(
        isinstance(q, DiagonalGaussian) for q in posteriors
    ):
        return None
    loc = torch.cat([q.mean.flatten(1) for q in posteriors]).cpu().double()
    variance = torch.cat([q.variance.flatten(1) for q in posteriors]).cpu().double()
    n, dims = loc.shape
    if n < 2 * dims:
        return None
    centre, width = prior.mean.flatten().cpu().double(), prior.stddev.flatten().cpu().double()
    loc, variance = (loc - centre) / width, variance / width.square()
    covariance = loc.T.cov().reshape(dims, dims) + variance.mean(0).diag()
    divergence = covariance.trace() + loc.mean(0).square().sum() - dims - torch.linalg.slogdet(covariance)[1]
    return max(0.0, 0.5 * float(divergence))
