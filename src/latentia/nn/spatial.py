"""Windows of images: read by a glimpse, painted by a paste, and the grids of coordinates that broadcast decoders see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


def grid(height: int, width: int, like: Tensor | None = None) -> Float[Tensor, "2 height width"]:
    """X and y of the centre of each pixel, on [-1, 1].

    Example:
        >>> grid(1, 2)
        tensor([[[-0.5000,  0.5000]],
        <BLANKLINE>
                [[ 0.0000,  0.0000]]])
    """
    like = torch.zeros(()) if like is None else like
    y, x = torch.meshgrid(_centres(height, like), _centres(width, like), indexing="ij")
    return torch.stack([x, y])


def _centres(size: int, like: Tensor) -> Float[Tensor, " size"]:
    """Centres of `size` pixels side by side, on [-1, 1]."""
    return (2 * torch.arange(size, dtype=like.dtype, device=like.device) + 1) / size - 1


def bilinear(at: Float[Tensor, "*batch points"], size: int) -> Float[Tensor, "*batch points size"]:
    """Weights of `size` pixels in a row at points on [-1, 1]: bilinear interpolation, nothing beyond the edges.

    Example:
        >>> bilinear(torch.tensor([-0.5, 0.0]), 2)
        tensor([[1.0000, 0.0000],
                [0.5000, 0.5000]])
    """
    place = 0.5 * ((at + 1) * size - 1)
    pixels = torch.arange(size, dtype=at.dtype, device=at.device)
    return torch.relu(1 - (place[..., None] - pixels).abs())


def glimpse(
    x: Float[Tensor, "batch channels height width"], where: Float[Tensor, "batch 4"], side: int
) -> Float[Tensor, "batch channels side side"]:
    r"""What a window shows of an image, `side` pixels square.

    The window's pixel g on [-1, 1] reads the image at s g + t. The same as `grid_sample` with the matrix [[s_x, 0, t_x], [0, s_y, t_y]],
    bilinear, zeros outside, `align_corners=False`; without rotation it is two products of matrices.

    Args:
        x: images.
        where: s_x, s_y, t_x, t_y of each: size and centre of the window, in units of half an image.
        side: pixels.

    Example:
        >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
        >>> glimpse(image, torch.tensor([[0.5, 0.5, -0.5, -0.5]]), 2)[0, 0]
        tensor([[0., 1.],
                [4., 5.]])
    """
    steps = _centres(side, where)
    across = bilinear(where[:, 0, None] * steps + where[:, 2, None], x.shape[-1])
    down = bilinear(where[:, 1, None] * steps + where[:, 3, None], x.shape[-2])
    return down[:, None] @ x @ across[:, None].mT


def paste(
    patch: Float[Tensor, "batch channels rows columns"], where: Float[Tensor, "batch 4"], size: Sequence[int]
) -> Float[Tensor, "batch channels height width"]:
    """An image that shows a patch in a window and nothing elsewhere: the pixel at u reads the patch at (u - t) / s.

    Args:
        patch: what the window holds.
        where: as in `glimpse`.
        size: (height, width) of the image.
    """
    height, width = size
    across = bilinear((_centres(width, where) - where[:, 2, None]) / where[:, 0, None], patch.shape[-1])
    down = bilinear((_centres(height, where) - where[:, 3, None]) / where[:, 1, None], patch.shape[-2])
    return down[:, None] @ patch @ across[:, None].mT


def stretch(
    patch: Float[Tensor, "#batch channels rows columns"], where: Float[Tensor, "batch 4"], size: Sequence[int]
) -> Float[Tensor, "batch channels height width"]:
    """As `paste`, but beyond the centres of its outermost pixels, and beyond the window, a patch goes on as it ends there.

    Example:
        >>> patch = torch.tensor([[[[1.0, 3.0]]]])
        >>> stretch(patch, torch.tensor([[0.5, 0.5, 0.0, 0.0]]), (1, 4))
        tensor([[[[1., 1., 3., 3.]]]])
    """
    sides = []
    for axis, n, pixels in ((0, size[1], patch.shape[-1]), (1, size[0], patch.shape[-2])):
        at = (_centres(n, where) - where[:, axis + 2, None]) / where[:, axis, None]
        end = 1 - 1 / pixels
        sides.append(bilinear(at.clamp(-end, end), pixels))
    across, down = sides
    return down[:, None] @ patch @ across[:, None].mT


def covered(where: Float[Tensor, "*batch 4"], size: Sequence[int]) -> Float[Tensor, "*batch height width"]:
    """1 where the centre of a pixel lies in a window, else 0; in gradients the edge is a pixel wide.

    Example:
        >>> covered(torch.tensor([0.5, 0.5, 0.5, 0.0]), (2, 4))
        tensor([[0., 0., 1., 1.],
                [0., 0., 1., 1.]])
    """
    sides = []
    for axis, n in ((0, size[1]), (1, size[0])):
        beyond = (_centres(n, where) - where[..., axis + 2, None]).abs() - where[..., axis, None]
        soft = (-beyond * n / 2).sigmoid()
        sides.append((beyond <= 0).to(soft) + (soft - soft.detach()))
    across, down = sides
    return down[..., :, None] * across[..., None, :]


def boxes(where: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """Centre x, y, width and height of windows as shares of the image, of their s_x, s_y, t_x, t_y.

    Example:
        >>> boxes(torch.tensor([0.5, 0.25, 0.0, -1.0]))
        tensor([0.5000, 0.0000, 0.5000, 0.2500])
    """
    return torch.cat([0.5 * (where[..., 2:] + 1), where[..., :2]], -1)


def windows_of(box: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """The inverse of `boxes`.

    Example:
        >>> windows_of(torch.tensor([0.5, 0.0, 0.5, 0.25]))
        tensor([ 0.5000,  0.2500,  0.0000, -1.0000])
    """
    return torch.cat([box[..., 2:], 2 * box[..., :2] - 1], -1)


class BroadcastDecoder(nn.Module):
    r"""Codes to maps: each code is laid on every place of a grid beside the place's coordinates, and convolved.

    The first convolution of a map that is constant but for coordinates is a matrix applied to the code plus a convolution of
    the coordinates; so the code is never laid out, and the maps are computed at a fraction of the resolution and enlarged
    at the end.

    Args:
        latent_dim: length of a code.
        n_outputs: channels of the result.
        size: (height, width) of the result.
        width: channels between.
        layers: convolutions of 5 x 5 after the first.
        shrink: the grid has a side so many times smaller than the result's.

    Source: Watters et al. 2019, Spatial Broadcast Decoder.

    Example:
        >>> BroadcastDecoder(4, 2, (8, 8))(torch.zeros(3, 4)).shape
        torch.Size([3, 2, 8, 8])
    """

    def __init__(
        self,
        latent_dim: int,
        n_outputs: int,
        size: Sequence[int],
        width: int = 32,
        layers: int = 2,
        shrink: int = 2,
    ) -> None:
        super().__init__()
        self.size = (int(size[0]), int(size[1]))
        self.shrink = max(1, shrink)
        height, columns = (-(-side // self.shrink) for side in self.size)
        self.of_code = nn.Linear(latent_dim, width)
        self.of_place = nn.Conv2d(2, width, 5, padding=2)
        body: list[nn.Module] = [nn.ReLU()]
        for _ in range(layers):
            body += [nn.Conv2d(width, width, 5, padding=2), nn.ReLU()]
        self.body = nn.Sequential(*body)
        self.head = nn.Conv2d(width, n_outputs * self.shrink**2, 3, padding=1)
        self.register_buffer("places", grid(height, columns)[None], persistent=False)
        with torch.no_grad():  # the pixels that one place becomes start alike
            self.head.weight.copy_(self.head.weight[:: self.shrink**2].repeat_interleave(self.shrink**2, 0))
            self.head.bias.zero_()  # type: ignore[union-attr]

    places: Tensor

    def forward(self, z: Float[Tensor, "codes latent"]) -> Float[Tensor, "codes outputs height width"]:
        """Maps of codes."""
        maps = self.head(self.body(self.of_place(self.places) + self.of_code(z)[..., None, None]))
        if self.shrink > 1:
            maps = nn.functional.pixel_shuffle(maps, self.shrink)
        return maps[..., : self.size[0], : self.size[1]]
