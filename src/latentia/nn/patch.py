"""Networks for images in minutes: the picture is cut into patches, no map is finer than those, and the middle is a perceptron.

A residual block on a map of 7 x 7 takes a sixteenth of its arithmetic on 28 x 28. The stem is that of Dosovitskiy et al. 2021 (An
Image is Worth 16x16 Words), the end sub-pixel convolution after Shi et al. 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.conv import Residual, conv3, norm_act
from latentia.nn.inputs import Centred
from latentia.nn.mlp import Offset, ResidualMLP

MOST_PLACES = 16  # on the longer side of a map


def patch_side(height: int, width: int) -> int:
    """Pixels on the side of a patch: 2, from 24 pixels on 4, and more where a map would have a side of more than 16.

    Example:
        >>> [patch_side(n, n) for n in (8, 28, 64, 96, 218)]
        [2, 4, 4, 8, 16]
    """
    longer = max(height, width)
    side = 4 if longer >= 24 else 2
    while longer > MOST_PLACES * side:
        side *= 2
    return side


def places(height: int, width: int) -> tuple[int, int]:
    """Height and width of the map: patches, the last of which may reach beyond the picture.

    >>> places(28, 28), places(109, 89)
    ((7, 7), (14, 12))
    """
    side = patch_side(height, width)
    return math.ceil(height / side), math.ceil(width / side)


class PatchEncoder(nn.Module):
    """Features of an image: patches, a residual block on their map, one dense layer.

    Args:
        event_shape: `[C, H, W]`.
        inputs: what is done to the pixels first (default: [0, 1] to [-1, 1]).
        base: channels of the map; the decoder has twice as many.
        width: features given out.
        depth: residual blocks of the decoder's perceptron; the encoder has none.
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        inputs: nn.Module | None = None,
        base: int = 32,
        width: int = 256,
        depth: int = 2,  # noqa: ARG002  (a network's options go to both halves)
    ) -> None:
        super().__init__()
        channels, height, width_px = event_shape
        side, (rows, columns) = patch_side(height, width_px), places(height, width_px)
        self.inputs = inputs or Centred()
        self.maps = nn.Sequential(
            nn.ZeroPad2d((0, columns * side - width_px, 0, rows * side - height)),
            nn.Conv2d(channels, base, side, stride=side, bias=False),
            Residual(base),
            norm_act(base),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(base * rows * columns, width), nn.SiLU())
        self.n_features = width

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Features `[B, width]` of images."""
        return self.head(self.maps(self.inputs(x)))


class PatchDecoder(nn.Module):
    """Codes `[N, latent_dim]` to likelihood parameters `[N, n_outputs, C, H, W]`: a perceptron, a map of patches, their pixels.

    Args:
        latent_dim: length of a code.
        n_outputs: numbers that the likelihood wants for each element of the event.
        event_shape: `[C, H, W]`.
        base: half the channels of the map.
        width: of the perceptron.
        depth: its residual blocks.
    """

    def __init__(
        self,
        latent_dim: int,
        n_outputs: int,
        event_shape: Sequence[int],
        base: int = 32,
        width: int = 256,
        depth: int = 2,
    ) -> None:
        super().__init__()
        channels, height, width_px = event_shape
        side, size = patch_side(height, width_px), places(height, width_px)
        self.head = nn.Sequential(
            ResidualMLP(latent_dim, width, depth),
            nn.Linear(width, 2 * base * math.prod(size)),
            nn.Unflatten(1, (2 * base, *size)),
        )
        self.maps = nn.Sequential(
            Residual(2 * base),
            norm_act(2 * base),
            conv3(2 * base, n_outputs * channels * side**2),
            nn.PixelShuffle(side),
        )
        self.shape = (n_outputs, channels, height, width_px)
        self.offset = Offset(n_outputs, event_shape)

    def forward(self, z: Float[Tensor, "codes latent"]) -> Tensor:
        """Outputs of a batch of codes."""
        maps = self.maps(self.head(z))[..., : self.shape[2], : self.shape[3]]
        return self.offset(maps.unflatten(1, self.shape[:2]))
