"""A pass over rows with missing cells: exact EM for Gaussians where cells are missing at random.

With o the cells of a row that are observed and m those that are not, a component contributes the density of what is observed and, to its
moments, what it expects of the rest (Ghahramani & Jordan 1994, section 3; Little & Rubin 2002, section 11.2):

    log N(x_o; mu_o, S_oo),    E[x_m | x_o] = mu_m + S_mo S_oo^-1 (x_o - mu_o),    Cov[x_m | x_o] = S_mm - S_mo S_oo^-1 S_om.

Rows that lack the same cells share the factors of S_oo. All is taken about the components' present means, in float64.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor

from latentia.mixture.covariances import Covariance, Full, Spherical
from latentia.mixture.gaussian_passes import GaussianPass, Scratch
from latentia.mixture.responsibilities import Thin

_NUMBERS_AT_ONCE = 1 << 21


class Patterns(NamedTuple):
    """Which cells rows lack.

    Attributes:
        seen: the patterns that occur, `[P, d]` of booleans.
        of: the pattern of each row, `[B]`.
        factor: L^-1 with L L' = S_oo of each pattern and component, ones on the diagonal where a cell is missing, `[P, K, d, d]`; None
            where features are independent.
    """

    seen: Tensor
    of: Tensor
    factor: Tensor | None


class GapsPass(GaussianPass):
    """Rows `[B, d]` in which NaN stands for what is missing.

    Args:
        covariance: of the components: says how second moments are laid out.
        reference: means, `[K, d]`.
        covariances: of each component, `[K, d, d]`, or `[K, d]` where features are independent.
        scratch: memory for log densities.
        log_weights: `[K]`; None: a pass for moments alone.
    """

    def __init__(
        self,
        covariance: Covariance,
        reference: Tensor,
        covariances: Tensor,
        scratch: Scratch,
        log_weights: Tensor | None = None,
    ) -> None:
        self._covariance, self._reference, self._covariances = covariance, reference, covariances
        self._scratch, self._log_weights = scratch, log_weights
        self._kept: tuple[Tensor, list[tuple[Tensor, Patterns]]] | None = None

    @classmethod
    def at_start(cls, covariance: Covariance, about: Tensor, spread: Tensor, scratch: Scratch) -> Self:
        """A pass for moments before there are components: missing cells stand at the reference, with the variance of their column.

        Args:
            covariance: of the components.
            about: reference of each component, `[K, d]`, or of all, `[d]`.
            spread: standard deviation of each column, `[d]`.
            scratch: memory for log densities.
        """
        each = spread.square().expand(covariance.n_components, -1)
        square = isinstance(covariance, Full)
        return cls(covariance, about.expand_as(each), each.diag_embed() if square else each, scratch)

    def encode(self, x: Tensor) -> Tensor:
        """The rows themselves."""
        return x

    def _parts(self, x: Tensor) -> list[tuple[Tensor, Patterns]]:
        """Rows by the cells that they lack: places of some of them, and their patterns."""
        if self._kept is not None and self._kept[0] is x:
            return self._kept[1]
        k, d = self._reference.shape
        square = self._covariances.ndim == 3
        at_once = max(1, _NUMBERS_AT_ONCE // (k * d * (d if square else 1)))
        every, of = torch.unique(~x.isnan(), dim=0, return_inverse=True)
        order = of.argsort(stable=True)
        found = []
        for places in order.split(at_once):
            first, last = int(of[places[0]]), int(of[places[-1]]) + 1
            seen = every[first:last]
            found.append((places, Patterns(seen, of[places] - first, self._factor(seen) if square else None)))
        self._kept = x, found
        return found

    def _factor(self, seen: Tensor) -> Tensor:
        both = (seen[:, :, None] & seen[:, None, :])[:, None]
        eye = torch.eye(seen.shape[1], dtype=torch.float64, device=seen.device)
        observed = torch.where(both, self._covariances, eye)
        root = torch.linalg.cholesky(observed)
        return torch.linalg.solve_triangular(root, eye.expand_as(root), upper=False)

    def _deviations(self, x: Tensor, seen: Tensor) -> Tensor:
        """X - mu of the observed cells, zero at the others, `[B, K, d]`."""
        u = x[:, None].double() - self._reference
        return torch.where(seen[:, None], u, 0.0)

    def log_joint(self, x: Tensor) -> Tensor:
        """Log w_k + log N(x_o; mu_o, S_oo), `[K, B]`."""
        assert self._log_weights is not None
        out = self._scratch("log_joint", len(self._reference), len(x))
        for places, patterns in self._parts(x):
            seen = patterns.seen[patterns.of]
            u = self._deviations(x[places], seen)
            if patterns.factor is None:
                variances = self._covariances
                each = -0.5 * (u.square() / variances + variances.log() * seen[:, None])
                found = each.sum(-1)
            else:
                white = (patterns.factor[patterns.of] @ u[..., None])[..., 0]
                half = patterns.factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
                found = half[patterns.of] - 0.5 * white.square().sum(-1)
            constant = 0.5 * math.log(2 * math.pi) * seen.sum(1).double()
            out[:, places] = (found - constant[:, None] + self._log_weights).T.to(out.dtype)
        return out

    def statistics(self, x: Tensor, responsibilities: Tensor | Thin) -> Tensor:
        """Mass, and expected first and second moments about the reference, `[K, F]`."""
        assert isinstance(responsibilities, Tensor)
        k, d = self._reference.shape
        out = torch.zeros(k, 1 + d + self._covariance.n_second, dtype=torch.float64, device=x.device)
        for places, patterns in self._parts(x):
            share = responsibilities[:, places].double()
            filled = self._filled(self._deviations(x[places], patterns.seen[patterns.of]), patterns)
            weighted = filled * share.T[..., None]
            mass = torch.zeros(k, len(patterns.seen), dtype=torch.float64, device=x.device)
            mass.index_add_(1, patterns.of, share)
            out[:, 0] += share.sum(1)
            out[:, 1 : d + 1] += weighted.sum(0)
            left = self._left(patterns, mass)
            for row in range(k):
                out[row, d + 1 :] += self._covariance.moments(weighted[:, row], filled[:, row]) + left[row]
        return out

    def _filled(self, u: Tensor, patterns: Patterns) -> Tensor:
        """Deviations with S_mo S_oo^-1 u_o in their gaps, `[B, K, d]`."""
        if patterns.factor is None:
            return u
        factor = patterns.factor[patterns.of]
        solved = factor.mT @ (factor @ u[..., None])
        expected = (self._covariances @ solved)[..., 0]
        return torch.where(patterns.seen[patterns.of][:, None], u, expected)

    def _left(self, patterns: Patterns, mass: Tensor) -> Tensor:
        """Covariances of the missing cells given the others, summed under masses `[K, P]`, laid out as second moments."""
        if patterns.factor is None:
            left = (mass @ (~patterns.seen).double()) * self._covariances
            return left.sum(1, keepdim=True) if isinstance(self._covariance, Spherical) else left
        assert isinstance(self._covariance, Full)
        seen = patterns.seen[:, None]
        told = (patterns.factor * seen[..., None, :]) * seen[..., None] @ self._covariances
        missing = (~seen[..., None] & ~seen[..., None, :]).double()
        left = (self._covariances - told.mT @ told) * missing
        pairs = self._covariance.pairs
        return torch.stack([pairs.of(each) for each in torch.einsum("kp,pkij->kij", mass, left)])

    def expected(self, x: Tensor, responsibilities: Tensor) -> Tensor:
        """Rows with E[x_m | x_o] in their gaps, over all components, `[B, d]` float64."""
        out = torch.empty(x.shape, dtype=torch.float64, device=x.device)
        for places, patterns in self._parts(x):
            seen = patterns.seen[patterns.of]
            each = self._filled(self._deviations(x[places], seen), patterns) + self._reference
            weighed = (each * responsibilities[:, places].T[..., None].double()).sum(1)
            out[places] = torch.where(seen, x[places].double(), weighed)
        return out

    def drawn(self, x: Tensor, labels: Tensor, draws: Tensor) -> Tensor:
        """Rows with draws from p(x_m | x_o, k) in their gaps, `[B, d]` float64.

        Args:
            x: rows.
            labels: the component of each, `[B]`.
            draws: draws y of whole rows from those components, `[B, d]`: y_m + S_mo S_oo^-1 (x_o - y_o) has the law that is asked for
                (Journel & Huijbregts 1978, section VII.A.2: conditioning by kriging).
        """
        out = torch.empty(x.shape, dtype=torch.float64, device=x.device)
        for places, patterns in self._parts(x):
            seen = patterns.seen[patterns.of]
            away = torch.where(seen, x[places].double() - draws[places], 0.0)
            each = self._filled(away[:, None].expand(-1, len(self._reference), -1), patterns)
            own = each[torch.arange(len(places)), labels[places]] + draws[places]
            out[places] = torch.where(seen, x[places].double(), own)
        return out
