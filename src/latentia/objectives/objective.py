"""The common objective: a weighted sum of named terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.objectives.ramps import Weight, WeightLike, as_weight
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import Auxiliary, distortion, rate


@dataclass(frozen=True)
class Term:
    """A named term and its weight: a number, or a function of training progress in [0, 1] (a ramp)."""

    name: str
    function: Callable[[Trace], Tensor]
    weight: Weight = 1.0

    def weight_at(self, progress: float) -> float:
        """The weight in force when this share of training is done."""
        return self.weight(progress) if callable(self.weight) else self.weight


@dataclass(frozen=True)
class TermSum:
    """total = sum over terms of weight(progress) * term(trace); the parts are logged unweighted.

    Args:
        terms: what is summed.
        n_samples: draws of z for each item that a training step should make; a ramp is rounded.
        n_backward: through how many of them the gradient should go, where the model can choose (`models.VAE`); 0: all.

    Example:
        >>> negative_elbo(beta=4.0).terms[1].weight
        4.0
    """

    terms: tuple[Term, ...]
    n_samples: Weight = 1
    n_backward: int = 0

    @property
    def steady(self) -> bool:
        """Whether it is the same throughout training."""
        return not callable(self.n_samples) and not any(callable(term.weight) for term in self.terms)

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        """Reduce a trace to the scalar that is minimised, and its parts."""
        parts = {term.name: term.function(trace) for term in self.terms}
        weighted = [term.weight_at(progress) * parts[term.name] for term in self.terms]
        return Loss(torch.stack(weighted).sum(), {name: part.detach() for name, part in parts.items()})

    def validation_loss(self, trace: Trace) -> Tensor:
        """By which the epoch to keep is chosen: the total at the weights that hold at the end of training, of what can be compared.

        Losses of the model's own (`Trace.auxiliary`: codebook, commitment) are part of no bound, and grow with the scale that the
        encoder chooses: they are left out, unless there is nothing else.
        """
        compared = tuple(term for term in self.terms if not isinstance(term.function, Auxiliary))
        return TermSum(compared or self.terms)(trace).total


def negative_elbo(beta: Weight = 1.0) -> TermSum:
    """-ELBO = D + beta R (Kingma & Welling 2014, eq. 3; beta other than 1: Higgins et al. 2017, eq. 4)."""
    return TermSum((Term("distortion", distortion), Term("kl", rate, beta)))


def elbo(setting: ObjectiveSetting, *, beta: WeightLike = 1.0) -> TermSum:  # noqa: ARG001  (a factory's face)
    """`negative_elbo` as a factory.

    Args:
        setting: the size of the fit.
        beta: weight of the rate: a number of at least 0, or a ramp (KL annealing).

    Raises:
        ConfigError: if beta is neither.
    """
    return negative_elbo(as_weight("beta", beta))


def reconstruction(setting: ObjectiveSetting) -> TermSum:  # noqa: ARG001  (a factory's face)
    """The distortion alone: autoencoders, and uncertainty autoencoders by their posterior.

    With a posterior of fixed noise, -D is, up to the entropy of the data, the variational lower bound of the mutual
    information I(x; z) of Barber & Agakov 2003, which is what Grover & Ermon 2019 (eq. 5) maximise.
    """
    return TermSum((Term("distortion", distortion),))
