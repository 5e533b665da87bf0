"""The constrained problem behind beta-VAE: one quantity is minimised while another is held to a bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from latentia.core import Loss, Trace
from latentia.errors import ConfigError
from latentia.objectives.ramps import positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion, rate, squared_error

NATS_PER_DIM = 1.0
TRAVEL = 50.0
MEMORY = 0.9
MULTIPLIER_RANGE = (1e-6, 1e6)

# name -> (what is minimised, what is held to the bound)
CONSTRAINTS = {"kl": (distortion, rate), "squared_error": (rate, squared_error)}


class ConstrainedObjective(nn.Module):
    r"""min f subject to g <= c by a Lagrangian f + lambda (g - c), whose multiplier is learned.

    With the relative violation of a batch :math:`v = (g - c) / c`, cut to [-1, 1], and its moving average
    :math:`\bar v \leftarrow a \bar v + (1 - a) v`, each training step, before its gradient is taken, sets

    .. math:: \lambda \leftarrow \lambda \, e^{\eta \bar v}

    so that the multiplier grows while the constraint is violated and shrinks while there is room. lambda is no
    parameter but part of the state: it is saved and resumed with the weights, and logged as "multiplier" beside
    "violation", the relative one of the batch.

    * constraint "kl": f = D, g = the rate. lambda is the beta of the beta-VAE that solves this problem (Higgins et
      al. 2017, eq. 2-3, before beta is fixed).
    * constraint "squared_error": f = the rate, g = E|x - E[x|z]|^2. 1/lambda is that beta, up to the variance of the
      likelihood (Rezende & Viola 2018, Taming VAEs, algorithm 1: GECO).

    Args:
        constraint: "kl" or "squared_error".
        bound: c, in nats per item, or in squared units of the data as the model sees them, summed over the event.
        step: eta.

    Example:
        >>> from types import SimpleNamespace
        >>> trace = SimpleNamespace(log_likelihood=torch.zeros(1, 2), kl=torch.full((1, 2, 1), 3.0))
        >>> objective = ConstrainedObjective("kl", bound=2.0, step=1.0)
        >>> loss = objective(trace)  # violated by a half: the multiplier becomes exp(0.5)
        >>> float(objective.multiplier.log()), float(loss.parts["violation"])
        (0.5, 0.5)
    """

    log_multiplier: Tensor
    violation: Tensor
    started: Tensor

    def __init__(self, constraint: str, bound: float, step: float) -> None:
        super().__init__()
        self.constraint, self.bound, self.step = constraint, bound, step
        self.minimised, self.constrained = CONSTRAINTS[constraint]
        self.register_buffer("log_multiplier", torch.zeros((), dtype=torch.float32))
        self.register_buffer("violation", torch.zeros((), dtype=torch.float32))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    @property
    def multiplier(self) -> Tensor:
        """lambda, a scalar."""
        return self.log_multiplier.exp()

    def forward(self, trace: Trace, progress: float = 1.0) -> Loss:  # noqa: ARG002  (an objective's face)
        """The Lagrangian; in training mode the multiplier takes its step first."""
        f, g = self.minimised(trace), self.constrained(trace)
        violation = (g - self.bound) / self.bound
        if self.training:
            self._move(violation.detach())
        parts = {
            self.minimised.__name__: f,
            self.constrained.__name__: g,
            "multiplier": self.multiplier,
            "violation": violation,
        }
        total = f + self.multiplier * (g - self.bound)
        return Loss(total, {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> None:  # noqa: ARG002
        """None: the multiplier moves, so epochs cannot be compared, and the last weights are the ones to keep."""
        return

    @torch.no_grad()
    def _move(self, violation: Tensor) -> None:
        now = violation.clamp(-1, 1).to(self.violation)
        mean = torch.where(self.started, MEMORY * self.violation + (1 - MEMORY) * now, now)
        self.violation.copy_(mean)
        self.started.fill_(True)
        self.log_multiplier.add_(self.step * mean).clamp_(*map(math.log, MULTIPLIER_RANGE))


def constrained_elbo(
    setting: ObjectiveSetting,
    *,
    constraint: str = "kl",
    bound: float | None = None,
    travel: float = TRAVEL,
) -> ConstrainedObjective:
    """`ConstrainedObjective`; by default the distortion is minimised at a rate of one nat for each latent dimension.

    A bound on the rate can be met on any data: a code may carry as little as is asked, and, where the data have less to
    tell, the multiplier falls and the bound is not reached. A bound on the error, in contrast, may be out of reach, and
    what is small depends on the data: it has to be given.

    Args:
        setting: the size of the fit.
        constraint: "kl" (least distortion at a bounded rate) or "squared_error" (least rate at a bounded error).
        bound: c; None: one nat per latent dimension, for "kl".
        travel: by how much the logarithm of the multiplier could move over the whole of training: the step eta is
            `travel / n_updates`, so that short fits find their multiplier as well as long ones.

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
    step = positive("travel", travel) / max(1, setting.n_updates)
    return ConstrainedObjective(constraint, positive("bound", bound), step)
