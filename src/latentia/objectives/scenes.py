"""Objectives of models of scenes."""

from __future__ import annotations

import math

from torch import Tensor

from latentia.core import Trace
from latentia.errors import ConfigError
from latentia.objectives.constrained import ConstrainedObjective, constrained_elbo
from latentia.objectives.objective import Term, TermSum
from latentia.objectives.ramps import WeightLike, as_weight
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import Auxiliary, distortion, rate, squared_error

FORMS = ("A", "B", "C")
TOLERATED = 0.0032
"""Mean squared error of a number at which GENESIS-V2 trades the rate against nothing: its goal of 0.5655 nats at sigma = 0.7, less
the 0.5623 that no reconstruction goes below."""


class MaskSum(TermSum):
    """A sum of terms that is no bound, though the model has one: by that the epoch to keep is chosen."""

    def validation_loss(self, trace: Trace) -> Tensor:
        """Minus the bound in nats per item."""
        return -trace.weighed(trace.elbo).mean()


def monet(
    setting: ObjectiveSetting,  # noqa: ARG001  (a factory's face)
    *,
    beta: WeightLike = 0.5,
    gamma: WeightLike = 0.5,
    form: str = "A",
) -> MaskSum:
    r"""-log p + beta KL(z) + gamma KL(m || m~), by one of the three likelihoods of `latentia.models.scenes.monet.MONet`.

    Args:
        setting: the size of the fit.
        beta: weight of the rate.
        gamma: weight of the divergence of the encoder's masks from the decoded ones.
        form: "A", the paper's, whose weights are the encoder's masks and which is no bound; "B", their expectation, which with beta =
            gamma = 1 is a bound; "C", with decoded masks, which is a bound whatever gamma.

    Raises:
        ConfigError: for another form, or a weight that is none.

    Source: Burgess et al. 2019, eq. 3, for form A.
    """
    if form not in FORMS:
        raise ConfigError(f"form={form!r}: expected one of {', '.join(FORMS)}")
    first = {
        "A": Term("attention", Auxiliary("attention")),
        "B": Term("expected", Auxiliary("expected")),
        "C": Term("distortion", distortion),
    }[form]
    terms = (
        first,
        Term("kl", rate, as_weight("beta", beta)),
        Term("mask_kl", Auxiliary("mask_kl"), as_weight("gamma", gamma)),
    )
    return MaskSum(terms)


def tolerated_error(setting: ObjectiveSetting, *, mse: float = TOLERATED) -> ConstrainedObjective:
    """Least rate at a squared error of `mse` a number: the constrained problem by which GENESIS-V2 is trained.

    Args:
        setting: the size of the fit.
        mse: mean squared error of a pixel and channel on [0, 1] that is let pass.

    Source: Engelcke et al. 2021, section 3.3 (GECO; there in nats at a fixed sigma).
    """
    return constrained_elbo(setting, constraint="squared_error", bound=mse * math.prod(setting.event_shape))


def slot_reconstruction(setting: ObjectiveSetting) -> TermSum:  # noqa: ARG001  (a factory's face)
    """The squared error of the mean image alone (Locatello et al. 2020, section 4.1)."""
    return TermSum((Term("squared_error", squared_error),))


def nvil(setting: ObjectiveSetting) -> TermSum:  # noqa: ARG001  (a factory's face)
    """The bound at a sampled count, with what its gradient needs: the score of the count, and the baseline's error.

    Source: Mnih and Gregor 2014, Neural Variational Inference and Learning; Eslami et al. 2016, section 3.1.
    """
    return TermSum(
        (
            Term("distortion", distortion),
            Term("kl", rate),
            Term("score", Auxiliary("score")),
            Term("baseline", Auxiliary("baseline")),
        )
    )
