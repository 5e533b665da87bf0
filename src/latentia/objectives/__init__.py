"""Objectives: sums of named terms over a `Trace`; here, and only here, is anything reduced over the batch."""

from latentia.objectives.capacity import CapacityObjective, capacity_elbo
from latentia.objectives.codes import joint_bound, quantized_bound
from latentia.objectives.constrained import ConstrainedObjective, constrained_elbo
from latentia.objectives.free_bits import free_bits, free_bits_elbo
from latentia.objectives.importance import (
    doubly_reparameterised_bound,
    importance_bound,
    importance_weighted,
)
from latentia.objectives.mmd import aggregate_mmd, info_elbo, mmd2
from latentia.objectives.named import OBJECTIVES
from latentia.objectives.objective import Term, TermSum, elbo, negative_elbo, reconstruction
from latentia.objectives.ramps import (
    RAMPS,
    Constant,
    Cyclical,
    Linear,
    Ramp,
    Sigmoid,
    Weight,
    WeightLike,
    as_weight,
)
from latentia.objectives.setting import ObjectiveFactory, ObjectiveSetting, build_objective, options_of
from latentia.objectives.terms import Auxiliary, distortion, rate, squared_error
from latentia.objectives.total_correlation import TotalCorrelationObjective, total_correlation_elbo

__all__ = [
    "OBJECTIVES",
    "RAMPS",
    "Auxiliary",
    "CapacityObjective",
    "Constant",
    "ConstrainedObjective",
    "Cyclical",
    "Linear",
    "ObjectiveFactory",
    "ObjectiveSetting",
    "Ramp",
    "Sigmoid",
    "Term",
    "TermSum",
    "TotalCorrelationObjective",
    "Weight",
    "WeightLike",
    "aggregate_mmd",
    "as_weight",
    "build_objective",
    "capacity_elbo",
    "constrained_elbo",
    "distortion",
    "doubly_reparameterised_bound",
    "elbo",
    "free_bits",
    "free_bits_elbo",
    "importance_bound",
    "importance_weighted",
    "info_elbo",
    "joint_bound",
    "mmd2",
    "negative_elbo",
    "options_of",
    "quantized_bound",
    "rate",
    "reconstruction",
    "squared_error",
    "total_correlation_elbo",
]
