"""Codes of objects that are found one after another: what inference says of them, and their distribution given an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions import DiagonalGaussian, standard_normal
from latentia.distributions.numerics import soft_clip
from latentia.latent.posteriors import LOG_VARIANCE_RANGE

Choose = Callable[[int, Tensor, Tensor], Tensor]
"""From the number of an object and the mean and deviation of its code, `[M, 3 + d]` each, to its code."""


@dataclass(frozen=True)
class Unrolled:
    """What inference says of N objects, one after another, of M images.

    Attributes:
        z: where and what of each, `[M, N, 3 + d]`.
        loc, scale: of q(z_i | x, z_<i), `[M, N, 3 + d]`.
        logits: of going on to each object, `[M, N]`.
        layers: each object alone, in its place, `[M, N, C, H, W]`.
        windows: s_x, s_y, t_x, t_y of each, `[M, N, 4]`.
    """

    z: Tensor
    loc: Tensor
    scale: Tensor
    logits: Tensor
    layers: Tensor
    windows: Tensor

    @property
    def canvases(self) -> Tensor:
        """Sum of the first n objects, n from 0 to N, `[M, N + 1, C, H, W]`."""
        return torch.cat([torch.zeros_like(self.layers[:, :1]), self.layers.cumsum(1)], 1)

    @property
    def rates(self) -> Tensor:
        """KL(q(z_i|x, z_<i) || p(z_i)) in nats, number by number, `[M, N, 3 + d]`."""
        return 0.5 * (self.loc.square() + self.scale.square() - 1) - self.scale.log()


class ObjectPosterior(Distribution):
    r"""q(z|x) = \prod_i q(z_i | x, z_{<i}) over where and what of N objects, each seen beside those found before it.

    Args:
        unroll: gives the conditionals: `unroll(x, choose)` finds the objects of images one after another, where `choose(i, loc, scale)`
            gives the code of object i.
        x: images `[B, C, H, W]`.
        event_shape: `[N, 3 + d]`.
    """

    has_rsample = True

    def __init__(
        self, unroll: Callable[[Tensor, Choose], Unrolled], x: Tensor, event_shape: Sequence[int]
    ) -> None:
        self.unroll, self.x = unroll, x
        super().__init__(x.shape[:1], torch.Size(event_shape), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are networks."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real codes."""
        return constraints.independent(constraints.real, 2)

    def drawn(self, n_samples: int) -> Unrolled:
        """`n_samples` draws of each image, in the order `[S B]`."""
        shape = (n_samples, *self.batch_shape, *self.event_shape)
        noise = standard_normal(shape, self.x, item_dim=1).flatten(0, 1)
        return self._unrolled(n_samples, lambda i, loc, scale: loc + scale * noise[:, i])

    def at(self, z: Tensor) -> Unrolled:
        """The conditionals at codes `[S, B, N, 3 + d]`, in the order `[S B]`."""
        given = z.flatten(0, 1)
        return self._unrolled(len(z), lambda i, loc, scale: given[:, i])  # noqa: ARG005

    def central(self) -> Unrolled:
        """The conditionals at the codes of an inference without noise: each object's mean given the means before it."""
        return self._unrolled(1, lambda i, loc, scale: loc)  # noqa: ARG005

    def _unrolled(self, times: int, choose: Choose) -> Unrolled:
        return self.unroll(self.x.repeat(times, 1, 1, 1), choose)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw one object after another, differentiable in everything."""
        shape = torch.Size(sample_shape)
        return self.drawn(shape.numel()).z.reshape(*shape, *self.batch_shape, *self.event_shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    @property
    def mean(self) -> Tensor:
        """The codes of an inference without noise, `[B, N, 3 + d]`."""
        return self.central().z

    @property
    def stddev(self) -> Tensor:
        """Of each object given the means before it, `[B, N, 3 + d]`."""
        return self.central().scale

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of codes `[*, B, N, 3 + d]`, `[*, B]`."""
        z = value.expand(*value.shape[:-3], *self.batch_shape, *self.event_shape)
        found = self.at(z.reshape(-1, *self.batch_shape, *self.event_shape))
        q = DiagonalGaussian(found.loc, found.scale, 2, validate_args=False)
        return q.log_prob(found.z).reshape(z.shape[:-2])


def scale_of(raw: Tensor) -> Tensor:
    """Standard deviations of what a network gives as log-variances, which are kept in a range."""
    return (0.5 * soft_clip(raw, *LOG_VARIANCE_RANGE)).exp()
