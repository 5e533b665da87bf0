"""Passes of a Gaussian mixture over a chunk: log densities of all components, and their moments.

Spherical and diagonal components need no pass of their own: (u, u^2) are their features. A pass here keeps the rows
u = x - reference as its features and makes the rest block by block, so that it never leaves the cache:

- `FullPass` and `TiedPass` take u about a centre near the data, the same for all components, and few wide products;
- `MeansPass` takes u about each component's mean in turn: slower, but no digit is lost where components are narrow against
  their distance from the centre.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from latentia.mixture.covariances import Covariance, Full, Tied
from latentia.mixture.feature_pairs import Room
from latentia.mixture.responsibilities import Thin
from latentia.mixture.screening import Screen

_BLOCK_BYTES = (
    3 << 18
)  # features of a block of rows: three quarters of a megabyte, which a core's own cache holds

Scratch = Callable[..., Tensor]  # (name, *shape) -> memory in the precision of the pass


class GaussianPass(ABC):
    """Features `[B, d]`, log densities `[K, B]` and moments `[K, F]`. A pass without parameters has moments alone."""

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Features of rows."""

    @abstractmethod
    def log_joint(self, u: Tensor) -> Tensor:
        """Log w_k + log N(x; mu_k, Sigma_k)."""

    @abstractmethod
    def statistics(self, u: Tensor, responsibilities: Tensor | Thin) -> Tensor:
        """Mass, first and second moments about the reference, in float64."""


class _CentredPass(GaussianPass):
    """Rows about the centre.

    Args:
        covariance: of the components.
        centre: `[d]`.
        scratch: memory for features.
        natural: W `[K, F]` in the precision of the pass.
    """

    def __init__(
        self, covariance: Covariance, centre: Tensor, scratch: Scratch, natural: Tensor | None = None
    ) -> None:
        self._covariance, self._scratch, self._natural = covariance, scratch, natural
        self._centre = centre
        self._n_components, self._n_features = covariance.n_components, covariance.n_features

    def encode(self, x: Tensor) -> Tensor:
        """U = x - centre."""
        return torch.sub(x, self._centre.to(x.dtype), out=self._scratch("rows", *x.shape))


class TiedPass(_CentredPass):
    """One precision P = F F' for all: u' P u is the same number for every component.

    Args:
        covariance, centre, scratch, natural: as of the class above.
        factor: F `[d, d]` in the precision of the pass.
    """

    def __init__(
        self,
        covariance: Tied,
        centre: Tensor,
        scratch: Scratch,
        natural: Tensor | None = None,
        factor: Tensor | None = None,
    ) -> None:
        super().__init__(covariance, centre, scratch, natural)
        self._factor = factor

    def log_joint(self, u: Tensor) -> Tensor:
        """Two products with u, `[d, d]` and `[d, K]`."""
        assert self._natural is not None
        assert self._factor is not None
        d = self._n_features
        out = self._scratch("log_joint", self._n_components, len(u))
        torch.addmm(self._natural[:, :1], self._natural[:, 1 : d + 1], u.T, out=out)
        white = torch.mm(u, self._factor, out=self._scratch("white", *u.shape))
        return out.sub_(white.square_().sum(1).mul_(0.5))

    def statistics(self, u: Tensor, responsibilities: Tensor | Thin) -> Tensor:
        """Only the sum of second moments over components matters to a shared covariance; it is booked on the first."""
        d = self._n_features
        out = torch.zeros(
            self._n_components, 1 + d + self._covariance.n_second, dtype=torch.float64, device=u.device
        )
        if isinstance(responsibilities, Thin):
            matrix = responsibilities.matrix
            out[:, 0] = responsibilities.mass()
            out[:, 1 : d + 1] = torch.from_numpy(matrix @ u.numpy())
            weight = torch.from_numpy(matrix.sum(axis=0))
        else:
            torch.sum(responsibilities, 1, dtype=torch.float64, out=out[:, 0])
            out[:, 1 : d + 1] = responsibilities @ u
            weight = responsibilities.sum(0)
        weighted = torch.mul(u, weight[:, None], out=self._scratch("white", *u.shape))
        out[0, d + 1 :] = self._covariance.moments(weighted, u)
        return out


