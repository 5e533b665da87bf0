"""The linear algebra of spherical, diagonal, tied and full covariances, one class each.

A precision P = Sigma^-1 is kept by a factor F: P = F F' with F upper triangular, or P = F^2 where Sigma is diagonal.
Second moments of features are laid out as the type needs them: a number, one for each feature, or one for each pair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from latentia.errors import ConfigError
from latentia.mixture.feature_pairs import FeaturePairs


class Covariance(ABC):
    """K covariances of d features of one type.

    Args:
        n_components: K.
        n_features: d.
        device: of the tensors.
    """

    def __init__(self, n_components: int, n_features: int, device: torch.device | str = "cpu") -> None:
        self.n_components, self.n_features = n_components, n_features
        self.device = torch.device(device)

    @property
    @abstractmethod
    def n_free(self) -> int:
        """Free parameters of all covariances."""

    @property
    @abstractmethod
    def n_second(self) -> int:
        """Numbers that hold the second moments of one component."""

    @abstractmethod
    def factor(self, covariances: Tensor) -> tuple[Tensor, Tensor]:
        """F of every covariance, in the covariances' shape, and which are singular, `[K]` (tied: `[1]`)."""

    @abstractmethod
    def each(self, factor: Tensor) -> Tensor:
        """F for each component, `[K, d, d]` or `[K, d]`."""

    @abstractmethod
    def estimate(self, mass: Tensor, shift: Tensor, second: Tensor, floor: float) -> Tensor:
        """The weighted estimate (Bishop 2006, eq. 9.25) from moments about any reference.

        Args:
            mass: `[K, 1]`.
            shift: mean less reference, `[K, d]`.
            second: sums of second moments about the reference, `[K, n_second]`.
            floor: variance added to every feature.
        """

    @abstractmethod
    def natural(self, precision: Tensor) -> Tensor:
        """Coefficients of second moments in log N, `[K, n_second]`, from P for each component."""

    @abstractmethod
    def outer(self, a: Tensor, b: Tensor) -> Tensor:
        """(a b' + b a') / 2 of vectors `[..., d]` as second moments are laid out, `[..., n_second]`."""

    @abstractmethod
    def moments(self, weighted: Tensor, rows: Tensor) -> Tensor:
        """sum_i w_i x_i x_i', `[n_second]`, from w_i x_i and x_i, both `[m, d]`."""

    @abstractmethod
    def pooled(self, covariances: Tensor, weights: Tensor) -> Tensor:
        """Second moments of the average covariance under component weights `[K]`, `[n_second]`."""

    @abstractmethod
    def scale(self, noise: Tensor, labels: Tensor, covariances: Tensor) -> Tensor:
        """Standard normal `noise [n, d]` with the covariance of each row's component."""


class Diagonal(Covariance):
    """A variance for each feature of each component, `[K, d]`."""

    @property
    def n_free(self) -> int:
        """K d."""
        return self.n_components * self.n_features

    @property
    def n_second(self) -> int:
        """A square for each feature."""
        return self.n_features

    def factor(self, covariances: Tensor) -> tuple[Tensor, Tensor]:
        """One over the standard deviations."""
        bad = ~(covariances.reshape(self.n_components, -1) > 0).all(1)
        return covariances.clamp_min(1e-300).rsqrt(), bad

    def each(self, factor: Tensor) -> Tensor:
        """As they are."""
        return factor

    def estimate(self, mass: Tensor, shift: Tensor, second: Tensor, floor: float) -> Tensor:
        """Variances `[K, d]`."""
        return second / mass - shift.square() + floor

    def natural(self, precision: Tensor) -> Tensor:
        """-P / 2."""
        return -0.5 * precision

    def outer(self, a: Tensor, b: Tensor) -> Tensor:
        """Products, feature by feature."""
        return a * b

    def moments(self, weighted: Tensor, rows: Tensor) -> Tensor:
        """Weighted squares."""
        return (weighted * rows).sum(0)

    def pooled(self, covariances: Tensor, weights: Tensor) -> Tensor:
        """The average variances."""
        return weights @ covariances

    def scale(self, noise: Tensor, labels: Tensor, covariances: Tensor) -> Tensor:
        """Times the standard deviations."""
        return noise * covariances.sqrt().reshape(self.n_components, -1)[labels]


class Spherical(Diagonal):
    """One variance for each component, `[K]`."""

    @property
    def n_free(self) -> int:
        """K."""
        return self.n_components

    @property
    def n_second(self) -> int:
        """The square of the length."""
        return 1

    def each(self, factor: Tensor) -> Tensor:
        """The same for every feature."""
        return factor[:, None].expand(self.n_components, self.n_features)

    def estimate(self, mass: Tensor, shift: Tensor, second: Tensor, floor: float) -> Tensor:
        """Variances `[K]`."""
        return (second[:, 0] / mass[:, 0] - shift.square().sum(1)) / self.n_features + floor

    def natural(self, precision: Tensor) -> Tensor:
        """-P / 2, once."""
        return -0.5 * precision[:, :1]

    def outer(self, a: Tensor, b: Tensor) -> Tensor:
        """Inner products."""
        return (a * b).sum(-1, keepdim=True)

    def moments(self, weighted: Tensor, rows: Tensor) -> Tensor:
        """Weighted squares of the lengths."""
        return (weighted * rows).sum()[None]

    def pooled(self, covariances: Tensor, weights: Tensor) -> Tensor:
        """The average variance, once for each feature."""
        return self.n_features * (weights @ covariances)[None]


