"""KL(q(z|x) || p(z)): in closed form where torch has one, by Monte Carlo otherwise, always in one shape."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions import kl_divergence as torch_kl

from latentia.distributions import Delta, univariate_factors


def kl_divergence(q: Distribution, p: Distribution, z: Tensor) -> Float[Tensor, "samples batch dims"]:
    r"""Divergence of the posterior from the prior in nats, never reduced over samples, items or (where it can be) dimensions.

    .. math:: \mathrm{KL}(q \| p) = E_q[\log q(z|x) - \log p(z)]

    * Both factorise over the latent dimensions: one column for each, D of them; analytic if torch has the pair of
      univariate distributions, else log q(z_d|x) - log p(z_d) at the given sample.
    * Otherwise one column, D = 1; analytic if torch has the pair, else the same difference at the sample.
    * A deterministic posterior (`Delta`) has no density and its divergence is infinite; what is returned is zero, so that
      the bound becomes the reconstruction term of an ordinary autoencoder. It is no bound on log p(x).

    Args:
        q: q(z|x), batch shape `[B]`, event `[*latent]`.
        p: p(z), batch shape `[]`, same event.
        z: samples of q, `[S, B, *latent]`; read by the Monte-Carlo estimates, and for its shape.

    Example:
        >>> from latentia.distributions import DiagonalGaussian
        >>> q = DiagonalGaussian(torch.ones(4, 2), torch.ones(4, 2))
        >>> p = DiagonalGaussian(torch.zeros(2), torch.ones(2))
        >>> kl_divergence(q, p, q.rsample((3,))).shape, kl_divergence(q, p, q.rsample((3,))).max()
        (torch.Size([3, 4, 2]), tensor(0.5000))
    """
    if isinstance(q, Delta):
        return torch.zeros_like(z).flatten(2)
    q_factor, p_factor = univariate_factors(q), univariate_factors(p)
    if q_factor is not None and p_factor is not None:
        return _kl(q_factor, p_factor, z).expand(z.shape).flatten(2)
    return _kl(q, p, z).expand(z.shape[:2])[..., None]


def _kl(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """Analytic, or a one-sample estimate for each sample of `z`."""
    try:
        return torch_kl(q, p)
    except NotImplementedError:
        return q.log_prob(z) - p.log_prob(z)
