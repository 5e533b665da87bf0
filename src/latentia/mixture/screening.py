"""Full covariances at a fraction of the price: find the (row, component) pairs that matter, compute those.

A responsibility below the machine epsilon of float64 changes no sum that it enters. Two tests find, safely, which
components lie more than -log(epsilon) nats below the best of a row: first the bound by the distance to the mean,
log N(x; mu, Sigma) <= peak - |x - mu|^2 / (2 lambda_max(Sigma)); where too many pairs pass it, a float32 product of
quadratic features with natural parameters, whose error is a known fraction of a nat. Log densities and moments of the
pairs that remain are computed in the precision of the fit. Where components overlap so much that most pairs matter, this costs more
than it saves: `log_joint` then says so, and the dense pass is taken.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentia.mixture.feature_pairs import FeaturePairs

_NEGLIGIBLE = -math.log(torch.finfo(torch.float64).eps)  # 36 nats
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
        self._distance = torch.cat([flat, least * means, -0.5 * least], 1).to(torch.float32)
        self._numbers = torch.arange(len(means), dtype=torch.float32, device=means.device)[:, None]
        self._near_pays = True
        self._natural = natural.to(torch.float32)
        self._factor, self._offset, self._peak = factor.to(dtype), offset.to(dtype), peak.to(dtype)
        self._pairs, self._margin = pairs, _NEGLIGIBLE + 1.0 + 2.0 * rounding
        self._n_features = means.shape[1]
        width = natural.shape[1]
        self._size = max(128, _BLOCK_BYTES // (4 * width))
        self._phi = torch.empty(width, self._size, dtype=torch.float32, device=natural.device)
        self._rows: list[Tensor] = []

    @staticmethod
    def worthwhile(rounding: float, n_components: int, n_features: int) -> bool:
        """Whether float32 is accurate enough, and the saving larger than the overhead."""
        return rounding < _LARGEST_ROUNDING and n_components >= 4 and n_features >= 32

    def log_joint(self, u: Tensor, out: Tensor) -> bool:
        """Fill `out [K, B]` for centred rows `u [B, d]` in their precision; False where too many pairs matter."""
        out.fill_(-torch.inf)
        low = u.T.to(torch.float32).contiguous()
        active = self._near(u, low, out) if self._near_pays else None
        if active is None:
            self._near_pays = False
            rough = self._rough(low)
            active = rough > rough.amax(0) - self._margin
            if float(active.sum()) > _LARGEST_SHARE * active.numel():
                return False
            for k, row in enumerate(active):
                self._fill(k, row.nonzero()[:, 0], u, out)
        self._rows = [row.nonzero()[:, 0] for row in active]
        return True

    def _near(self, u: Tensor, low: Tensor, out: Tensor) -> Tensor | None:
        """Pairs that matter by distance, `[K, B]`, their log densities filled; None where they are too many."""
        squares = torch.cat([torch.ones_like(low[:1]), low, low.square().sum(0, keepdim=True)])
        bound = self._distance @ squares
        # argmax over the first axis, by operations that run along rows (torch's own is ten times slower here)
        likely = (bound >= bound.amax(0)).to(torch.float32).mul_(self._numbers).amax(0).to(torch.int64)
        order = likely.argsort()
        for k, index in enumerate(order.split(torch.bincount(likely, minlength=len(bound)).tolist())):
            self._fill(k, index, u, out)
        active = bound > (out.amax(0) - self._margin).to(torch.float32)
        active.scatter_(0, likely[None], True)
        if float(active.sum()) > _LARGEST_SHARE * active.numel():
            return None
        rest = active.clone().scatter_(0, likely[None], False)
        for k, count in enumerate(rest.sum(1).tolist()):
            if count:
                self._fill(k, rest[k].nonzero()[:, 0], u, out)
        return active

    def _fill(self, k: int, index: Tensor, u: Tensor, out: Tensor) -> None:
        """Log densities of some rows under one component."""
        if len(index):
            white = torch.addmm(self._offset[k], u[index], self._factor[k], beta=-1.0)
            out[k, index] = self._peak[k] - 0.5 * white.square_().sum(1)

    def statistics(self, u: Tensor, responsibilities: Tensor) -> Tensor:
        """Mass, first and second moments of the pairs that `log_joint` found, `[K, F]`."""
        d = self._n_features
        out = torch.zeros(len(responsibilities), len(self._phi), dtype=torch.float64, device=u.device)
        for k, index in enumerate(self._rows):
            if len(index):
                r, part = responsibilities[k, index], u[index]
                weighted = part * r[:, None]
                out[k, 0], out[k, 1 : d + 1] = r.sum(dtype=torch.float64), weighted.sum(0)
                out[k, d + 1 :] = self._pairs.of(weighted.T @ part)
        return out

    def _rough(self, low: Tensor) -> Tensor:
        """Log densities in float32, `[K, B]`, block by block so that features stay in cache."""
        d, n = low.shape
        rough = torch.empty(len(self._natural), n, dtype=torch.float32, device=low.device)
        for start in range(0, n, self._size):
            part = low[:, start : start + self._size]
            phi = self._phi[:, : part.shape[1]]
            phi[0] = 1.0
            phi[1 : d + 1] = part
            self._pairs.fill(part, phi[d + 1 :])
            rough[:, start : start + self._size] = self._natural @ phi
        return rough
