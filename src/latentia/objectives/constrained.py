"""The constrained problem behind beta-VAE: one quantity is minimised while another is held to a bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from latentia.core import Loss, Trace
from latentia.errors import ConfigError
from latentia.objectives.ramps import Number, positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion, rate, squared_error

NATS_PER_DIM = 1.0
"""Bound on the rate where none is given: one nat (1.4 bits) for each latent dimension."""
TRAVEL = 40.0
"""How far the logarithm of the multiplier could go over all of training, if the constraint stayed violated throughout."""
PROPORTION = 3.0
"""Share of the present violation in the logarithm of the multiplier: it damps the swing of one that only accumulates."""
MEMORY = 0.9
"""Of the moving average of the violation: over some ten batches."""
LOG_MULTIPLIER = math.log(1e6)

# name -> what is minimised and what is held to the bound, each with its name in the log
CONSTRAINTS = {
    "kl": (("distortion", distortion), ("kl", rate)),
    "squared_error": (("kl", rate), ("squared_error", squared_error)),
}


class ConstrainedObjective(nn.Module):
    r"""min f subject to g <= c by a Lagrangian f + lambda (g - c), whose multiplier is learned.

    With the relative violation of a batch :math:`v = (g - c) / c`, cut to [-1, 1], and its moving average
    :math:`\bar v \leftarrow a \bar v + (1 - a) v`, each training step, before its gradient is taken, sets

    .. math:: m \leftarrow m + \eta \bar v, \qquad \lambda = e^{m + p \bar v}

    so that the multiplier grows while the constraint is violated and shrinks while there is room. It is no parameter but
    part of the state: saved and resumed with the weights, and logged as "multiplier" beside "violation", that of the
    batch.

    * constraint "kl": f = D, g = the rate. lambda is the beta of the beta-VAE that solves this problem (Higgins et
      al. 2017, eq. 2-3, before beta is fixed).
    * constraint "squared_error": f = the rate, g = E|x - E[x|z]|^2. With a Gaussian likelihood of variance s^2 the
      beta of the same solution is 1 / (2 s^2 lambda).

    Source: Rezende & Viola 2018, Taming VAEs, algorithm 1 (GECO; a = 0.99 and p = 0 there). The proportional part is
    that of ControlVAE (Shao et al. 2020, eq. 7): without it a multiplier that must be found in some hundred steps swings.

    Args:
        constraint: "kl" or "squared_error".
        bound: c, in nats per item, or in squared units of the data as the model sees them, summed over the event.
        step: eta.
        proportion: p.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> loss = ConstrainedObjective("kl", bound=2.0, step=0.1)(model.trace(torch.zeros(3, 4)))
        >>> sorted(loss.parts)
        ['distortion', 'kl', 'multiplier', 'violation']
    """

    log_multiplier: Tensor
    violation: Tensor
    started: Tensor

    def __init__(self, constraint: str, bound: float, step: float, proportion: float = PROPORTION) -> None:
        super().__init__()
        self.constraint, self.bound, self.step, self.proportion = constraint, bound, step, proportion
        self.register_buffer("log_multiplier", torch.zeros(()))
        self.register_buffer("violation", torch.zeros(()))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    @property
    def multiplier(self) -> Tensor:
        """lambda, a scalar."""
        return (self.log_multiplier + self.proportion * self.violation).exp()

    def forward(self, trace: Trace, progress: float = 1.0) -> Loss:  # noqa: ARG002  (an objective's face)
        """The Lagrangian; in training mode the multiplier takes its step first."""
        (f_name, minimised), (g_name, constrained) = CONSTRAINTS[self.constraint]
        f, g = minimised(trace), constrained(trace)
        violation = (g - self.bound) / self.bound
        if self.training:
            self._move(violation.detach())
        multiplier = self.multiplier
        parts = {f_name: f, g_name: g, "multiplier": multiplier, "violation": violation}
        total = f + multiplier * (g - self.bound)
        return Loss(total, {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> None:  # noqa: ARG002
        """None: the multiplier moves, so epochs cannot be compared, and the last weights are the ones to keep."""
        return

    @torch.no_grad()
    def _move(self, violation: Tensor) -> None:
        now = violation.clamp(-1, 1).to(self.violation)
        self.violation.copy_(torch.where(self.started, MEMORY * self.violation + (1 - MEMORY) * now, now))
        self.started.fill_(True)
        self.log_multiplier.add_(self.step * self.violation).clamp_(-LOG_MULTIPLIER, LOG_MULTIPLIER)


def constrained_elbo(
    setting: ObjectiveSetting, *, constraint: str = "kl", bound: Number | None = None
) -> ConstrainedObjective:
    """`ConstrainedObjective`; by default the distortion is minimised at a rate of one nat for each latent dimension.

    A bound on the rate can be met on any data: a code may carry as little as is asked, and where the data have less to
    tell the multiplier falls until the bound no longer binds. A bound on the error, in contrast, may be out of reach, and
    what is small depends on the data: it has to be given. The step eta is `TRAVEL / n_updates`, so that a short fit finds
    its multiplier as a long one does.

    Args:
        setting: the size of the fit.
        constraint: "kl" (least distortion at a bounded rate) or "squared_error" (least rate at a bounded error).
        bound: c; None: one nat per latent dimension, for "kl".

    Raises:
        ConfigError: if a value is out of range, or the bound of an error is missing.
    """
    if constraint not in CONSTRAINTS:
        raise ConfigError(f"constraint={constraint!r}: expected one of {', '.join(CONSTRAINTS)}")
    if bound is None:
        if constraint != "kl":
            raise ConfigError(
                "bound is missing: with constraint='squared_error' give the squared error per item that is to be met, "
                "in the units of the model (pixels in [0, 1], standardised columns)"
            )
        bound = NATS_PER_DIM * setting.latent_dim
    return ConstrainedObjective(constraint, positive("bound", bound), TRAVEL / max(1, setting.n_updates))
