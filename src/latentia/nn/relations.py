"""What objects do to each other: a network of each object, and of each ordered pair of them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.dense import dense


class Relations(nn.Module):
    r"""out_k = MLP_out(MLP_own(s_k) + \sum_{j \ne k} MLP_pair(s_k, s_j - s_k, |p_j - p_k|)), p the first two numbers of a state.

    A permutation of the objects permutes the results. Pairs are seen by their difference: collisions are the same everywhere.

    Args:
        n_state: numbers of an object, places first.
        n_outputs: numbers of a result.
        width: of the networks.

    Source: after Battaglia et al. 2016, Interaction Networks, and Kossen et al. 2020, section 2.2.

    Example:
        >>> Relations(4, 2)(torch.zeros(5, 3, 4)).shape
        torch.Size([5, 3, 2])
    """

    def __init__(self, n_state: int, n_outputs: int, width: int = 64) -> None:
        super().__init__()
        self.own = dense(n_state, width, width)
        self.pair = dense(2 * n_state + 1, width, width, width)
        self.out = dense(width, width, n_outputs)
        last = self.out[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():  # at the start objects go on as they went
            last.weight.mul_(0.01)
            last.bias.zero_()

    def forward(self, states: Float[Tensor, "batch objects state"]) -> Float[Tensor, "batch objects outputs"]:
        """Results of states."""
        k = states.shape[1]
        found = self.own(states)
        if k > 1:
            apart = states[:, None] - states[:, :, None]  # [B, k, j]: from k to j
            distance = apart[..., :2].square().sum(-1, keepdim=True).add(1e-6).sqrt()
            seen = torch.cat([states[:, :, None].expand_as(apart), apart, distance], -1)
            others = 1 - torch.eye(k, dtype=states.dtype, device=states.device)
            found = found + (others[None, :, :, None] * self.pair(seen)).sum(2)
        return self.out(found.relu())
