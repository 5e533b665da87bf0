"""The one objective class: a weighted sum of named terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.objectives.terms import distortion, rate

Weight = float | Callable[[float], float]


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

    Example:
        >>> negative_elbo(beta=4.0).terms[1].weight
        4.0
    """

    terms: tuple[Term, ...]

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        """Reduce a trace to the scalar that is minimised, and its parts."""
        parts = {term.name: term.function(trace) for term in self.terms}
        weighted = [term.weight_at(progress) * parts[term.name] for term in self.terms]
        return Loss(torch.stack(weighted).sum(), {name: part.detach() for name, part in parts.items()})


def negative_elbo(beta: Weight = 1.0) -> TermSum:
    """-ELBO = D + beta R (Kingma & Welling 2014, eq. 3; beta other than 1: Higgins et al. 2017, eq. 4)."""
    return TermSum((Term("distortion", distortion), Term("kl", rate, beta)))
