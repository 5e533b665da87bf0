"""Slots that compete for the pixels of an image: slot attention, and the networks that read a part of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentia.nn.spatial import grid


class PartEncoder(nn.Module):
    """Features of a part of an image: strided convolutions down to a map of 2 pixels or so, and one dense layer.

    Args:
        n_in: channels of the input.
        size: (height, width).
        width: features given out.

    Source: Burgess et al. 2019, MONet, appendix B.1.
    """

    def __init__(self, n_in: int, size: Sequence[int], width: int = 256) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, (height, columns) = n_in, (int(size[0]), int(size[1]))
        for out in (32, 32, 64, 64):
            if max(height, columns) <= 2:
                break
            layers += [nn.Conv2d(channels, out, 3, stride=2, padding=1), nn.ReLU()]
            channels, height, columns = out, (height + 1) // 2, (columns + 1) // 2
        self.body = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(channels * height * columns, width), nn.ReLU()
        )
        self.n_features = width

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Features `[B, width]`."""
        return self.body(x)


class PixelFeatures(nn.Module):
    """A vector for each place of an image that knows where it is: convolutions of 5 x 5, coordinates, a perceptron.

    Args:
        n_in: channels of an image.
        size: (height, width).
        width: features of a place.
        stride: of the first convolution; above 1 there are fewer places than pixels.

    Source: Locatello et al. 2020, Object-Centric Learning with Slot Attention, appendix E.3.
    """

    def __init__(self, n_in: int, size: Sequence[int], width: int = 32, stride: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(n_in, width, 5, padding=2, stride=stride), nn.ReLU()]
        for _ in range(3):
            layers += [nn.Conv2d(width, width, 5, padding=2), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        height, columns = (-(-int(side) // stride) for side in size)
        xy = grid(height, columns)
        self.register_buffer(
            "places", torch.cat([xy, -xy]).mul(0.5).add(0.5).flatten(1).T[None], persistent=False
        )
        self.of_place = nn.Linear(4, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)
        )

    places: Tensor

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch places features"]:
        """Vectors of all places, in raster order."""
        return self.mix(self.body(x).flatten(2).mT + self.of_place(self.places))


class SlotAttention(nn.Module):
    r"""Slots that, round by round, share the places of an image among them.

    .. math:: a = \mathrm{softmax}_K(k q^\top / \sqrt D), \quad u = \sum_p \frac{a_p + \epsilon}{\sum_p (a_p + \epsilon)} v_p, \quad
        s \leftarrow \mathrm{GRU}(u, s), \quad s \leftarrow s + \mathrm{MLP}(s)

    The softmax is over slots, so that they compete. Nothing tells slots apart but where they start: a permutation of the starts
    permutes the slots.

    Args:
        n_features: of a place.
        dim: D, length of a slot.
        rounds: of attention.
        hidden: width of the perceptron.

    Source: Locatello et al. 2020, algorithm 1.
    """

    def __init__(self, n_features: int, dim: int, rounds: int = 3, hidden: int = 128) -> None:
        super().__init__()
        self.dim, self.rounds = dim, rounds
        self.of_places, self.of_slots, self.of_update = (
            nn.LayerNorm(n_features),
            nn.LayerNorm(dim),
            nn.LayerNorm(dim),
        )
        self.key, self.value, self.query = (nn.Linear(n, dim) for n in (n_features, n_features, dim))
        self.recur = nn.GRUCell(dim, dim)
        self.mix = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(
        self, places: Float[Tensor, "batch places features"], slots: Float[Tensor, "batch slots dim"]
    ) -> tuple[Float[Tensor, "batch slots dim"], Float[Tensor, "batch slots places"]]:
        """The slots, and the share of each place that each slot has."""
        places = self.of_places(places)
        key, value = self.key(places), self.value(places)
        share = slots.new_zeros(*slots.shape[:2], places.shape[1])
        for _ in range(self.rounds):
            query = self.query(self.of_slots(slots))
            share = (query @ key.mT / math.sqrt(self.dim)).softmax(1)
            weights = share + 1e-8
            update = (weights / weights.sum(-1, keepdim=True)) @ value
            slots = self.recur(update.flatten(0, 1), slots.flatten(0, 1)).unflatten(0, slots.shape[:2])
            slots = slots + self.mix(self.of_update(slots))
        return slots, share
