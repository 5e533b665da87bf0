"""Precisions of Gaussian components from their covariances, factored once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.errors import TrainingError
from latentia.mixture.covariances import Covariance


@dataclass(frozen=True)
class Precisions:
    """P = Sigma^-1 of every component.

    Attributes:
        covariances: what they were made from.
        factor: F with P = F F' (full `[K, d, d]`, tied `[d, d]`) or F^2 (diag `[K, d]`, spherical `[K]`).
        each_factor: F for each component, `[K, d, d]` or `[K, d]`.
        each: P for each component.
        half_log_det: log det P / 2, `[K]`.
    """

    covariances: Tensor
    factor: Tensor
    each_factor: Tensor
    each: Tensor
    half_log_det: Tensor

    @classmethod
    def of(cls, covariance: Covariance, covariances: Tensor, floor: float) -> Precisions:
        """Factor covariances; `floor` is the variance that was added to them, for the message.

        Raises:
            TrainingError: where one is singular.
        """
        factor, bad = covariance.factor(covariances)
        if bool(bad.any()):
            k = int(bad.nonzero()[0])
            raise TrainingError(
                f"the covariance of component {k} is singular (its rows are too few or collinear); use fewer "
                f"components, a larger reg_covar (now {floor:g}), or another covariance_type"
            )
        each = covariance.each(factor)
        square = each.ndim == 3
        diagonal = each.diagonal(dim1=-2, dim2=-1) if square else each
        precision = each @ each.mT if square else each.square()
        return cls(covariances, factor, each, precision, diagonal.log().sum(-1))

    def largest(self, deviation: Tensor) -> float:
        """Largest quadratic form of deviations from the centre, `[K, d]`, of one sign each: what the rounding of a pass is relative to."""
        if self.each.ndim == 3:
            return float(torch.einsum("kij,ki,kj->k", self.each.abs(), deviation, deviation).max())
        return float((self.each * deviation.square()).sum(1).max())
