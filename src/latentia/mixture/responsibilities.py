"""Responsibilities r_ik = p(k|x_i) of a chunk: all of them, or only those that can change a sum.

A responsibility below the machine epsilon of float64 changes no sum that it enters. Where components lie apart most are
far below it: sums over the rest alone are then sparse products, and most exponentials are never taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

_FLOOR = {torch.float32: -80.0, torch.float64: -700.0}  # of log responsibilities
NEGLIGIBLE = -math.log(torch.finfo(torch.float64).eps)  # 36 nats below the best of a row
_MARGIN = 4.0  # nats


@dataclass(frozen=True)
class Thin:
    """The responsibilities of a chunk that matter, component after component.

    Attributes:
        rows: their rows, ascending in each component, `[m]`.
        values: `[m]`.
        offsets: where each component begins, `[K + 1]`.
        n_rows: B.
    """

    rows: Tensor
    values: Tensor
    offsets: np.ndarray
    n_rows: int

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """`[K, B]`."""
        shape = (len(self.offsets) - 1, self.n_rows)
        return sparse.csr_array((self.values.numpy(), self.rows.numpy(), self.offsets), shape=shape)

    @property
    def sizes(self) -> list[int]:
        """Rows of each component."""
        return np.diff(self.offsets).tolist()

    def mass(self) -> Tensor:
        """Sum of each component, `[K]` float64."""
        k = len(self.offsets) - 1
        component = np.repeat(np.arange(k), np.diff(self.offsets))
        return torch.from_numpy(np.bincount(component, self.values.numpy(), minlength=k))

    def sums(self, each: Tensor) -> Tensor:
        """Sum of `each [m, d]` over each component's own, `[K, d]` float64."""
        m = len(self.rows)
        ones = np.ones(m)  # float64: SciPy adds one number after another
        segments = sparse.csr_array((ones, np.arange(m), self.offsets), shape=(len(self.offsets) - 1, m))
        return torch.from_numpy(segments @ each.numpy())

    def weighed(self, weights: Tensor) -> Thin:
        """Times the weight of each row."""
        return Thin(self.rows, self.values * weights.index_select(0, self.rows), self.offsets, self.n_rows)


def normalize(log_joint: Tensor) -> tuple[Tensor, Tensor]:
    """Responsibilities `[K, B]`, in place of `log_joint`, and its log-sum-exp over components, `[B]`."""
    top = log_joint.amax(0)
    # The floor keeps clear of subnormal numbers, on which arithmetic is ten times slower.
    weight = log_joint.sub_(top).clamp_min_(_FLOOR[log_joint.dtype]).exp_()
    total = weight.sum(0)
    return weight.div_(total), top.add_(total.log_())


def thin(log_joint: Tensor, largest_share: float) -> tuple[Thin, Tensor] | None:
    """Responsibilities that matter and log-sum-exp `[B]`; None, and nothing changed, where more than a share of them do."""
    if log_joint.device.type != "cpu":
        return None
    k, n = log_joint.shape
    top = log_joint.amax(0)
    active = (log_joint > top - (NEGLIGIBLE + _MARGIN)).numpy()
    if np.count_nonzero(active) > largest_share * active.size:
        return None
    place = np.flatnonzero(active)
    starts = np.arange(k + 1) * n
    offsets = np.searchsorted(place, starts)
    rows = torch.from_numpy(place - np.repeat(starts[:-1], np.diff(offsets)))
    best = top.index_select(0, rows)
    value = log_joint.reshape(-1).index_select(0, torch.from_numpy(place)).sub_(best).exp_()
    total = torch.from_numpy(np.bincount(rows.numpy(), value.numpy(), minlength=n)).to(value.dtype)
    return Thin(rows, value.div_(total.index_select(0, rows)), offsets, n), top.add_(total.log_())
