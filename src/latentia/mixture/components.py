"""What a family of mixture components is: log densities, additive sufficient statistics, and an update.

Every family here is written as an inner product of features of a row with natural parameters of a component
(Wainwright & Jordan 2008, section 3.2),

    log w_k + log p(x | k) = W_k0 + <W_k, phi(x)> + h(x),    E-step: softmax over k,    statistics: sum_i r_ik (1, phi(x_i)),

so that a pass over a chunk is two matrix products around a softmax. Features stand as rows do, `[B, F - 1]`, dense or as
SciPy CSR; what belongs to components is component-major, `[K, B]`: reductions over components run over contiguous memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from latentia.errors import ConfigError
from latentia.mixture.responsibilities import Thin
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.summary import Summary
from latentia.registry import Registry

Features = Tensor | sparse.csr_array
_CHUNK_BYTES = (
    8 << 20
)  # features and log densities of a chunk together: about the share of one core in the cache


class StepValues(NamedTuple):
    """Q and what the M-step maximises (Q plus log prior), before and after it, in nats."""

    before: float
    after: float
    objective_before: float
    objective_after: float


class Components(ABC):
    """K components of one family with their weights.

    Parameters live in float64 in `parameters` (always with `weights [K]`), whatever the precision of the passes.
    The first of the sufficient statistics is always the mass sum_i r_ik.

    Attributes:
        exact: whether `update` maximises the expected log density, so that the likelihood cannot fall.
        needs_rows: whether `update` needs the rows and responsibilities beside the statistics.
        counts: whether rows must be counts (non-negative integers).
        spans: whether they are counts of something, which span orders of magnitude and are shown by their logarithm.
        takes_sparse: whether features are made from the stored numbers of sparse rows.
        gaps: whether rows of the present passes may have missing cells.
        thin_share: share of responsibilities up to which sums over those that matter are cheaper than sums over all.
    """

    family: str
    exact = True
    needs_rows = False
    counts = False
    spans = False
    takes_sparse = False
    gaps = False
    thin_share = 0.125

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        self.n_components, self.n_features = n_components, n_features
        self.dtype, self.device = dtype, torch.device(device)
        self.parameters: dict[str, Tensor] = {}
        self._natural: Tensor | None = None
        self._slopes: np.ndarray | None = None  # the natural parameters as sparse features want them
        self._buffers: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    # What a family gives ------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def n_statistics(self) -> int:
        """F, the number of sufficient statistics of one component, its mass included."""

    @property
    @abstractmethod
    def n_free(self) -> int:
        """Number of free parameters of the whole mixture, weights included."""

    def prepare(self, rows: Rows, summary: Summary) -> None:  # noqa: B027
        """Look at the data once before the first pass (centre, levels, vocabulary of counts)."""

    @abstractmethod
    def encode(self, chunk: Chunk) -> Features:
        """Features phi(x) of a chunk, `[B, F - 1]`; valid until the next call."""

    @abstractmethod
    def natural(self) -> Tensor:
        """W `[K, F]` in float64 from the parameters; its first column carries log w_k and the normaliser."""

    @abstractmethod
    def update_components(self, statistics: Tensor) -> None:
        """Maximise the expected log density plus log prior given statistics `[K, F]`; weights are not its concern."""

    @abstractmethod
    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """One row for each component number in `labels`, `[n, d]`."""

    def base_measure(self, chunk: Chunk) -> Tensor | None:  # noqa: ARG002
        """h(x) `[B]` in nats, or None where it is zero."""
        return None

    def log_prior(self) -> float:
        """Log prior of the parameters in nats, up to a constant unless the family says otherwise."""
        return 0.0

    def slack(self, statistics: Tensor) -> float:  # noqa: ARG002
        """Part of the objective of `update` that is neither Q nor log prior (a penalty that depends on masses)."""
        return 0.0

    def revive(self, statistics: Tensor, component: int, row: Tensor) -> Tensor:
        """Statistics in which an empty component gets a share of the others' mass around `row [1, d]`.

        Half of its mass sits on the row, half is the pooled statistics, so that its spread is never zero.
        """
        pooled = statistics.sum(0)
        mass = pooled[0] / self.n_components
        found = self.encode(Chunk(row, None, None, 0))
        dense = found if isinstance(found, Tensor) else torch.from_numpy(found.toarray()).to(self.device)
        phi = torch.cat([torch.ones_like(pooled[:1]), dense[0].to(torch.float64)])
        out = statistics * (1.0 - 1.0 / self.n_components)
        out[component] = mass * 0.5 * (phi + pooled / pooled[0])
        return out

    # What all families share --------------------------------------------------------------------------------

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk, such that features and log densities stay in cache."""
        width = (self.n_statistics + self.n_components) * (4 if self.dtype == torch.float32 else 8)
        budget = _CHUNK_BYTES if self.device.type == "cpu" else 64 * _CHUNK_BYTES
        return int(min(max(budget // width, 128), 16384 if self.device.type == "cpu" else 1 << 20))

    def chunks(self, rows: Rows) -> Iterator[Chunk]:
        """All rows in order, in chunks of a size and kind that suit the family."""
        if self.takes_sparse and rows.is_sparse:
            return rows.sparse_chunks(self.n_statistics)
        return rows.chunks(self.chunk_rows)

    def begin(self, *, sums_only: bool = False) -> None:  # noqa: ARG002
        """Freeze the natural parameters for a pass.

        Args:
            sums_only: whether only sums over rows are wanted, in which responsibilities below the machine epsilon
                may be left out.
        """
        self._natural, self._slopes = self.natural().to(self.dtype), None

    def log_joint(self, phi: Features) -> Tensor:
        """Log w_k + log p(x|k) - h(x), `[K, B]`; valid until the next call."""
        assert self._natural is not None
        constant = self._natural[:, :1]
        out = self._buffer("log_joint", self.n_components, phi.shape[0])
        if isinstance(phi, Tensor):
            return torch.addmm(constant, self._natural[:, 1:], phi.T, out=out)
        if self._slopes is None:
            self._slopes = self._natural[:, 1:].T.contiguous().cpu().numpy()
        return out.copy_(torch.from_numpy(phi @ self._slopes).T).add_(constant)

    def statistics(self, phi: Features, responsibilities: Tensor | Thin) -> Tensor:
        """sum_i r_ik (1, phi(x_i)), `[K, F]` in float64."""
        out = torch.empty(self.n_components, 1 + phi.shape[1], dtype=torch.float64, device=self.device)
        if isinstance(responsibilities, Thin):
            assert isinstance(phi, Tensor)
            out[:, 0] = responsibilities.mass()
            out[:, 1:] = torch.from_numpy(responsibilities.matrix @ phi.numpy())
            return out
        torch.sum(responsibilities, 1, dtype=torch.float64, out=out[:, 0])
        if isinstance(phi, Tensor):
            out[:, 1:] = responsibilities @ phi
        else:
            out[:, 1:] = torch.from_numpy(phi.T @ responsibilities.T.contiguous().cpu().numpy()).T
        return out

    def centred(self, statistics: Tensor) -> Tensor:
        """The same statistics about a reference that does not move between passes, so that passes can be added."""
        return statistics

    def update_with_rows(self, statistics: Tensor, rows: Rows, responsibilities: Tensor) -> StepValues:
        """The M-step of a family with `needs_rows`; returns Q and the penalised Q before and after."""
        raise NotImplementedError

    def update(self, statistics: Tensor) -> None:
        """The M-step: weights from masses, components from statistics."""
        mass = statistics[:, 0]
        self.parameters["weights"] = mass / mass.sum()
        self.update_components(statistics)

    def expected(self, statistics: Tensor) -> float:
        """sum_ik r_ik (log w_k + log p(x_i|k) - h(x_i)) under the present parameters: Q but for a constant."""
        return float((self.natural() * statistics).sum())

    def magnitude(self, statistics: Tensor) -> float:
        """Sum of the sizes of the terms of `expected`, in nats: what its rounding is relative to."""
        return float((self.natural() * statistics).abs().sum())

    def objective(self, statistics: Tensor) -> float:
        """What the M-step maximises: Q + log prior + slack."""
        return self.expected(statistics) + self.log_prior() + self.slack(statistics)

    def log_weights(self) -> Tensor:
        """Log w `[K]`; a component without mass gets a very low but finite value."""
        return self.parameters["weights"].clamp_min(1e-300).log()

    def copy_parameters(self) -> dict[str, Tensor]:
        """A copy of the parameters."""
        return {name: value.clone() for name, value in self.parameters.items()}

    def state(self) -> dict[str, np.ndarray]:
        """Arrays that rebuild these components with `from_state`."""
        out = {f"parameters.{name}": value.cpu().numpy() for name, value in self.parameters.items()}
        return out | {f"setting.{name}": np.asarray(value) for name, value in self.settings().items()}

    def statistics_state(self) -> dict[str, np.ndarray]:
        """Arrays that say what the columns of the statistics are, where the parameters do not."""
        return {}

    def take_statistics_state(self, state: dict[str, np.ndarray]) -> bool:  # noqa: ARG002
        """Put what `statistics_state` gave back; False if statistics so laid out are not understood."""
        return True

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        return {"n_components": self.n_components, "n_features": self.n_features}

    @classmethod
    def from_state(
        cls,
        state: dict[str, np.ndarray],
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> Components:
        """Rebuild components from `state()`."""
        settings = {
            k.removeprefix("setting."): _plain(v) for k, v in state.items() if k.startswith("setting.")
        }
        components = cls(**settings, dtype=dtype, device=device)
        for name, value in state.items():
            if name.startswith("parameters."):
                tensor = torch.tensor(np.asarray(value), dtype=torch.float64, device=components.device)
                components.parameters[name.removeprefix("parameters.")] = tensor
        return components

    def _buffer(self, name: str, *shape: int) -> Tensor:
        """Scratch memory of one chunk, kept between chunks (a fresh page costs more than the arithmetic on it)."""
        key = (f"{name} {self.dtype}", shape)
        if key not in self._buffers:
            if len(self._buffers) > 12:
                self._buffers.clear()
            self._buffers[key] = torch.empty(shape, dtype=self.dtype, device=self.device)
        return self._buffers[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_buffers": {}, "_natural": None, "_slopes": None}


def _plain(value: np.ndarray) -> Any:
    """A setting as a Python value: scalars and text unpacked, arrays as they are."""
    value = np.asarray(value)
    return value.item() if value.ndim == 0 else value


def check_n_components(n_components: object) -> int:
    """Return K as int or raise `ConfigError` naming what was given."""
    if isinstance(n_components, bool) or not isinstance(n_components, (int, np.integer)) or n_components < 1:
        raise ConfigError(f"n_components={n_components!r}: an integer of at least 1 was expected")
    return int(n_components)


FAMILIES: Registry[type[Components]] = Registry("mixture family")
