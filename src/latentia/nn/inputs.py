"""What an encoder does to data before its first layer; the likelihood sees the data unchanged."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Identity = nn.Identity


class Centred(nn.Module):
    """Pixels in [0, 1] to [-1, 1]: x -> 2 x - 1.

    Example:
        >>> Centred()(torch.tensor([0.0, 0.5, 1.0]))
        tensor([-1.,  0.,  1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map `[*, *event]` to the same shape."""
        return 2 * x - 1


class Bounded(nn.Module):
    """Numbers beyond a bound as the bound: one cell that lies far out does not rule a code.

    Args:
        bound: largest size.

    Example:
        >>> Bounded(8.0)(torch.tensor([-100.0, 0.5]))
        tensor([-8.0000,  0.5000])
    """

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = bound

    def forward(self, x: Tensor) -> Tensor:
        """Map `[*, *event]` to the same shape."""
        return x.clamp(-self.bound, self.bound)


class LogCounts(nn.Module):
    """Counts to log proportions: x -> log(1 + x c / sum(x)), with c the size of a typical row, and the row's log size.

    A row's total (its library size) carries no composition, so it is divided out and given to the encoder as one
    further column; rows of zeros stay finite. Counts `[B, d]` become features `[B, d + 1]`.

    Args:
        scale: the size c to which all rows are brought before the logarithm.

    Example:
        >>> LogCounts(10.0)(torch.tensor([[0.0, 0.0], [5.0, 5.0]]))
        tensor([[0.0000, 0.0000, 0.0000],
                [1.7918, 1.7918, 2.3979]])
    """

    def __init__(self, scale: float = 1e4) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map counts `[B, d]` to `[B, d + 1]`."""
        size = x.sum(-1, keepdim=True)
        proportions = x / size.clamp(min=1)
        return torch.cat([torch.log1p(proportions * self.scale), torch.log1p(size)], -1)
