"""A small U-Net: maps of every scale, and back to the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def block(n_in: int, n_out: int, norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """A 3 x 3 convolution without bias, a normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), norm(n_out), nn.ReLU())


def instance_norm(channels: int) -> nn.Module:
    """Normalisation of each map of each item, with a learned scale and shift."""
    return nn.InstanceNorm2d(channels, affine=True)


def group_norm(channels: int) -> nn.Module:
    """Normalisation of groups of up to 8 maps of each item."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


def default_widths(side: int, first: int = 16, rest: int = 32) -> tuple[int, ...]:
    """Channels of each scale of images of this side: halved until the side is 4.

    Example:
        >>> default_widths(32), default_widths(16)
        ((16, 32, 32, 32), (16, 32, 32))
    """
    return (first, *[rest] * max(1, round(math.log2(max(side, 8))) - 2))


class UNet(nn.Module):
    """Blocks on the way down, each at half the scale of the one before; a dense bottleneck; blocks on the way up, beside those below.

    Args:
        n_in: channels of the input.
        n_out: channels of the result.
        size: (height, width).
        widths: channels of each scale, the largest map first.
        norm: of the blocks.
        bottleneck: width of the dense layers on the smallest map.

    Source: Ronneberger et al. 2015; the form is that of Burgess et al. 2019, MONet, appendix B.2.

    Example:
        >>> UNet(4, 1, (16, 16), (8, 16))(torch.zeros(2, 4, 16, 16)).shape
        torch.Size([2, 1, 16, 16])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: Sequence[int],
        widths: Sequence[int],
        norm: Callable[[int], nn.Module] = instance_norm,
        bottleneck: int = 128,
    ) -> None:
        super().__init__()
        sizes = [(int(size[0]), int(size[1]))]
        for _ in widths[1:]:
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        self.sizes = sizes
        inputs = [n_in, *widths[:-1]]
        self.down = nn.ModuleList([block(a, b, norm) for a, b in zip(inputs, widths, strict=True)])
        smallest = (widths[-1], *sizes[-1])
        n = math.prod(smallest)
        self.middle = nn.Sequential(
            nn.Flatten(), nn.Linear(n, bottleneck), nn.ReLU(), nn.Linear(bottleneck, bottleneck), nn.ReLU(),
            nn.Linear(bottleneck, n), nn.ReLU(), nn.Unflatten(1, smallest),
        )  # fmt: skip
        outputs = [*widths[:-1][::-1], widths[0]]
        self.up = nn.ModuleList([block(2 * a, b, norm) for a, b in zip(widths[::-1], outputs, strict=True)])
        self.head = nn.Conv2d(widths[0], n_out, 1)

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs height width"]:
        """Maps of images."""
        kept: list[Tensor] = []
        for level, layer in enumerate(self.down):
            x = layer(x if level == 0 else F.interpolate(x, self.sizes[level]))
            kept.append(x)
        x = self.middle(x)
        for level, layer in zip(range(len(kept) - 1, -1, -1), self.up, strict=True):
            x = layer(torch.cat([x, kept[level]], 1))
            if level:
                x = F.interpolate(x, self.sizes[level - 1])
        return self.head(x)
