"""Convolutions that see only what lies before in raster order, in one pass and pixel by pixel."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.errors import ConfigError
from latentia.latent.autoregressive.base import Parts


def channel_groups(n_features: int, n_groups: int, parts: int = 1) -> Tensor:
    """The image channel that each of `n_features` belongs to, as even as can be; `parts` such blocks one after another.

    Example:
        >>> channel_groups(6, 3).tolist(), channel_groups(4, 2, parts=2).tolist()
        ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1])
    """
    each = n_features // parts
    if each < n_groups:
        raise ConfigError(
            f"{each} features cannot be shared among {n_groups} image channels; give n_channels >= it"
        )
    return (torch.arange(each) * n_groups // each).repeat(parts)


class CausalConv2d(nn.Module):
    """A convolution over pixels above and to the left, and at the pixel itself over earlier image channels.

    Its kernel covers `above` rows above the pixel in a width of 2 `side` + 1, and in the pixel's own row `side` pixels to
    the left. At the pixel itself, features of image channel g see those of channels < g (`centre=False`: mask A) or
    <= g (`centre=True`: mask B). Only that part of the kernel is stored and computed.

    Args:
        n_in: features of the input, shared evenly among the image channels, in their order.
        n_out: features of the output, likewise.
        above: rows above.
        side: pixels to each side.
        n_groups: channels of the image.
        centre: False for mask A, which only a first layer has; True for mask B.
        parts: blocks of the output, each shared among the image channels (gates stacked on one another).

    Source: van den Oord et al. 2016 (pixel recurrent neural networks), section 3.4; the groups are those of its
    published masks.

    Example:
        >>> CausalConv2d(1, 4, above=3, side=3, n_groups=1, centre=False)(torch.zeros(2, 1, 5, 6)).shape
        torch.Size([2, 4, 5, 6])
    """

    mask: Tensor

    def __init__(
        self, n_in: int, n_out: int, above: int, side: int, n_groups: int, centre: bool, parts: int = 1
    ) -> None:
        super().__init__()
        self.above, self.side, self.needs_pixel = above, side, centre or n_groups > 1
        width = 2 * side + 1 if above else side + 1
        into, out = channel_groups(n_in, n_groups), channel_groups(n_out, n_groups, parts)
        mask = torch.ones(n_out, n_in, above + 1, width)
        mask[:, :, above, side + 1 :] = 0
        mask[:, :, above, side] = (into <= out[:, None]).float() if centre else (into < out[:, None]).float()
        self.register_buffer("mask", mask, persistent=False)
        self.weight = nn.Parameter(torch.empty_like(mask))
        self.bias = nn.Parameter(torch.zeros(n_out))
        fan_in = max(1.0, float(mask.sum()) / n_out)
        nn.init.normal_(self.weight, std=1 / math.sqrt(fan_in))
        with torch.no_grad():
            self.weight.mul_(mask)

    @property
    def kernel(self) -> Tensor:
        """The weights with zeros where nothing may be seen, `[n_out, n_in, above + 1, width]`."""
        return self.weight * self.mask

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, H, W]` to `[B, n_out, H, W]`."""
        if self.above == self.side == 0:
            return F.conv2d(x, self.kernel, self.bias)
        right = self.side if self.above else 0
        return F.conv2d(F.pad(x, (self.side, right, self.above, 0)), self.kernel, self.bias)


