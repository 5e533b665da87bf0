"""Blocks of convolutional networks for codes: halve, double, residual stack."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

Shape = tuple[int, int]


class Halve(nn.Module):
    """A 4 x 4 convolution with stride 2; a map of odd size is padded by one, so that the size is rounded up."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, H, W]` to `[B, n_out, ceil(H / 2), ceil(W / 2)]`."""
        return self.conv(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)))


class Double(nn.Module):
    """A transposed 4 x 4 convolution with stride 2, cropped to a given size: the mirror of `Halve`."""

    def __init__(self, n_in: int, n_out: int, size: Shape) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, h, w]` to `[B, n_out, *size]`."""
        return self.conv(x)[..., : self.size[0], : self.size[1]]


class ResidualStack(nn.Module):
    """Two blocks x + conv1(silu(conv3(silu(x)))), and a SiLU: after van den Oord et al. 2017, section 4.1, whose ReLUs may die."""

    def __init__(self, channels: int, blocks: int = 2) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.SiLU(),
                nn.Conv2d(channels, channels // 4, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(channels // 4, channels, 1),
            )
            for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        for block in self.blocks:
            x = x + block(x)
        return F.silu(x)
