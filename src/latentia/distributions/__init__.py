"""Probability distributions that torch lacks or computes too coarsely, all `torch.distributions.Distribution`s."""

from __future__ import annotations

from latentia.distributions.bernoulli import IndependentBernoulli
from latentia.distributions.codes import CategoricalCodes, PointCodes
from latentia.distributions.continuous_bernoulli import ContinuousBernoulli
from latentia.distributions.counts import Multinomial, NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial
from latentia.distributions.delta import Delta
from latentia.distributions.dirichlet_multinomial import DirichletMultinomial
from latentia.distributions.factors import univariate_factors
from latentia.distributions.flow import FlowDistribution
from latentia.distributions.full_gaussian import FullGaussian
from latentia.distributions.gaussian import DiagonalGaussian
from latentia.distributions.levels import CategoricalLevels
from latentia.distributions.logistic import DiscretizedLogistic, DiscretizedLogisticMixture
from latentia.distributions.means import mean_of
from latentia.distributions.mixed import Columns, MixedColumns
from latentia.distributions.mixture import Mixture
from latentia.distributions.noise import item_keys, per_item_noise, same_noise, standard_normal

__all__ = [
    "CategoricalCodes",
    "CategoricalLevels",
    "Columns",
    "ContinuousBernoulli",
    "Delta",
    "DiagonalGaussian",
    "DirichletMultinomial",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "FlowDistribution",
    "FullGaussian",
    "IndependentBernoulli",
    "MixedColumns",
    "Mixture",
    "Multinomial",
    "NegativeBinomial",
    "PointCodes",
    "Poisson",
    "ZeroInflatedNegativeBinomial",
    "item_keys",
    "mean_of",
    "per_item_noise",
    "same_noise",
    "standard_normal",
    "univariate_factors",
]
