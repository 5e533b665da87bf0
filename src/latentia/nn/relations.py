"""What objects do to each other: a network of each object, and of each ordered pair of them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.dense import dense

_NEAR = 0.25  # of half a frame: the unit of distances


class Relations(nn.Module):
    r"""What is done to each object: by itself and the world, by others in any way, and by others along the line to them.

    .. math:: out_k = \mathrm{out}\Big(\mathrm{own}(s_k) + \sum_{j \ne k} \mathrm{pair}(s_k, s_j - s_k, d_{kj})\Big)
        + \sum_{j \ne k} \mathrm{along}(d_{kj}, \dot d_{kj}, |v_j - v_k|)\, n_{kj}

    with a state s = (place p, velocity v, ...), d the distance, its rate of change, and n the unit vector from k to j. A permutation of the
    objects permutes the results. Pairs are seen by their difference: collisions are the same everywhere. Forces along the line, as those of
    collisions and of gravity are, need three numbers instead of nine: a few thousand frames teach them.

    Args:
        n_state: numbers of an object: two of its place, two of its velocity, and what else there is.
        width: of the networks.

    Source: after Battaglia et al. 2016, Interaction Networks, and Kossen et al. 2020, section 2.2; the forces along the line are this
    project's.

    Example:
        >>> Relations(4)(torch.zeros(5, 3, 4)).shape
        torch.Size([5, 3, 2])
    """

    def __init__(self, n_state: int, width: int = 64) -> None:
        super().__init__()
        self.own = dense(n_state, width, width)
        self.pair = dense(2 * n_state + 1, width, width, width)
        self.out = dense(width, width, 2)
        self.along = dense(3, width, width, 1)
        with torch.no_grad():  # at the start objects go on as they went
            for part in (self.out, self.along):
                last = part[-1]
                assert isinstance(last, nn.Linear)
                last.weight.mul_(0.01)
                last.bias.zero_()

    def forward(self, states: Float[Tensor, "batch objects state"]) -> Float[Tensor, "batch objects 2"]:
        """Changes of the velocities, in their unit."""
        k = states.shape[1]
        found = self.own(states)
        if k == 1:
            return self.out(found.relu())
        apart = states[:, None] - states[:, :, None]  # [B, k, j]: from k to j
        distance = apart[..., :2].square().sum(-1, keepdim=True).add(1e-6).sqrt()
        others = (1 - torch.eye(k, dtype=states.dtype, device=states.device))[None, :, :, None]
        seen = torch.cat([states[:, :, None].expand_as(apart), apart, distance], -1)
        found = found + (others * self.pair(seen)).sum(2)
        return self.out(found.relu()) + (others * self._forces(apart, distance)).sum(2)

    def _forces(self, apart: Tensor, distance: Tensor) -> Tensor:
        """What each other object does along the line to it, `[B, k, j, 2]`."""
        line, velocity = apart[..., :2] / distance, apart[..., 2:4]
        parting = (velocity * line).sum(-1, keepdim=True)
        speed = velocity.square().sum(-1, keepdim=True).add(1e-6).sqrt()
        return self.along(torch.cat([distance / _NEAR, parting, speed], -1)) * line
