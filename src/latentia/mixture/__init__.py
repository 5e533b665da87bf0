"""Mixtures fitted by Expectation-Maximization: one loop, component families on additive sufficient statistics."""

from latentia.mixture.components import FAMILIES, Components
from latentia.mixture.criteria import ComponentFault, Scores, scores, verdict
from latentia.mixture.dirichlet_multinomial import DirichletMultinomialComponents
from latentia.mixture.discrete import (
    BernoulliComponents,
    CategoricalComponents,
    MultinomialComponents,
    PoissonComponents,
)
from latentia.mixture.em import EMResult, e_step, posterior, run_em, run_restarts
from latentia.mixture.experts import GaussianExperts
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.rows import Rows
from latentia.mixture.selection import Selection, select
from latentia.mixture.solvers import SOLVERS
from latentia.mixture.start import STARTS, initialize
from latentia.mixture.stepwise import StepwiseEM
from latentia.mixture.summary import summarize

__all__ = [
    "FAMILIES",
    "SOLVERS",
    "STARTS",
    "BernoulliComponents",
    "CategoricalComponents",
    "ComponentFault",
    "Components",
    "DirichletMultinomialComponents",
    "EMResult",
    "GaussianComponents",
    "GaussianExperts",
    "MultinomialComponents",
    "PoissonComponents",
    "Rows",
    "Scores",
    "Selection",
    "StepwiseEM",
    "e_step",
    "initialize",
    "posterior",
    "run_em",
    "run_restarts",
    "scores",
    "select",
    "summarize",
    "verdict",
]
