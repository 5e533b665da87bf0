"""The importance-weighted bound of Burda et al. 2016 and its doubly reparameterised gradient."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from latentia.core import Trace
from latentia.errors import ConfigError
from latentia.objectives.objective import Term, TermSum
from latentia.objectives.ramps import WeightLike, as_weight
from latentia.objectives.setting import ObjectiveSetting


def log_weights(trace: Trace) -> Float[Tensor, "samples batch"]:
    """Log w = log p(x|z) + log p(z) - log q(z|x) in nats, for each sample and item."""
    return trace.log_likelihood + trace.prior.log_prob(trace.z) - trace.posterior.log_prob(trace.z)


def importance_bound(trace: Trace) -> Float[Tensor, ""]:
    r"""Minus the importance-weighted bound, in nats per item; its gradient is the plain reparameterised one.

    .. math:: -L_S = -E_x \Big[ \log \tfrac1S \sum_{s=1}^S w_s \Big], \quad w_s = p(x, z_s) / q(z_s|x)

    Source: Burda, Grosse & Salakhutdinov 2016, eq. 8. With one sample it is minus the ELBO.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> trace = model.trace(torch.zeros(3, 4), n_samples=5)
        >>> bool((importance_bound(trace) - doubly_reparameterised_bound(trace)).abs() < 1e-5)
        True
    """
    return -trace.weighed(_with_gradient_of(log_weights(trace), trace)).mean()


def doubly_reparameterised_bound(trace: Trace) -> Float[Tensor, ""]:
    r"""The same value, with the doubly reparameterised gradient for whatever stands behind q(z|x).

    With normalised weights v_s = w_s / sum(w), the gradient for the parameters theta of p and phi of q is

    .. math::
        \nabla_\theta L_S = \sum_s v_s \nabla_\theta \log w_s, \qquad
        \nabla_\phi L_S = \sum_s v_s^2 \, \frac{\partial \log w_s}{\partial z_s} \frac{\partial z_s}{\partial \phi}

    Both have the plain gradient's expectation; that for phi has a smaller variance, does not vanish relative to its noise
    as S grows, and is exactly zero where q is the true posterior.

    How it is done, for any distribution: parameters of q enter log q(z|x) directly and through z. Subtracting log q at
    z without its history, and adding its value back, leaves only the way through z; and on that way, at z itself, the
    gradient, which has come with factor v_s, is multiplied by v_s once more.

    Source: Tucker, Lawson, Gu & Maddison 2019, Doubly Reparameterized Gradient Estimators, eq. 8.

    """
    z = trace.z
    direct = trace.posterior.log_prob(z.detach())
    log_w = log_weights(trace) + (direct - direct.detach())
    if z.requires_grad:
        share = _shares(log_w if trace.pool is None else trace.pool)
        if trace.chosen is not None:
            share = share.gather(0, trace.chosen)
        again = share.reshape(share.shape + (1,) * (z.ndim - 2))
        z.register_hook(lambda gradient: gradient * again.to(gradient.dtype))
    return -trace.weighed(_with_gradient_of(log_w, trace)).mean()


def _shares(log_w: Tensor) -> Tensor:
    """Normalised weights v_s, 0 where they are lost in the rounding of their sum.

    Gradients in proportion to those would be subnormal numbers, with which a CPU computes several times more slowly.
    """
    share = torch.softmax(log_w.detach(), 0)
    return share * (share > 1e-3 * torch.finfo(share.dtype).eps)


def _with_gradient_of(log_w: Tensor, trace: Trace) -> Tensor:
    """Log mean w over samples, `[B]`, by the gradient of sum_s v_s log w_s, which is the same.

    Where the samples were chosen from a pool with probabilities v, the value is that of the pool, and the mean over the
    chosen has the gradient as its expectation.
    """
    if trace.pool is not None:
        weighted = log_w.mean(0)
        return torch.logsumexp(trace.pool, 0) - math.log(len(trace.pool)) + weighted - weighted.detach()
    known = log_w.detach()
    share = _shares(log_w)
    weighted = (share * log_w.masked_fill(share == 0, 0.0)).sum(0)  # a weight may be 0 itself
    return torch.logsumexp(known, 0) - math.log(len(log_w)) + weighted - weighted.detach()


def importance_weighted(
    setting: ObjectiveSetting,  # noqa: ARG001  (a factory's face)
    *,
    n_samples: WeightLike = 5,
    n_backward: int = 0,
    doubly_reparameterised: bool = True,
) -> TermSum:
    """Minus the importance-weighted bound with `n_samples` draws for each item in each step.

    Args:
        setting: the size of the fit.
        n_samples: S; a step takes nearly S times the decoder's time. Published: 5 and 50. A ramp spends the time of many samples
            late, when they tell most apart: `{"ramp": "linear", "start": 1, "end": 50}`; it is rounded to whole numbers.
        n_backward: M; the gradient goes through M samples that are drawn, with replacement, by their normalised weights v_s, and
            stays unbiased: the mean of grad log w over those for theta, of v_s times the way through z for phi. The other
            samples then cost a pass of the decoder forward, a third of the whole. 0: through all. Unbiased for decoders without batch
            normalisation and dropout (the perceptrons, `mlp-tanh`): with those the weights are of another pass than the gradient,
            and a fit warns of it.
        doubly_reparameterised: which gradient the encoder gets.

    Raises:
        ConfigError: if `n_samples` is neither a whole number of at least 1 nor a ramp that ends at one, or `n_backward` is no
            whole number of at least 0.
    """
    if not isinstance(n_backward, int) or n_backward < 0:
        raise ConfigError(f"n_backward={n_backward!r}: a whole number of at least 0 is expected")
    draws = as_weight("n_samples", n_samples)
    last = draws(1.0) if callable(draws) else draws
    if last < 1 or last != int(last):
        raise ConfigError(
            f"n_samples={n_samples!r}: a whole number of at least 1, or a ramp that ends at one, is expected"
        )
    bound = doubly_reparameterised_bound if doubly_reparameterised else importance_bound
    return TermSum((Term("importance_bound", bound),), draws, n_backward)
