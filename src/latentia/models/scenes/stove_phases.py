"""What STOVE is trained as before it is trained as what it is: frames alone, then the dynamics on the paths that are seen."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Laplace

from latentia.core import Trace
from latentia.distributions import Delta, DiagonalGaussian
from latentia.models.scenes.stove import STOVE

SEEN = 4
"""Frames from which a rollout of the second phase starts."""
_LONG = 0.05  # scale of the errors of places in the second phase, in half frames


class FramePhase(nn.Module):
    """Frames alone: a bound in which places are N(0, 0.6^2), whatever was before.

    Args:
        model: what sees and paints.
    """

    def __init__(self, model: STOVE) -> None:
        super().__init__()
        self.model = model

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over videos `[B, T, C, H, W]`, frame by frame."""
        model = self.model
        seen = model.see(x.flatten(0, 1))
        loc, scale = (part.unflatten(0, x.shape[:2]) for part in (seen.loc, seen.scale))
        q = DiagonalGaussian(loc, scale, 3, validate_args=False)
        z = q.rsample(torch.Size([n_samples]))
        likelihood = model.decode(z)
        first = model.first(torch.zeros(*loc.shape[1:3], 5, dtype=loc.dtype, device=loc.device))
        p = DiagonalGaussian(first.loc[..., :3], first.scale[..., :3], 3, validate_args=False)
        rate = torch.distributions.kl_divergence(q.base, p.base)
        return Trace(
            x, z, q, p, likelihood, likelihood.log_prob(x), rate.flatten(1).expand(n_samples, -1, -1)
        )

    def prepare(self, x: Tensor) -> None:
        """See `STOVE.prepare`."""
        self.model.prepare(x)

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Nothing."""


class DynamicsPhase(nn.Module):
    """Paths that were seen: from a line through some frames the dynamics rolls on, and places far from the seen ones cost.

    Args:
        model: whose dynamics it is.
    """

    def __init__(self, model: STOVE) -> None:
        super().__init__()
        self.relations, self._model = (
            model.relations,
            [model],
        )  # in a list: its other parameters are not this module's

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over paths `[B, T, K, 5]`; the likelihood is that of places under a Laplace distribution around the rolled ones."""
        model = self._model[0]
        start = line_state(x[:, :SEEN])
        rolled = model.rolled(start, x.shape[1] - SEEN)[..., 1:3]
        likelihood = Independent(Laplace(rolled[None], _LONG, validate_args=False), 3, validate_args=False)
        point = Delta(start, 2, validate_args=False)
        z = start[None].expand(n_samples, *start.shape)
        log_p = likelihood.log_prob(x[:, SEEN:, :, 1:3]).expand(n_samples, -1)
        return Trace(x, z, point, model.prior(), likelihood, log_p, log_p.new_zeros(*log_p.shape, 1))

    def prepare(self, x: Tensor) -> None:
        """Nothing here depends on the data before training."""

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Nothing."""


def line_state(path: Tensor) -> Tensor:
    """The state at the last of some frames by a straight line through all places, `[M, K, 5]` of `[M, T, K, 5]`.

    Example:
        >>> path = torch.zeros(1, 4, 1, 5)
        >>> path[0, :, 0, 1] = torch.arange(4.0)
        >>> line_state(path)
        tensor([[[0., 3., 0., 1., 0.]]])
    """
    places = path[..., 1:3]
    time = torch.arange(path.shape[1], dtype=path.dtype, device=path.device)
    centred = time - time.mean()
    slope = torch.einsum("t,mtkd->mkd", centred, places) / centred.square().sum().clamp_min(1e-9)
    at_end = places.mean(1) + slope * centred[-1]
    return torch.cat([path[:, -1, :, :1], at_end, slope], -1)
