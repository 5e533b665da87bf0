"""The bound with a rate that comes in slowly and has a floor: what keeps the code of a strong decoder alive."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentia.core import Loss, Trace
from latentia.errors import ConfigError
from latentia.objectives.free_bits import free_bits
from latentia.objectives.ramps import Linear, Number, Weight, WeightLike, as_weight, positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion, rate

_UP = Linear(until=0.4)


class AnnealedElbo(nn.Module):
    r"""D + beta(t) F(KL): annealing, free bits, or both; judged by the bound itself.

    F is the rate, or with a floor what `free_bits` makes of it. Epochs are compared by the negative bound with weight 1 and no floor, and only
    those at whose end beta has its last value: before, a code costs less than it will.

    Args:
        beta: weight of the rate, a number or a ramp.
        nats: floor lambda of the whole code: with `per` "per_dim" and "per_dim_item" each of D dimensions has lambda / D.
        per: of what lambda is the floor; see `free_bits`.
        latent_dim: D.

    Source: Bowman et al. 2016, section 3.1 (annealing); Kingma et al. 2016, appendix C.8 (free bits); both together Li et al. 2019.

    Example:
        >>> AnnealedElbo(beta=1.0, nats=8.0, per="per_dim", latent_dim=16)
        AnnealedElbo(beta=1.0, nats=8.0, per='per_dim')
    """

    progress: Tensor

    def __init__(self, beta: Weight, nats: float, per: str, latent_dim: int) -> None:
        super().__init__()
        self.beta, self.nats, self.per = beta, nats, per
        self.floored = free_bits(nats / (max(1, latent_dim) if per.startswith("per_dim") else 1), per)
        self.register_buffer("progress", torch.zeros(()))

    def weight_at(self, progress: float) -> float:
        """Beta when this share of training is done."""
        return self.beta(progress) if callable(self.beta) else self.beta

    def forward(self, trace: Trace, progress: float = 1.0) -> Loss:
        """Reduce a trace to the scalar that is minimised, and its parts: distortion, the rate itself and beta."""
        if self.training:
            self.progress.fill_(progress)
        weight = self.weight_at(progress)
        lost, told = distortion(trace), rate(trace)
        total = lost + weight * (self.floored(trace) if self.nats else told)
        parts = {"distortion": lost, "kl": told, "beta": torch.as_tensor(weight).to(lost)}
        return Loss(total, {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> Tensor | None:
        """The negative bound; None while beta is not yet what it will be."""
        if self.weight_at(float(self.progress)) != self.weight_at(1.0):
            return None
        return -trace.weighed(trace.elbo).mean()

    def extra_repr(self) -> str:
        """Its settings."""
        return f"beta={self.beta}, nats={self.nats}, per={self.per!r}"


def annealed_elbo(
    setting: ObjectiveSetting, *, beta: WeightLike = _UP, nats: Number = 0.0, per: str = "per_dim"
) -> AnnealedElbo:
    """`AnnealedElbo` as a factory; by default beta rises to 1 over the first 40 % of training, without a floor.

    Args:
        setting: the size of the fit.
        beta: weight of the rate: a number of at least 0, or a ramp.
        nats: lambda, of the whole code.
        per: "total", "per_dim", "per_dim_item" or "per_item".

    Raises:
        ConfigError: if a value is out of range.
    """
    return AnnealedElbo(as_weight("beta", beta), positive("nats", nats, zero=True), per, setting.latent_dim)


class MinimumRate(nn.Module):
    r"""min D + R subject to R >= r: the rate is held at a minimum by a multiplier that is learned.

    .. math:: L = D + R + u (r - R), \quad u = \mathrm{softplus}(v), \quad v \leftarrow v + \eta (r - R)

    The multiplier takes its step in training, before the gradient is taken, on the rate of the batch. It is part of the state: saved and
    resumed with the weights.

    Args:
        nats: r, of the whole code.
        step: eta.

    Source: Pelsmaeker and Aziz 2020, Effective Estimation of Deep Generative Language Models, section 4 (minimum desired rate).
    """

    dual: Tensor

    def __init__(self, nats: float, step: float) -> None:
        super().__init__()
        self.nats, self.step = nats, step
        self.register_buffer("dual", torch.zeros(()))

    def forward(self, trace: Trace, progress: float = 1.0) -> Loss:  # noqa: ARG002  (an objective's face)
        """The Lagrangian."""
        lost, told = distortion(trace), rate(trace)
        if self.training:
            with torch.no_grad():
                self.dual.add_(self.step * (self.nats - told).to(self.dual))
        multiplier = nn.functional.softplus(self.dual).to(lost)
        total = lost + told + multiplier * (self.nats - told)
        parts = {"distortion": lost, "kl": told, "multiplier": multiplier}
        return Loss(total, {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> Tensor:
        """The negative bound."""
        return -trace.weighed(trace.elbo).mean()


TRAVEL = 60.0
"""How far the multiplier's logarithm-like dual could go over all of training, if the rate stayed one nat short throughout."""


def minimum_rate(setting: ObjectiveSetting, *, nats: Number = 5.0) -> MinimumRate:
    """`MinimumRate` as a factory.

    Args:
        setting: the size of the fit.
        nats: the least rate of the whole code.

    Raises:
        ConfigError: if it is not above 0.
    """
    if not setting.latent_dim:
        raise ConfigError("a model without a code has no rate")
    return MinimumRate(positive("nats", nats), TRAVEL / max(1, setting.n_updates))
