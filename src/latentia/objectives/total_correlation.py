"""The rate in three parts (mutual information, total correlation, dimension-wise), each with its own weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.distributions import univariate_factors
from latentia.errors import ConfigError
from latentia.objectives.ramps import Weight, WeightLike, as_weight
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion

SAMPLING = ("weighted", "stratified")


def batch_log_weights(
    n_items: int, n_train: int, sampling: str, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "items items"]:
    r"""Logarithms of the weights with which q(z) is put together from the q(z|x_j) of a batch, row i for a z from x_i.

    With B items of N in the batch:

    * weighted: 1 / (N B) everywhere: biased, of small variance (Chen et al. 2018, eq. S4);
    * stratified: 1/N for the item itself, 1/M for others, M = B - 1, but (N - M) / (N M) for one of them: unbiased for
      :math:`q(z) = \tfrac1N \sum_n q(z|x_n)` (eq. S6).

    Example:
        >>> batch_log_weights(3, 10, "stratified").exp()
        tensor([[0.1000, 0.4000, 0.5000],
                [0.5000, 0.1000, 0.4000],
                [0.4000, 0.5000, 0.1000]])
    """
    others = n_items - 1
    # One item tells nothing of the others; and validation batches may be larger than a small training set.
    if sampling == "weighted" or others == 0:
        return torch.full((n_items, n_items), -math.log(n_train * n_items), dtype=dtype)
    n_train = max(n_train, n_items)
    weights = torch.full((n_items, n_items), 1 / others, dtype=dtype)
    rows = torch.arange(n_items)
    weights[rows, (rows + 1) % n_items] = (n_train - others) / (n_train * others)
    weights[rows, rows] = 1 / n_train
    return weights.log()


@dataclass(frozen=True)
class TotalCorrelationObjective:
    r"""-ELBO with the rate split up.

    .. math::
        L = D + \alpha \underbrace{E \log \tfrac{q(z|x)}{q(z)}}_{\text{mutual information}}
        + \beta \underbrace{E \log \tfrac{q(z)}{\prod_d q(z_d)}}_{\text{total correlation}}
        + \gamma \underbrace{E \log \tfrac{\prod_d q(z_d)}{p(z)}}_{\text{dimension-wise}}

    q(z) and its marginals are put together from the batch (`batch_log_weights`). The three parts sum to a one-sample
    estimate of the rate, whatever the weights of the batch.

    Source: Chen, Li, Grosse & Duvenaud 2018, Isolating Sources of Disentanglement in VAEs, eq. 2-4.

    Args:
        n_train: N, training items.
        sampling: "weighted" or "stratified".
        alpha: weight of the mutual information.
        beta: weight of the total correlation.
        gamma: weight of the dimension-wise part.

    Raises:
        ConfigError: when called on a posterior that is not a product over latent dimensions.
    """

    n_train: int
    sampling: str
    alpha: Weight
    beta: Weight
    gamma: Weight

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        """The loss at this progress, in nats per item; each part is logged."""
        log_joint, log_marginals = self.aggregate(trace)
        mutual_information = trace.weighed(trace.posterior.log_prob(trace.z) - log_joint).mean()
        total_correlation = trace.weighed(log_joint - log_marginals).mean()
        dimension_wise = trace.weighed(log_marginals - trace.prior.log_prob(trace.z)).mean()
        d = distortion(trace)
        alpha, beta, gamma = (w(progress) if callable(w) else w for w in (self.alpha, self.beta, self.gamma))
        total = d + alpha * mutual_information + beta * total_correlation + gamma * dimension_wise
        parts = {
            "distortion": d,
            "mutual_information": mutual_information,
            "total_correlation": total_correlation,
            "dimension_wise_kl": dimension_wise,
        }
        return Loss(total, {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> Tensor:
        """The loss at the weights that hold at the end of training."""
        return self(trace).total

    def aggregate(self, trace: Trace) -> tuple[Tensor, Tensor]:
        """Estimates of log q(z) and of sum_d log q(z_d), each `[S, B]`."""
        factors = univariate_factors(trace.posterior)
        if factors is None:
            raise ConfigError(
                f"total correlation needs a posterior that is a product over latent dimensions, not a "
                f"{type(trace.posterior).__name__}: use posterior 'gaussian'"
            )
        # [S, B of z, B of q, D]
        log_q = factors.log_prob(trace.z[:, :, None]).flatten(3)
        log_weights = batch_log_weights(len(trace.x), self.n_train, self.sampling, log_q.dtype)
        log_weights = log_weights.to(log_q.device)
        if trace.weight is not None:
            log_weights = log_weights + trace.weight.to(log_q).log()
        log_joint = torch.logsumexp(log_q.sum(-1) + log_weights, 2)
        log_marginals = torch.logsumexp(log_q + log_weights[..., None], 2).sum(-1)
        return log_joint, log_marginals


def total_correlation_elbo(
    setting: ObjectiveSetting,
    *,
    beta: WeightLike = 6.0,
    alpha: WeightLike = 1.0,
    gamma: WeightLike = 1.0,
    sampling: str = "weighted",
) -> TotalCorrelationObjective:
    """`TotalCorrelationObjective` for a training set of the setting's size.

    Args:
        setting: the size of the fit.
        beta: weight of the total correlation; 6 as for dSprites in the paper.
        alpha: weight of the mutual information.
        gamma: weight of the dimension-wise part.
        sampling: "weighted" (the paper's choice) or "stratified".

    Raises:
        ConfigError: if `sampling` is unknown or a weight is negative.
    """
    if sampling not in SAMPLING:
        raise ConfigError(f"sampling={sampling!r}: expected one of {', '.join(SAMPLING)}")
    weights = (as_weight(name, w) for name, w in (("alpha", alpha), ("beta", beta), ("gamma", gamma)))
    return TotalCorrelationObjective(setting.n_train, sampling, *weights)