class FullPass(_CentredPass):
    """Products of pairs of features for all components at once, or, where few responsibilities matter, those alone.

    Args:
        covariance, centre, scratch, natural: as of the class above.
        screen: finds the pairs of row and component that matter; None to take all.

    Attributes:
        crowded: whether the screen found too many of them.
    """

    def __init__(
        self,
        covariance: Full,
        centre: Tensor,
        scratch: Scratch,
        natural: Tensor | None = None,
        screen: Screen | None = None,
    ) -> None:
        super().__init__(covariance, centre, scratch, natural)
        self._pairs, self._screen = covariance.pairs, screen
        self.crowded = False
        self._rooms: dict[int, Room] = {}

    def log_joint(self, u: Tensor) -> Tensor:
        """Screened while the screen finds few pairs; its word that they are too many holds for the rest of the pass."""
        out = self._scratch("log_joint", self._n_components, len(u))
        if self._screen is not None:
            if self._screen.log_joint(u, out):
                return out
            self._screen, self.crowded = None, True
        assert self._natural is not None
        constant, slope = self._natural[:, :1], self._natural[:, 1:]
        for part, found in zip(self._blocks(u, 0), self._blocks(out, 1), strict=True):
            torch.addmm(constant, slope, self._room(len(part)).fill(part), out=found)
        return out

    def statistics(self, u: Tensor, responsibilities: Tensor | Thin) -> Tensor:
        """Block by block, or component by component where few responsibilities matter."""
        if isinstance(responsibilities, Thin):
            return by_component(self._covariance, u, responsibilities)
        shape = self._n_components, 1 + self._n_features + len(self._pairs)
        out = torch.zeros(shape, dtype=torch.float64, device=u.device)
        torch.sum(responsibilities, 1, dtype=torch.float64, out=out[:, 0])
        sums = out[:, 1:]
        for part, share in zip(self._blocks(u, 0), self._blocks(responsibilities, 1), strict=True):
            sums += share @ self._room(len(part)).fill(part).T
        return out

    def _blocks(self, x: Tensor, axis: int) -> tuple[Tensor, ...]:
        budget = _BLOCK_BYTES if x.device.type == "cpu" else 256 * _BLOCK_BYTES
        return x.split(max(256, budget // (x.element_size() * self._pairs.n_scratch)), axis)

    def _room(self, size: int) -> Room:
        if size not in self._rooms:
            self._rooms[size] = self._pairs.room(self._scratch("pairs", self._pairs.n_scratch, size))
        return self._rooms[size]


class MeansPass(GaussianPass):
    """Rows about each component's present mean.

    Args:
        covariance: of the components.
        reference: the means, `[K, d]`, float64.
        scratch: memory for log densities.
        factor: F of each component, `[K, d, d]` or `[K, d]`.
        constant: log w_k + log det P_k / 2, `[K]`.
    """

    def __init__(
        self,
        covariance: Covariance,
        reference: Tensor,
        scratch: Scratch,
        factor: Tensor | None = None,
        constant: Tensor | None = None,
    ) -> None:
        self._covariance, self._reference, self._scratch = covariance, reference, scratch
        self._factor, self._constant = factor, constant

    def encode(self, x: Tensor) -> Tensor:
        """The rows themselves."""
        return x

    def log_joint(self, x: Tensor) -> Tensor:
        """-|F'(x - mu)|^2 / 2 and the constant, one component after another."""
        assert self._factor is not None
        assert self._constant is not None
        out = self._scratch("log_joint", len(self._reference), len(x))
        constant = self._constant - 0.5 * x.shape[1] * math.log(2 * math.pi)
        for k, (mean, factor) in enumerate(
            zip(self._reference.to(x.dtype), self._factor.to(x.dtype), strict=True)
        ):
            u = x - mean
            white = u @ factor if factor.ndim == 2 else u.mul_(factor)
            torch.sum(white.square_(), 1, out=out[k]).mul_(-0.5).add_(constant[k].to(x.dtype))
        return out

    def statistics(self, x: Tensor, responsibilities: Tensor | Thin) -> Tensor:
        """Moments about the means."""
        return by_component(self._covariance, x, responsibilities, self._reference)


def by_component(
    covariance: Covariance, x: Tensor, responsibilities: Tensor | Thin, reference: Tensor | None = None
) -> Tensor:
    """Mass, first and second moments of each component over the rows that it is responsible for, `[K, F]` float64.

    Args:
        covariance: says which second moments.
        x: rows `[B, d]`.
        responsibilities: of all rows, or those that matter.
        reference: what each component's moments are about, `[K, d]`; None for the origin.
    """
    if isinstance(responsibilities, Thin):
        return _of_few(covariance, x, responsibilities, reference)
    k, d = covariance.n_components, covariance.n_features
    out = torch.empty(k, 1 + d + covariance.n_second, dtype=torch.float64, device=x.device)
    for row, r in enumerate(responsibilities):
        part = x if reference is None else x - reference[row].to(x.dtype)
        weighted = part * r[:, None]
        out[row, 0], out[row, 1 : d + 1] = r.sum(dtype=torch.float64), weighted.sum(0)
        out[row, d + 1 :] = covariance.moments(weighted, part)
    return out


def _of_few(covariance: Covariance, x: Tensor, few: Thin, reference: Tensor | None) -> Tensor:
    """As `by_component`: rows are gathered once, component after component."""
    d, sizes = covariance.n_features, few.sizes
    part = x.index_select(0, few.rows)
    if reference is not None:
        part -= reference.to(x.dtype).repeat_interleave(torch.tensor(sizes), 0)
    weighted = part * few.values[:, None]
    second = [
        covariance.moments(*both) for both in zip(weighted.split(sizes), part.split(sizes), strict=True)
    ]
    out = torch.empty(len(sizes), 1 + d + covariance.n_second, dtype=torch.float64)
    out[:, 0], out[:, 1 : d + 1] = few.mass(), few.sums(weighted)
    out[:, d + 1 :] = torch.stack(second)
    return out
