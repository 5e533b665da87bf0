"""Full covariances at a fraction of the price: find the (row, component) pairs that matter, compute those.

A responsibility below the machine epsilon of float64 changes no sum that it enters. Two tests find, safely, which
components lie more than -log(epsilon) nats below the best of a row: first the bound by the distance to the mean,
log N(x; mu, Sigma) <= peak - |x - mu|^2 / (2 lambda_max(Sigma)); where too many pairs pass it, a float32 product of
quadratic features with natural parameters, whose error is a known fraction of a nat. Log densities of the pairs that
remain are computed in the precision of the fit. Where components overlap so much that most pairs matter, this costs more
than it saves: `log_joint` then says so, and the dense pass is taken.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latentia.mixture.feature_pairs import FeaturePairs
from latentia.mixture.responsibilities import NEGLIGIBLE

_LARGEST_ROUNDING = 2.0  # nats: where float32 is coarser, screening is not worth its margin
_LARGEST_SHARE = 0.25  # of pairs that matter, above which the dense pass is cheaper
_BLOCK_BYTES = 2 << 20


class Screen:
    """One pass's parameters, laid out for screening.

    Args:
        natural: W `[K, F]` in float64 for features (1, u, pairs of u).
        factor: F of each precision P = F F', `[K, d, d]`.
        means: mu_k - centre, `[K, d]`.
        pairs: of features.
        rounding: bound on the error of a float32 log density, in nats.
        dtype: precision of the fit.
    """

    def __init__(
        self,
        natural: Tensor,
        factor: Tensor,
        means: Tensor,
        pairs: FeaturePairs,
        rounding: float,
        dtype: torch.dtype,
    ) -> None:
        offset = (means[:, None, :] @ factor)[:, 0]  # [K, d]
        # W's first column is log w + log normaliser - |F' mu|^2 / 2; without the last term it is the peak's height.
        peak = natural[:, 0] + 0.5 * offset.square().sum(1)
        least = torch.linalg.eigvalsh(factor @ factor.mT)[:, :1]  # 1 / lambda_max(Sigma)
        flat = peak[:, None] - 0.5 * least * means.square().sum(1, keepdim=True)
        self._flat, self._slope, self._curve = (
            part.to(torch.float32) for part in (flat, least * means, -0.5 * least[:, 0])
        )
        self._numbers = torch.arange(len(means), dtype=torch.float32, device=means.device)[:, None]
        self._near_pays = True
        self._natural = natural.to(torch.float32)
        self._factor, self._offset, self._peak = factor.to(dtype), offset.to(dtype), peak.to(dtype)
        self._pairs, self._margin = pairs, NEGLIGIBLE + 1.0 + 2.0 * rounding
        self._size = max(128, _BLOCK_BYTES // (4 * pairs.n_scratch))

    @staticmethod
    def worthwhile(rounding: float, n_components: int, n_features: int) -> bool:
        """Whether float32 is accurate enough, and the saving larger than the overhead."""
        return rounding < _LARGEST_ROUNDING and n_components >= 4 and n_features >= 32

    def log_joint(self, u: Tensor, out: Tensor) -> bool:
        """Fill `out [K, B]` for centred rows `u [B, d]` in their precision; False where too many pairs matter."""
        out.fill_(-torch.inf)
        if self._near_pays:
            self._near_pays = self._near(u, out)
            if self._near_pays:
                return True
        rough = self._rough(u.to(torch.float32))
        active = rough > rough.amax(0) - self._margin
        if _too_many(active):
            return False
        self._fill_all(active, u, out)
        return True

    def _near(self, u: Tensor, out: Tensor) -> bool:
        """Fill pairs that matter by distance; False where they are too many."""
        low = u.to(torch.float32)
        bound = torch.addmm(self._flat, self._slope, low.T).addr_(self._curve, low.square().sum(1))
        # argmax over the first axis, by operations that run along rows (torch's own is ten times slower here)
        likely = (bound >= bound.amax(0)).to(torch.float32).mul_(self._numbers).amax(0).to(torch.int64)
        order = torch.from_numpy(likely.cpu().numpy().astype(np.int16).argsort(kind="stable")).to(u.device)
        sizes = torch.bincount(likely, minlength=len(bound)).tolist()
        best = [self._of(k, part) for k, part in enumerate(u.index_select(0, order).split(sizes))]
        value = torch.cat(best)
        out[likely[order], order] = value
        level = torch.empty_like(value)
        level[order] = value
        active = bound > (level - self._margin).to(torch.float32)
        if _too_many(active):
            return False
        # The bound of the likely ones was counted too: they stay as they are.
        active.scatter_(0, likely[None], False)
        self._fill_all(active, u, out)
        return True

    def _fill_all(self, active: Tensor, u: Tensor, out: Tensor) -> None:
        """Log densities of the pairs marked in `active [K, B]`."""
        row = torch.from_numpy(np.flatnonzero(active.cpu().numpy())).to(u.device) % len(u)
        for k, index in enumerate(row.split(active.sum(1).tolist())):
            if len(index):
                out[k, index] = self._of(k, u.index_select(0, index))

    def _of(self, k: int, u: Tensor) -> Tensor:
        """Log densities of rows under component k."""
        white = torch.addmm(self._offset[k], u, self._factor[k], beta=-1.0)
        return self._peak[k] - 0.5 * white.square_().sum(1)

    def _rough(self, low: Tensor) -> Tensor:
        """Log densities in float32, `[K, B]`, block by block so that features stay in cache."""
        rough = torch.empty(len(self._natural), len(low), dtype=torch.float32, device=low.device)
        memory = torch.empty(self._pairs.n_scratch * self._size, dtype=torch.float32, device=low.device)
        constant, slope = self._natural[:, :1], self._natural[:, 1:]
        for part, found in zip(low.split(self._size), rough.split(self._size, 1), strict=True):
            room = self._pairs.room(memory[: self._pairs.n_scratch * len(part)].view(-1, len(part)))
            torch.addmm(constant, slope, room.fill(part), out=found)
        return rough


def _too_many(active: Tensor) -> bool:
    return int(active.count_nonzero()) > _LARGEST_SHARE * active.numel()