class CausalConvWalk:
    """The same convolution pixel by pixel: the rows above enter once a row, the pixel's own row as it is filled in.

    Args:
        conv: the convolution.
        batch: B.
        height: of the image.
        width: of the image.
        scale: `[n_out]`, what each output is multiplied by; None: nothing.
    """

    def __init__(
        self, conv: CausalConv2d, batch: int, height: int, width: int, scale: Tensor | None = None
    ) -> None:
        self.conv, self.n_in, self.scale = conv, conv.weight.shape[1], scale
        kernel, self.bias = conv.kernel.detach(), conv.bias.detach()
        if scale is not None:
            kernel, self.bias = kernel * scale[:, None, None, None], self.bias * scale
        self.upper = kernel[:, :, :-1].contiguous(memory_format=torch.channels_last) if conv.above else None
        own_row = kernel[:, :, -1, : conv.side + 1]
        self.own_row = own_row.permute(2, 1, 0).flatten(0, 1).contiguous()  # [(side + 1) n_in, n_out]
        # All inputs so far, with the zeros that the convolution pads: [B, above + H, side + W + side, n_in]
        self.inputs = kernel.new_zeros(batch, conv.above + height, 2 * conv.side + width, self.n_in)
        self.width = width

    def row(self, r: int, extra: Tensor | None = None) -> None:
        """Row r begins; `extra` `[W or 1, B, n_out]` is added to the output of each pixel, before scaling."""
        side, terms = self.conv.side, self.bias
        line = self.inputs[
            :, r + self.conv.above
        ]  # views of all its windows at once: a view a pixel would cost more
        self.slots = line[:, side : side + self.width].unbind(1)
        self.windows = line.flatten(1).unfold(1, (side + 1) * self.n_in, self.n_in).unbind(1)
        if self.upper is not None:
            above = self.inputs[:, r : r + self.conv.above].permute(0, 3, 1, 2)
            terms = F.conv2d(above, self.upper, self.bias)[:, :, 0].permute(2, 0, 1)
        if extra is not None:
            terms = terms + (extra if self.scale is None else extra * self.scale)
        if terms.ndim == 1:
            terms = terms[None, None]
        self.terms = terms.expand(self.width, len(self.inputs), -1).contiguous().unbind(0)

    def put(self, c: int, value: Tensor) -> None:
        """Set the input at column c of the present row, `[B, n_in]`."""
        self.slots[c].copy_(value)

    def column(self, c: int) -> Tensor:
        """The output at column c of the present row, `[B, n_out]`."""
        return torch.addmm(self.terms[c], self.windows[c], self.own_row)


class PointwiseWalk:
    """A 1 x 1 causal convolution at one pixel: a product with a matrix."""

    def __init__(self, conv: CausalConv2d) -> None:
        self.matrix = conv.kernel.detach()[:, :, 0, 0].t().contiguous()
        self.bias = conv.bias.detach()

    def __call__(self, value: Tensor) -> Tensor:
        """`[B, n_in]` to `[B, n_out]`."""
        return torch.addmm(self.bias, value, self.matrix)


class Conditioning(nn.Module):
    """What a context adds to a layer: linear in its vector, the same at all pixels, and linear in its map at each pixel.

    Args:
        n_context: length of the vector, or 0.
        n_map: channels of the map, or 0.
        n_out: features of the layer.

    Source: van den Oord et al. 2016 (conditional image generation with PixelCNN decoders), eq. 3 and 4.
    """

    def __init__(self, n_context: int, n_map: int, n_out: int) -> None:
        super().__init__()
        self.vector = nn.Linear(n_context, n_out, bias=False) if n_context else None
        self.map = nn.Conv2d(n_map, n_out, 1, bias=False) if n_map else None

    def forward(self, parts: Parts) -> Tensor | None:
        """`[B, n_out, H or 1, W or 1]`, or None without a context."""
        vector, maps = parts
        total = None
        if self.vector is not None:
            total = self.vector(vector)[:, :, None, None]
        if self.map is not None:
            at_pixels = self.map(maps)
            total = at_pixels if total is None else total + at_pixels
        return cast("Tensor | None", total)


def conditioned(features: Tensor, condition: Tensor | None) -> Tensor:
    """The sum, where there is a condition."""
    return features if condition is None else features + condition


def row_of(condition: Tensor | None, r: int) -> Tensor | None:
    """Row r of `[B, n_out, H or 1, W or 1]` as `[W or 1, B, n_out]`."""
    return None if condition is None else condition[:, :, r if condition.shape[2] > 1 else 0].permute(2, 0, 1)
