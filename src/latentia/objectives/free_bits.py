"""Free bits: no reward for a rate below a floor, so that a code is not given up early in training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from jaxtyping import Float
from torch import Tensor

from latentia.core import Trace
from latentia.errors import ConfigError
from latentia.objectives.objective import Term, TermSum
from latentia.objectives.ramps import Number, positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion

Weighing = Callable[[Tensor], Tensor]
# kl [B, D], the floor in nats and what weighs items along the first axis -> scalar
_CLAMPS: dict[str, Callable[[Tensor, float, Weighing], Tensor]] = {
    "total": lambda kl, floor, weighed: weighed(kl.sum(-1)).mean().clamp(min=floor),
    "per_dim": lambda kl, floor, weighed: weighed(kl).mean(0).clamp(min=floor).sum(),
    "per_dim_item": lambda kl, floor, weighed: weighed(kl.clamp(min=floor).sum(-1)).mean(),
    "per_item": lambda kl, floor, weighed: weighed(kl.sum(-1).clamp(min=floor)).mean(),
}


def free_bits(nats: Number, per: str = "per_dim") -> Callable[[Trace], Float[Tensor, ""]]:
    r"""The rate with a floor of lambda = `nats`, below which its gradient is exactly zero.

    ============== =================================================== =======================================
    `per`          term                                                lambda is the floor of
    ============== =================================================== =======================================
    total          :math:`\max(\lambda, E_x \sum_d KL_d)`              the whole code, on average over items
    per_dim        :math:`\sum_d \max(\lambda, E_x KL_d)`              each dimension, on average over items
    per_dim_item   :math:`E_x \sum_d \max(\lambda, KL_d)`              each dimension of each item
    per_item       :math:`E_x \max(\lambda, \sum_d KL_d)`              the whole code of each item
    ============== =================================================== =======================================

    E_x is the mean over the batch; samples of z are averaged first.

    Args:
        nats: lambda.
        per: a row of the table.

    Returns:
        A term, `Trace -> scalar` in nats per item. It is a loss, never the rate of a bound.

    Raises:
        ConfigError: if `nats` is negative or `per` unknown.

    Source: Kingma et al. 2016 (IAF), appendix C.8: "per_dim" with one dimension as a group.

    Example:
        >>> import dataclasses, torch
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> kl = torch.tensor([[[0.0, 3.0], [0.5, 1.0]]])
        >>> trace = dataclasses.replace(model.trace(torch.zeros(2, 4)), kl=kl)
        >>> [float(free_bits(1.0, per)(trace)) for per in ("total", "per_dim", "per_dim_item", "per_item")]
        [2.25, 3.0, 3.0, 2.25]
    """
    floor = positive("nats", nats, zero=True)
    if per not in _CLAMPS:
        raise ConfigError(f"per={per!r}: expected one of {', '.join(_CLAMPS)}")
    return partial(_clamped_rate, nats=floor, per=per)


def _clamped_rate(trace: Trace, nats: float, per: str) -> Tensor:
    return _CLAMPS[per](trace.kl.mean(0), nats, partial(trace.weighed, dim=0))


def free_bits_elbo(setting: ObjectiveSetting, *, nats: Number = 0.5, per: str = "per_dim") -> TermSum:  # noqa: ARG001
    """The negative bound with `free_bits` in place of the rate; by default half a nat for each latent dimension.

    Args:
        setting: the size of the fit.
        nats: lambda.
        per: "total", "per_dim", "per_dim_item" or "per_item".
    """
    return TermSum((Term("distortion", distortion), Term("free_kl", free_bits(nats, per))))
