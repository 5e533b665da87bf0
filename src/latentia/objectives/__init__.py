"""Objectives: sums of named terms over a `Trace`; here, and only here, is anything reduced over the batch."""

from latentia.objectives.codes import Rising, joint_bound, quantized_bound
from latentia.objectives.objective import Term, TermSum, negative_elbo
from latentia.objectives.terms import Auxiliary, distortion, rate

__all__ = [
    "Auxiliary",
    "Rising",
    "Term",
    "TermSum",
    "distortion",
    "joint_bound",
    "negative_elbo",
    "quantized_bound",
    "rate",
]
