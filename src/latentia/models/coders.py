"""Coders: from an encoder's features to codes, and from codes to what the decoder takes, on one level or two."""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from latentia.latent.quantizers import Codes, Quantizer
from latentia.nn.code_networks import GroupPyramid, MapPyramid

Shape = tuple[int, int]


class Coder(nn.Module):
    """What stands between encoder and decoder of a VQ-VAE.

    Attributes:
        shapes: (h, w) of each map of codes, in the order in which their positions are joined.
        n_codes: K.
        deterministic: whether q(k|x) is a point mass.
    """

    shapes: tuple[Shape, ...]
    n_codes: int
    deterministic: bool

    @property
    def n_positions(self) -> int:
        """Codes of an item, over all maps."""
        return sum(h * w for h, w in self.shapes)

    def forward(self, features: Tensor) -> tuple[Codes, Tensor]:
        """The codes of a batch, and what the decoder takes."""
        raise NotImplementedError

    def decoder_input(self, indices: Int64[Tensor, "items positions"]) -> Tensor:
        """What the decoder takes for codes."""
        raise NotImplementedError

    def prepare(self, features: Tensor) -> None:
        """Look once at features of the training data."""
        raise NotImplementedError

    def advance(self, progress: float) -> None:
        """Tell the quantizers the share of training that is done."""
        for module in self.modules():
            if isinstance(module, Quantizer):
                module.advance(progress)


class Scaled(nn.Module):
    """A constant shift and scale for each channel, with which vectors of the untrained encoder have mean 0 and variance 1.

    An untrained encoder gives nearly the same vector everywhere, so its codes would be nearly the same too and tell the decoder
    nothing for many steps. (Data-dependent initialisation after Salimans & Kingma 2016, Weight Normalization, section 3.)

    Args:
        dim: D.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def prepare(self, z: Tensor) -> None:
        """Look at vectors `[vectors, D]` of the untrained encoder; without variance they are left as they are."""
        if len(z) < 2:
            return
        spread = z.std(0)
        floor = 1e-3 * z.square().mean().sqrt() + torch.finfo(z.dtype).tiny
        self.shift.copy_(z.mean(0))
        self.scale.copy_(torch.where(spread > floor, 1 / spread.clamp(min=floor), 1.0))

    def forward(self, z: Tensor) -> Tensor:
        """Scale vectors `[*, D]`."""
        return (z - self.shift) * self.scale


class OneLevel(Coder):
    """One map of codes.

    Args:
        quantizer: of the vectors of the map.
        shape: (h, w).
    """

    def __init__(self, quantizer: Quantizer, shape: Shape) -> None:
        super().__init__()
        self.quantizer = quantizer
        self.scaled = Scaled(quantizer.dim)
        self.shapes = (shape,)
        self.n_codes, self.deterministic = quantizer.n_codes, quantizer.deterministic

    def forward(self, features: Tensor) -> tuple[Codes, Tensor]:
        """Quantize maps `[B, D, h, w]`."""
        codes = self.quantizer(self.scaled(_vectors(features)))
        return codes, _map(codes.z_q, self.shapes[0])

    def decoder_input(self, indices: Int64[Tensor, "items positions"]) -> Tensor:
        """Maps `[N, D, h, w]`."""
        return _map(self.quantizer.lookup(indices), self.shapes[0])

    def prepare(self, features: Tensor) -> None:
        """Show the quantizer vectors of the data."""
        vectors = _vectors(features).flatten(0, 1)
        self.scaled.prepare(vectors)
        self.quantizer.prepare(self.scaled(vectors))


class TwoLevels(Coder):
    """A top map of codes, and a bottom map that is encoded given the top one.

    Source: Razavi, van den Oord and Vinyals 2019, section 3.1.

    Args:
        top, bottom: quantizers of the same size.
        pyramid: the networks between the two.
    """

    def __init__(self, top: Quantizer, bottom: Quantizer, pyramid: MapPyramid | GroupPyramid) -> None:
        super().__init__()
        self.top, self.bottom, self.pyramid = top, bottom, pyramid
        self.scaled_top, self.scaled_bottom = Scaled(top.dim), Scaled(bottom.dim)
        self.shapes = pyramid.shapes
        self.n_codes, self.deterministic = top.n_codes, True

    def forward(self, features: Tensor) -> tuple[Codes, Tensor]:
        """Quantize features of the bottom map."""
        top = self.top(self.scaled_top(_vectors(self.pyramid.to_top(features))))
        top_map = _map(top.z_q, self.shapes[0])
        bottom = self.bottom(self.scaled_bottom(_vectors(self.pyramid.to_bottom(features, top_map))))
        losses = {name: loss + bottom.losses[name] for name, loss in top.losses.items()}
        codes = Codes(
            torch.cat([top.z_q, bottom.z_q], 1), torch.cat([top.indices, bottom.indices], 1), losses
        )
        return codes, self.pyramid.join(top_map, _map(bottom.z_q, self.shapes[1]))

    def decoder_input(self, indices: Int64[Tensor, "items positions"]) -> Tensor:
        """Both maps, joined."""
        top, bottom = indices.split([h * w for h, w in self.shapes], 1)
        maps = (_map(self.top.lookup(top), self.shapes[0]), _map(self.bottom.lookup(bottom), self.shapes[1]))
        return self.pyramid.join(*maps)

    def prepare(self, features: Tensor) -> None:
        """Show both quantizers vectors of the data, the top one first."""
        vectors = _vectors(self.pyramid.to_top(features))
        self.scaled_top.prepare(vectors.flatten(0, 1))
        vectors = self.scaled_top(vectors)
        self.top.prepare(vectors.flatten(0, 1))
        top_map = _map(cast(Codes, self.top(vectors)).z_q, self.shapes[0])
        vectors = _vectors(self.pyramid.to_bottom(features, top_map)).flatten(0, 1)
        self.scaled_bottom.prepare(vectors)
        self.bottom.prepare(self.scaled_bottom(vectors))


def _vectors(maps: Tensor) -> Tensor:
    """Maps `[B, D, h, w]` as vectors `[B, h w, D]` in raster order."""
    return maps.flatten(2).transpose(1, 2)


def _map(vectors: Tensor, shape: Shape) -> Tensor:
    """The inverse of `_vectors`."""
    return vectors.transpose(1, 2).unflatten(2, shape)