class Full(Covariance):
    """A matrix for each component, `[K, d, d]`."""

    def __init__(self, n_components: int, n_features: int, device: torch.device | str = "cpu") -> None:
        super().__init__(n_components, n_features, device)
        self.pairs = FeaturePairs(n_features, device=device)

    @property
    def n_free(self) -> int:
        """K d (d + 1) / 2."""
        return self.n_components * self.n_features * (self.n_features + 1) // 2

    @property
    def n_second(self) -> int:
        """A product for each pair."""
        return len(self.pairs)

    def factor(self, covariances: Tensor) -> tuple[Tensor, Tensor]:
        """The transposed inverse of the Cholesky factor; not to be used where a matrix is singular."""
        d = self.n_features
        root, info = torch.linalg.cholesky_ex(covariances)
        # What is left of a variance after the features before it: only rounding, where they determine it.
        variances = covariances.diagonal(dim1=-2, dim2=-1)
        left = root.diagonal(dim1=-2, dim2=-1).square() / variances
        rounding = 10 * d * torch.finfo(torch.float64).eps
        bad = (info.reshape(-1) != 0) | (left.reshape(-1, d) <= rounding).any(1)
        if bool(bad.any()):
            return covariances, bad
        eye = torch.eye(d, dtype=torch.float64, device=self.device)
        return torch.linalg.solve_triangular(root, eye.expand_as(root), upper=False).mT, bad

    def each(self, factor: Tensor) -> Tensor:
        """As they are."""
        return factor

    def estimate(self, mass: Tensor, shift: Tensor, second: Tensor, floor: float) -> Tensor:
        """Matrices `[K, d, d]`."""
        moments = self.pairs.symmetric(second / mass)
        return moments - shift[:, :, None] * shift[:, None, :] + self._floor(floor)

    def _floor(self, floor: float) -> Tensor:
        return floor * torch.eye(self.n_features, dtype=torch.float64, device=self.device)

    def natural(self, precision: Tensor) -> Tensor:
        """-P_ij / 2 for a pair that stands in both orders, else -P_ij."""
        return self.pairs.of(precision) * self.pairs.weights()

    def outer(self, a: Tensor, b: Tensor) -> Tensor:
        """Products of pairs, averaged over the two orders."""
        i, j = self.pairs.i, self.pairs.j
        return (a[..., i] * b[..., j] + a[..., j] * b[..., i]) / 2

    def moments(self, weighted: Tensor, rows: Tensor) -> Tensor:
        """Weighted products of pairs."""
        return self.pairs.of(weighted.T @ rows)

    def pooled(self, covariances: Tensor, weights: Tensor) -> Tensor:
        """The average matrix."""
        return self.pairs.of((weights[:, None, None] * covariances).sum(0))

    def scale(self, noise: Tensor, labels: Tensor, covariances: Tensor) -> Tensor:
        """Times the Cholesky factors."""
        root = self.each(torch.linalg.cholesky(covariances))
        scaled = torch.empty_like(noise)
        for k in range(self.n_components):
            scaled[labels == k] = noise[labels == k] @ root[k].T
        return scaled


class Tied(Full):
    """One matrix for all components, `[d, d]`. Only the sum of second moments over components matters."""

    @property
    def n_free(self) -> int:
        """Those of one matrix."""
        return self.n_features * (self.n_features + 1) // 2

    def each(self, factor: Tensor) -> Tensor:
        """The same for every component."""
        return factor.expand(self.n_components, self.n_features, self.n_features)

    def estimate(self, mass: Tensor, shift: Tensor, second: Tensor, floor: float) -> Tensor:
        """A matrix `[d, d]`."""
        between = (mass * shift).T @ shift
        moments = self.pairs.symmetric(second.sum(0, keepdim=True))[0]
        within = (moments - between) / mass.sum() + self._floor(floor)
        return 0.5 * (within + within.T)

    def pooled(self, covariances: Tensor, weights: Tensor) -> Tensor:  # noqa: ARG002
        """The matrix."""
        return self.pairs.of(covariances)


COVARIANCES: dict[str, type[Covariance]] = {
    "full": Full,
    "tied": Tied,
    "diag": Diagonal,
    "spherical": Spherical,
}


def covariance(kind: str, n_components: int, n_features: int, device: torch.device | str) -> Covariance:
    """The algebra of a covariance type; raises `ConfigError` for an unknown one."""
    if kind not in COVARIANCES:
        known = ", ".join(COVARIANCES)
        raise ConfigError(f"covariance_type={kind!r} is unknown; expected one of {known}")
    return COVARIANCES[kind](n_components, n_features, device)
