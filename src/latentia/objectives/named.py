"""Objectives by name."""

from __future__ import annotations

from latentia.core import Objective
from latentia.objectives.capacity import capacity_elbo
from latentia.objectives.constrained import constrained_elbo
from latentia.objectives.free_bits import free_bits_elbo
from latentia.objectives.importance import importance_weighted
from latentia.objectives.mmd import info_elbo
from latentia.objectives.objective import elbo, reconstruction
from latentia.objectives.setting import ObjectiveFactory
from latentia.objectives.total_correlation import total_correlation_elbo
from latentia.registry import Registry

OBJECTIVES: Registry[Objective | ObjectiveFactory] = Registry("objective")
OBJECTIVES.add("elbo", elbo)
OBJECTIVES.add("capacity", capacity_elbo)
OBJECTIVES.add("constrained", constrained_elbo)
OBJECTIVES.add("free-bits", free_bits_elbo)
OBJECTIVES.add("importance-weighted", importance_weighted)
OBJECTIVES.add("info", info_elbo)
OBJECTIVES.add("reconstruction", reconstruction)
OBJECTIVES.add("total-correlation", total_correlation_elbo)
