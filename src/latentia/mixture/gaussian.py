"""Gaussian components with spherical, diagonal, tied or full covariance.

Features are taken about a fixed centre near the data, phi(x) = (u, u u') with u = x - c, so that a pass is two matrix
products for ALL components. This loses digits when a component is narrow against its distance
from the centre; the family measures that before each pass and, where rounding would show, works with u_k = x - mu_k
for each component instead (the statistics are then about the present means, and as additive).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.mixture.components import FAMILIES, Components, Features
from latentia.mixture.covariances import Full, Spherical, Tied, covariance
from latentia.mixture.gaps import GapsPass
from latentia.mixture.gaussian_passes import FullPass, GaussianPass, MeansPass, TiedPass
from latentia.mixture.precisions import Precisions
from latentia.mixture.ranges import check_ranges
from latentia.mixture.responsibilities import Thin
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.screening import Screen
from latentia.mixture.summary import Summary

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
        self.passing: GaussianPass | None = None  # None: (u, u^2) are features like any other
        self.thin_share = 0.25 if covariance_type == "full" else self.thin_share
        self._crowded = 0  # passes until screening is tried again
        self._precisions: Precisions | None = None
        self._kept: tuple[tuple[Tensor | None, ...], Tensor] | None = None  # natural parameters, and of what

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        return super().settings() | {"covariance_type": self.covariance_type, "reg_covar": self.reg_covar}

    @property
    def n_statistics(self) -> int:
        """Mass, first moments, and second moments as far as the covariance type needs them."""
        return 1 + self.n_features + self.covariance.n_second

    def statistics_state(self) -> dict[str, np.ndarray]:
        """The pairs of features whose products stand in the statistics, `[2, pairs]`."""
        if not isinstance(self.covariance, Full):
            return {}
        return {"pairs": torch.stack([self.covariance.pairs.i, self.covariance.pairs.j]).cpu().numpy()}

    def take_statistics_state(self, state: dict[str, np.ndarray]) -> bool:
        """Whether the pairs of features are those of this version, in its order."""
        return all(
            name in state and np.array_equal(state[name], own)
            for name, own in self.statistics_state().items()
        )

    @property
    def n_free(self) -> int:
        """Free parameters of weights, means and covariances."""
        return self.n_components - 1 + self.n_components * self.n_features + self.covariance.n_free

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Put the centre at the mean of the data; columns of no variance, or of none that the arithmetic has, are refused."""
        check_ranges(summary, self.dtype, rows.n_rows)
        self.gaps = summary.gaps
        self.parameters["centre"], self.parameters["spread"] = summary.mean, summary.variance.sqrt()

    @property
    def centre(self) -> Tensor:
        """The point about which features are taken, `[d]`: the mean of the data that the fit began with."""
        return self.parameters["centre"]

    # Passes -------------------------------------------------------------------------------------------------

    def begin(self, *, sums_only: bool = False) -> None:
        """Choose the form of the pass by its rounding, and freeze the parameters."""
        self._crowded = max(0, self._crowded - 1)
        if isinstance(self.passing, FullPass) and self.passing.crowded:
            self._crowded = 10  # passes until screening is tried again
        bound = self.precisions.largest(
            (self.parameters["means"] - self.centre).abs() + self.parameters["spread"]
        )
        narrow = self.gaps or bound * torch.finfo(self.dtype).eps > _ROUNDING[self.dtype]
        self.refer_to(self.parameters["means"].clone() if narrow else None)
        super().begin()
        if self.gaps:
            each = self.covariance.each(self.parameters["covariances"])
            self.passing = GapsPass(
                self.covariance, self.parameters["means"], each, self._buffer, self.log_weights()
            )
        elif narrow:
            factor, constant = self.precisions.each_factor, self.log_weights() + self.precisions.half_log_det
            self.passing = MeansPass(
                self.covariance, self.parameters["means"], self._buffer, factor, constant
            )
        elif isinstance(self.covariance, Tied):
            factor = self.precision_factor.to(self.dtype)
            self.passing = TiedPass(self.covariance, self.centre, self._buffer, self._natural, factor)
        elif isinstance(self.covariance, Full):
            screen = self._make_screen(bound) if sums_only else None
            self.passing = FullPass(self.covariance, self.centre, self._buffer, self._natural, screen)

    def _make_screen(self, bound: float) -> Screen | None:
        """A screen for this pass, or None where it would not pay (or did not, in one of the last ten passes)."""
        assert isinstance(self.covariance, Full)
        rounding = bound * torch.finfo(torch.float32).eps
        if self._crowded or not Screen.worthwhile(rounding, self.n_components, self.n_features):
            return None
        means = self.parameters["means"] - self.centre
        return Screen(
            self.natural(), self.precision_factor, means, self.covariance.pairs, rounding, self.dtype
        )

    def refer_to(self, means: Tensor | None) -> None:
        """Take the next statistics about `means [K, d]` (None: the centre): for a start without parameters yet."""
        self._reference = None if means is None else means.to(self.device, torch.float64)
        about = self.centre if self._reference is None else self._reference
        if self.gaps:
            self.passing = GapsPass.at_start(self.covariance, about, self.parameters["spread"], self._buffer)
        elif self._reference is not None:
            self.passing = MeansPass(self.covariance, self._reference, self._buffer)
        elif isinstance(self.covariance, Tied):
            self.passing = TiedPass(self.covariance, self.centre, self._buffer)
        elif isinstance(self.covariance, Full):
            self.passing = FullPass(self.covariance, self.centre, self._buffer)
        else:
            self.passing = None

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk: passes that make products block by block want more of them at once."""
        if self.passing is None:
            return super().chunk_rows
        return 8192 if self.device.type == "cpu" else 1 << 18

    def encode(self, chunk: Chunk) -> Features:
        """What the pass makes of rows; u = x - centre and its squares where there is none."""
        if self.passing is not None:
            return self.passing.encode(chunk.x)
        d = self.n_features
        phi = self._buffer("phi", len(chunk), self.n_statistics - 1)
        u = torch.sub(chunk.x, self.centre.to(self.dtype), out=phi[:, :d])
        if isinstance(self.covariance, Spherical):
            square = torch.mul(u, u, out=self._buffer("square", len(chunk), d))
            torch.sum(square, 1, out=phi[:, d])
        else:
            torch.mul(u, u, out=phi[:, d:])
        return phi

    def log_joint(self, phi: Features) -> Tensor:
        """Log w_k + log N(x; mu_k, Sigma_k), `[K, B]`."""
        if self.passing is None:
            return super().log_joint(phi)
        assert isinstance(phi, Tensor)
        return self.passing.log_joint(phi)

    def statistics(self, phi: Features, responsibilities: Tensor | Thin) -> Tensor:
        """Mass, first and second moments of each component, about the centre or about its present mean."""
        if self.passing is None:
            return super().statistics(phi, responsibilities)
        assert isinstance(phi, Tensor)
        return self.passing.statistics(phi, responsibilities)

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
        precision = self.precisions.each
        trace = precision.diagonal(dim1=-2, dim2=-1).sum(-1) if precision.ndim == 3 else precision.sum(1)
        return -0.5 * self.reg_covar * float((statistics[:, 0] * trace).sum())

    def natural(self) -> Tensor:
        """W `[K, F]`: (log w_k - N normaliser - d'Pd/2, P d, -P/2) with d = mu_k - reference and P the precision."""
        names = "weights", "means", "covariances"
        of = *(self.parameters[name] for name in names), self._reference
        if self._kept is None or any(old is not new for old, new in zip(self._kept[0], of, strict=True)):
            self._kept = of, self._make_natural()
        return self._kept[1]

    def _make_natural(self) -> Tensor:
        d, precision = self.n_features, self.precisions.each
        delta = self.parameters["means"] - (self.centre if self._reference is None else self._reference)
        out = torch.empty(self.n_components, self.n_statistics, dtype=torch.float64, device=self.device)
        linear = (precision @ delta[:, :, None])[:, :, 0] if precision.ndim == 3 else precision * delta
        out[:, 1 : d + 1] = linear
        out[:, d + 1 :] = self.covariance.natural(precision)
        log_det = self.precisions.half_log_det - 0.5 * d * math.log(2 * math.pi)
        out[:, 0] = self.log_weights() + log_det - 0.5 * (linear * delta).sum(1)
        return out

    def revive(self, statistics: Tensor, component: int, row: Tensor) -> Tensor:
        """Put an empty component on `row` with the pooled within-component spread."""
        d = self.n_features
        out = statistics * (1.0 - 1.0 / self.n_components)
        mass = statistics[:, 0].sum() / self.n_components
        reference = self.centre if self._reference is None else self._reference[component]
        u = (row[0].to(torch.float64) - reference).nan_to_num()  # a missing cell is at the mean
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

    def _factorize(self) -> Precisions:
        covariances = self.parameters["covariances"]
        self._precisions = Precisions.of(self.covariance, covariances, self.reg_covar)
        return self._precisions

    @property
    def precisions(self) -> Precisions:
        """Of the present covariances, factored again where a restart or a loaded state replaced them."""
        made = self._precisions
        return made if made and made.covariances is self.parameters["covariances"] else self._factorize()

    @property
    def precision_factor(self) -> Tensor:
        """F with precision F F' (full `[K, d, d]`, tied `[d, d]`) or F^2 (diag `[K, d]`, spherical `[K]`)."""
        return self.precisions.factor

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "passing": None, "_precisions": None, "_kept": None}


FAMILIES.add("gaussian", GaussianComponents)
