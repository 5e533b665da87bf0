"""Gaussian components with spherical, diagonal, tied or full covariance.

Features are taken about a fixed centre near the data, phi(x) = (1, u, u u') with u = x - c, so that a full-covariance
pass is two matrix products for ALL components. This loses digits when a component is narrow against its distance
from the centre; the family measures that before each pass and, where rounding would show, works with u_k = x - mu_k
for each component instead (the statistics are then about the present means, and as additive).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from latentia.errors import DataError, TrainingError
from latentia.mixture.components import FAMILIES, Components
from latentia.mixture.covariances import Full, covariance, half_log_det, precisions
from latentia.mixture.feature_pairs import FeaturePairs
from latentia.mixture.rows import Chunk, Rows, Summary
from latentia.mixture.screening import Screen

# Largest allowed rounding of a row's log density, in nats, before a pass goes component by component.
_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-9}


class GaussianComponents(Components):
    """p(x|k) = N(x; mu_k, Sigma_k).

    Parameters: `centre [d]`, `spread [d]` (of the data), `weights [K]`, `means [K, d]`, `covariances` (`[K, d, d]` full, `[d, d]` tied, `[K, d]` diag, `[K]`
    spherical). The update is the weighted maximum-likelihood estimate with `reg_covar` added to each variance
    (Bishop 2006, eqs. 9.24-9.26).

    Args:
        n_components: K.
        n_features: d.
        covariance_type: "full", "tied", "diag" or "spherical".
        reg_covar: variance added to every feature of every component, in squared units of the data.

    Raises:
        ConfigError: an unknown covariance type.
        TrainingError: on update, a covariance that is not positive definite.
    """

    family = "gaussian"

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        covariance_type: str = "full",
        reg_covar: float = 1e-6,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(n_components, n_features, dtype=dtype, device=device)
        self.covariance = covariance(covariance_type, n_components, n_features, self.device)
        self.covariance_type, self.reg_covar = covariance_type, float(reg_covar)
        self.parameters["centre"] = torch.zeros(n_features, dtype=torch.float64, device=self.device)
        self.parameters["spread"] = torch.ones(n_features, dtype=torch.float64, device=self.device)
        self._reference: Tensor | None = None  # [K, d] while a pass goes component by component
        self._screen: Screen | None = None  # while a pass is screened in float32
        self._crowded = 0  # passes until screening is tried again
        self._factored: Tensor | None = None  # the covariances that `_factor` belongs to

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        return super().settings() | {"covariance_type": self.covariance_type, "reg_covar": self.reg_covar}

    @property
    def n_statistics(self) -> int:
        """Mass, first moments, and second moments as far as the covariance type needs them."""
        return 1 + self.n_features + self.covariance.n_second

    @property
    def n_free(self) -> int:
        """Free parameters of weights, means and covariances."""
        return self.n_components - 1 + self.n_components * self.n_features + self.covariance.n_free

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Put the centre at the mean of the data; a column without variance is refused."""
        scale = torch.maximum(summary.minimum.abs(), summary.maximum.abs()).to(torch.float64)
        flat = (summary.maximum == summary.minimum) | (summary.variance.sqrt() <= 1e-14 * scale)
        if bool(flat.any()):
            raise DataError(
                f"column {int(flat.nonzero()[0])} is constant over the data (n_samples={rows.n_rows}): a Gaussian needs a "
                "variance above zero; drop the column"
            )
        self.parameters["centre"], self.parameters["spread"] = summary.mean, summary.variance.sqrt()

    @property
    def centre(self) -> Tensor:
        """The point about which features are taken, `[d]`: the mean of the data that the fit began with."""
        return self.parameters["centre"]

    # Passes -------------------------------------------------------------------------------------------------

    def begin(self, *, sums_only: bool = False) -> None:
        """Choose the form of the pass by its rounding, and freeze the parameters."""
        precision = precisions(self._each_factor())
        # How far the rows of a component lie from the centre.
        spread = (self.parameters["means"] - self.centre).abs() + self.parameters["spread"]
        if precision.ndim == 3:
            bound = torch.einsum("kij,ki,kj->k", precision.abs(), spread, spread)
        else:
            bound = (precision * spread.square()).sum(1)
        rounding = float(bound.max()) * torch.finfo(self.dtype).eps
        self._reference = None
        if rounding > _ROUNDING[self.dtype]:
            self._reference = self.parameters["means"].clone()
            self._whiten = self._each_factor()
        super().begin()
        self._screen = self._make_screen(float(bound.max())) if sums_only else None

    def _make_screen(self, bound: float) -> Screen | None:
        """A screen for this pass, or None where it would not pay (or did not, in one of the last ten passes)."""
        self._crowded = max(0, self._crowded - 1)
        usable = self.covariance_type == "full" and self._reference is None
        rounding = bound * torch.finfo(torch.float32).eps
        if not usable or self._crowded or not Screen.worthwhile(rounding, self.n_components, self.n_features):
            return None
        means = self.parameters["means"] - self.centre
        return Screen(self.natural(), self._factor, means, self._pairs(), rounding, self.dtype)

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk; a screened pass gathers rows by component and wants more of them at once."""
        return 8192 if self._screen is not None else super().chunk_rows

    def encode(self, chunk: Chunk) -> Tensor:
        """(1, u, second moments of u) of u = x - centre; the rows themselves where a pass goes by component."""
        x, d = chunk.x, self.n_features
        if self._reference is not None:
            return x.T
        if self._screen is not None:
            return torch.sub(x, self.centre.to(self.dtype), out=self._buffer("rows", len(x), d)).T
        phi = self._buffer("phi", self.n_statistics, len(x))
        return self._expand(phi[1 : d + 1].copy_(x.T).sub_(self.centre.to(self.dtype)[:, None]), phi)

    def _expand(self, u: Tensor, phi: Tensor) -> Tensor:
        """Fill `phi` around u = x - centre, `[d, B]`."""
        d = self.n_features
        phi[0] = 1.0
        rest = phi[d + 1 :]
        if self.covariance_type == "spherical":
            torch.sum(torch.mul(u, u, out=self._buffer("square", d, u.shape[1])), 0, keepdim=True, out=rest)
        elif self.covariance_type == "diag":
            torch.mul(u, u, out=rest)
        elif self.covariance_type == "full":
            self._pairs().fill(u, rest)
        return phi

    def log_joint(self, phi: Tensor) -> Tensor:
        """Log w_k + log N(x; mu_k, Sigma_k), `[K, B]`."""
        d = self.n_features
        if self._reference is not None:
            return self._log_joint_by_component(phi)
        if self._screen is not None:
            out = self._buffer("log_joint", self.n_components, phi.shape[1])
            if self._screen.log_joint(phi.T, out):
                return out
            self._screen, self._crowded = None, 10
        if len(phi) == d:  # the rows of a chunk that turned out too crowded to screen
            phi = self._dense(phi)
        if self.covariance_type != "tied":
            return super().log_joint(phi)
        # One precision for all: its quadratic form is the same number for every component.
        assert self._natural is not None
        out = self._buffer("log_joint", self.n_components, phi.shape[1])
        torch.mm(self._natural[:, : d + 1], phi[: d + 1], out=out)
        white = torch.mm(
            self._factor.to(self.dtype).T, phi[1 : d + 1], out=self._buffer("square", d, phi.shape[1])
        )
        return out.sub_(white.square_().sum(0).mul_(0.5))

    def statistics(self, phi: Tensor, responsibilities: Tensor) -> Tensor:
        """Mass, first and second moments of each component, about the centre or about its present mean."""
        d = self.n_features
        if self._reference is not None:
            return self._statistics_by_component(phi, responsibilities)
        if self._screen is not None:
            return self._screen.statistics(phi.T, responsibilities)
        if len(phi) == d:
            phi = self._dense(phi)
        if self.covariance_type != "tied":
            return super().statistics(phi, responsibilities)
        out = torch.zeros(self.n_components, self.n_statistics, dtype=torch.float64, device=self.device)
        out[:, : d + 1] = responsibilities @ phi[: d + 1].T
        u = phi[1 : d + 1]
        # Only the sum over components matters to a shared covariance; it is booked on the first.
        out[0, d + 1 :] = self.covariance.moments((u * responsibilities.sum(0)).T, u.T)
        return out

    def _dense(self, u: Tensor) -> Tensor:
        phi = torch.empty(self.n_statistics, u.shape[1], dtype=self.dtype, device=self.device)
        phi[1 : self.n_features + 1] = u
        return self._expand(phi[1 : self.n_features + 1], phi)

    def _log_joint_by_component(self, x: Tensor) -> Tensor:
        out = self._buffer("log_joint", self.n_components, x.shape[1])
        assert self._reference is not None
        half = 0.5 * self.n_features * math.log(2 * math.pi)
        constant = (self.log_weights() + half_log_det(self._whiten) - half).to(self.dtype)
        for k in range(self.n_components):
            u = x - self._reference[k].to(self.dtype)[:, None]
            factor = self._whiten[k].to(self.dtype)
            white = factor.T @ u if factor.ndim == 2 else u.mul_(factor[:, None])
            torch.sum(white.square_(), 0, out=out[k]).mul_(-0.5).add_(constant[k])
        return out

    def _statistics_by_component(self, x: Tensor, responsibilities: Tensor) -> Tensor:
        d = self.n_features
        out = torch.empty(self.n_components, self.n_statistics, dtype=torch.float64, device=self.device)
        assert self._reference is not None
        for k, r in enumerate(responsibilities):
            u = x - self._reference[k].to(self.dtype)[:, None]
            out[k, 0], out[k, 1 : d + 1] = r.sum(dtype=torch.float64), u @ r
            out[k, d + 1 :] = self.covariance.moments((u * r).T, u.T)
        return out

    # Updates ------------------------------------------------------------------------------------------------

    def update_components(self, statistics: Tensor) -> None:
        """Means and covariances from moments about the reference; raises `TrainingError` where one is singular."""
        d = self.n_features
        mass = statistics[:, :1] + 10 * torch.finfo(torch.float64).eps
        shift, second = statistics[:, 1 : d + 1] / mass, statistics[:, d + 1 :]
        reference = self.centre if self._reference is None else self._reference
        self.parameters["means"] = reference + shift
        self.parameters["covariances"] = self.covariance.estimate(mass, shift, second, self.reg_covar)
        self._factorize()

    def refer_to(self, means: Tensor | None) -> None:
        """Take the next statistics about `means [K, d]` (None: the centre): for a start without parameters yet."""
        self._reference = None if means is None else means.to(self.device, torch.float64)
        self._screen = None

    def centred(self, statistics: Tensor) -> Tensor:
        """Statistics about the centre from statistics about the means of the pass (exact but for float64 rounding)."""
        if self._reference is None:
            return statistics
        d, out = self.n_features, statistics.clone()
        delta = self._reference - self.centre
        mass, first = statistics[:, :1], statistics[:, 1 : d + 1]
        out[:, 1 : d + 1] = first + mass * delta
        between = self.covariance.outer(delta, delta)
        out[:, d + 1 :] += 2 * self.covariance.outer(first, delta) + mass * between
        self._reference = None
        return out

    def set_parameters(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        """Put given parameters in force; raises `TrainingError` where a covariance is not positive definite."""
        self.parameters |= {"weights": weights, "means": means, "covariances": covariances}
        self._factorize()

    def slack(self, statistics: Tensor) -> float:
        """- reg_covar / 2 * sum_k N_k tr Sigma_k^-1: with it, the regularised update is an exact maximiser."""
        precision = precisions(self._each_factor())
        trace = precision.diagonal(dim1=-2, dim2=-1).sum(-1) if precision.ndim == 3 else precision.sum(1)
        return -0.5 * self.reg_covar * float((statistics[:, 0] * trace).sum())

    def natural(self) -> Tensor:
        """W `[K, F]`: (log w_k - N normaliser - d'Pd/2, P d, -P/2) with d = mu_k - reference and P the precision."""
        d = self.n_features
        precision = precisions(self._each_factor())
        delta = self.parameters["means"] - (self.centre if self._reference is None else self._reference)
        out = torch.empty(self.n_components, self.n_statistics, dtype=torch.float64, device=self.device)
        linear = (precision @ delta[:, :, None])[:, :, 0] if precision.ndim == 3 else precision * delta
        out[:, 1 : d + 1] = linear
        out[:, d + 1 :] = self.covariance.natural(precision)
        half = 0.5 * d * math.log(2 * math.pi)
        log_det = half_log_det(self._each_factor())
        out[:, 0] = self.log_weights() + log_det - half - 0.5 * (linear * delta).sum(1)
        return out

    def revive(self, statistics: Tensor, component: int, row: Tensor) -> Tensor:
        """Put an empty component on `row` with the pooled within-component spread."""
        d = self.n_features
        out = statistics * (1.0 - 1.0 / self.n_components)
        mass = statistics[:, 0].sum() / self.n_components
        reference = self.centre if self._reference is None else self._reference[component]
        u = row[0].to(torch.float64) - reference
        out[component, 0], out[component, 1 : d + 1] = mass, mass * u
        pooled = self.covariance.pooled(self.parameters["covariances"], self.parameters["weights"])
        out[component, d + 1 :] = mass * (self.covariance.outer(u, u) + pooled)
        return out

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draws of N(mu_k, Sigma_k), `[n, d]`."""
        noise = torch.randn(
            len(labels), self.n_features, dtype=torch.float64, device=self.device, generator=generator
        )
        scaled = self.covariance.scale(noise, labels, self.parameters["covariances"])
        return self.parameters["means"][labels] + scaled

    # Factors of the precisions ------------------------------------------------------------------------------

    def _factorize(self) -> None:
        covariances = self.parameters["covariances"]
        factor, bad = self.covariance.factor(covariances)
        if bool(bad.any()):
            k = int(bad.nonzero()[0])
            raise TrainingError(
                f"the covariance of component {k} is singular (its rows are too few or collinear); use fewer "
                f"components, a larger reg_covar (now {self.reg_covar:g}), or another covariance_type"
            )
        self._factor, self._factored = factor, covariances

    @property
    def precision_factor(self) -> Tensor:
        """F with precision F F' (full `[K, d, d]`, tied `[d, d]`) or F^2 (diag `[K, d]`, spherical `[K]`)."""
        if self._factored is not self.parameters["covariances"]:  # replaced by a restart or a loaded state
            self._factorize()
        return self._factor

    def _each_factor(self) -> Tensor:
        """F for each component: `[K, d, d]` or `[K, d]`."""
        return self.covariance.each(self.precision_factor)

    def _pairs(self) -> FeaturePairs:
        assert isinstance(self.covariance, Full)
        return self.covariance.pairs


FAMILIES.add("gaussian", GaussianComponents)
