"""Paths of objects over the frames of a video: their prior by a dynamics, and their posterior by a filter that looks at the frames."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions import standard_normal

STATE = 5
"""Numbers of an object in a frame: size (before its squash), x, y, and velocity a frame; x and y on [-1, 1], y downwards."""
_MOST_BY_LIST = 4  # objects whose orders are all tried


@dataclass(frozen=True)
class Moments:
    """Means and standard deviations of states, `[M, K, 5]` each."""

    loc: Tensor
    scale: Tensor

    def log_prob(self, z: Tensor) -> Float[Tensor, " batch"]:
        """Log-density in nats of states, summed over objects."""
        return torch.distributions.Normal(self.loc, self.scale, validate_args=False).log_prob(z).sum((-1, -2))

    def times(self, other: Moments) -> Moments:
        r"""The product of two Gaussians, normalised: \sigma^{-2} = \sigma_1^{-2} + \sigma_2^{-2}, means weighed by precision.

        Example:
            >>> one, two = Moments(torch.zeros(1), torch.ones(1)), Moments(torch.ones(1), torch.ones(1))
            >>> one.times(two).loc, one.times(two).scale
            (tensor([0.5000]), tensor([0.7071]))
        """
        a, b = self.scale.square().reciprocal(), other.scale.square().reciprocal()
        return Moments((a * self.loc + b * other.loc) / (a + b), (a + b).rsqrt())

    def divergence(self, other: Moments) -> Tensor:
        """KL of these from others in nats, number by number."""
        ratio = (self.scale / other.scale).square()
        return 0.5 * (ratio + ((self.loc - other.loc) / other.scale).square() - 1 - ratio.log())


@runtime_checkable
class Dynamics(Protocol):
    """p(z_1) and p(z_t | z_{t-1})."""

    def first(self, like: Tensor) -> Moments:
        """p(z_1), for states of the shape of `like` `[M, K, 5]`."""
        ...

    def next(self, z: Tensor) -> Moments:
        """p(z_t | z_{t-1}) for states `[M, K, 5]`."""
        ...


class PathPrior(Distribution):
    r"""p(z) = p(z_1) \prod_t p(z_t | z_{t-1}) over paths `[T, K, 5]`, without a batch.

    Args:
        dynamics: gives the conditionals.
        shape: (T, K).
        like: a tensor of the type and on the device of draws.
    """

    has_rsample = True

    def __init__(self, dynamics: Dynamics, shape: tuple[int, int], like: Tensor) -> None:
        self.dynamics, self.like = dynamics, like
        super().__init__(torch.Size(), torch.Size([*shape, STATE]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are a network."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real paths."""
        return constraints.independent(constraints.real, 3)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw one frame after another."""
        shape = torch.Size(sample_shape)
        noise = standard_normal((max(1, shape.numel()), *self.event_shape), self.like, None)
        z: list[Tensor] = []
        for t in range(self.event_shape[0]):
            p = self.dynamics.next(z[-1]) if z else self.dynamics.first(noise[:, 0])
            z.append(p.loc + p.scale * noise[:, t])
        return torch.stack(z, 1).reshape(*shape, *self.event_shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of paths `[*, T, K, 5]`."""
        z = value.reshape(-1, *self.event_shape)
        total = self.dynamics.first(z[:, 0]).log_prob(z[:, 0])
        for t in range(1, z.shape[1]):
            total = total + self.dynamics.next(z[:, t - 1]).log_prob(z[:, t])
        return total.reshape(value.shape[:-3])


class PathPosterior(Distribution):
    r"""q(z|x) = q(z_1|x_1, x_2) \prod_t q(z_t | z_{t-1}, x_t, x_{t-1}), each the product of what dynamics and image say.

    .. math:: q(z_t | z_{t-1}, x) \propto p(z_t | z_{t-1})\, N(z_t; \mu_t, \sigma_t^2)

    \mu_t and \sigma_t are what the image says of sizes and places; of velocities, the difference of places in two frames. Objects of an
    image have no order: they take that in which they are nearest to where the dynamics expects them. The velocity of the first frame is
    seen in the second; else no frame looks ahead.

    Args:
        dynamics: gives p(z_t | z_{t-1}).
        loc, scale: sizes and places in each frame, `[B, T, K, 3]`.
    """

    has_rsample = True

    def __init__(self, dynamics: Dynamics, loc: Tensor, scale: Tensor) -> None:
        self.dynamics, self.image_loc, self.image_scale = dynamics, loc, scale
        b, frames, k = loc.shape[:3]
        super().__init__(torch.Size([b]), torch.Size([frames, k, STATE]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are networks."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real paths."""
        return constraints.independent(constraints.real, 3)

    def filtered(
        self, times: int, choose: Callable[[int, Moments], Tensor]
    ) -> tuple[Tensor, Tensor, list[Moments]]:
        """Go through the frames, `times` for each video, in the order `[S B]`.

        Args:
            times: S.
            choose: from the number of a frame and q(z_t | z_{t-1}, x) to z_t.

        Returns:
            Paths `[M, T, K, 5]`; KL(q(z_t|...) || p(z_t | z_{t-1})) in nats of each number, of the same shape; the conditionals.
        """
        loc, scale = (part.repeat(times, 1, 1, 1) for part in (self.image_loc, self.image_scale))
        z: list[Tensor] = []
        rates: list[Tensor] = []
        conditionals: list[Moments] = []
        before = Moments(loc[:, 0], scale[:, 0])
        for t in range(loc.shape[1]):
            here = Moments(loc[:, t], scale[:, t])
            if t == 0:
                p = self.dynamics.first(_with_velocity(here, here).loc)
                q = self._first(here, loc, scale, p)
            else:
                p = self.dynamics.next(z[-1])
                here = _ordered(here, p.loc[..., 1:3])
                q = p.times(_with_velocity(here, before))
            z.append(choose(t, q))
            rates.append(q.divergence(p))
            conditionals.append(q)
            before = here
        return torch.stack(z, 1), torch.stack(rates, 1), conditionals

    def _first(self, here: Moments, loc: Tensor, scale: Tensor, p: Moments) -> Moments:
        """q(z_1): the image alone; the velocity is that of the prior where there is no second frame."""
        if loc.shape[1] == 1:
            return Moments(
                torch.cat([here.loc, p.loc[..., 3:]], -1), torch.cat([here.scale, p.scale[..., 3:]], -1)
            )
        ahead = _ordered(Moments(loc[:, 1], scale[:, 1]), here.loc[..., 1:3])
        moving = _with_velocity(ahead, here)
        return Moments(
            torch.cat([here.loc, moving.loc[..., 3:]], -1), torch.cat([here.scale, moving.scale[..., 3:]], -1)
        )

    def drawn(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """`n_samples` paths of each video and their rates, in the order `[S B]`."""
        shape = (n_samples, *self.batch_shape, *self.event_shape)
        noise = standard_normal(shape, self.image_loc, item_dim=1).flatten(0, 1)
        z, rates, _ = self.filtered(n_samples, lambda t, q: q.loc + q.scale * noise[:, t])
        return z, rates

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw one frame after another, differentiable in all but the order of objects."""
        shape = torch.Size(sample_shape)
        z, _ = self.drawn(max(1, shape.numel()))
        return z.reshape(*shape, *self.batch_shape, *self.event_shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    @property
    def mean(self) -> Tensor:
        """The path of a filter without noise, `[B, T, K, 5]`."""
        return self.filtered(1, lambda t, q: q.loc)[0]  # noqa: ARG005

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of paths `[*, B, T, K, 5]`, `[*, B]`: each frame given the path before it."""
        z = value.expand(*value.shape[:-4], *self.batch_shape, *self.event_shape)
        flat = z.reshape(-1, *self.event_shape)
        times = len(flat) // len(self.image_loc)
        _, _, conditionals = self.filtered(times, lambda t, q: flat[:, t])  # noqa: ARG005
        total = sum(q.log_prob(flat[:, t]) for t, q in enumerate(conditionals))
        assert isinstance(total, Tensor)
        return total.reshape(z.shape[:-3])


def _with_velocity(here: Moments, before: Moments) -> Moments:
    """Sizes and places `[M, K, 3]`, with the velocities that two frames show."""
    velocity = (here.loc - before.loc)[..., 1:]
    spread = (here.scale.square() + before.scale.square()).sqrt()[..., 1:]
    return Moments(torch.cat([here.loc, velocity], -1), torch.cat([here.scale, spread], -1))


def _ordered(here: Moments, expected: Tensor) -> Moments:
    """Objects in the order in which they are nearest to places `[M, K, 2]`."""
    order = nearest_order(expected.detach(), here.loc.detach()[..., 1:3])[..., None]
    return Moments(*(torch.take_along_dim(part, order, 1) for part in (here.loc, here.scale)))


def nearest_order(
    places: Float[Tensor, "batch objects 2"], found: Float[Tensor, "batch objects 2"]
) -> Tensor:
    """For each place which of the found ones is its own, `[B, K]`, so that the sum of the distances is least: none is taken twice.

    Example:
        >>> places = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
        >>> nearest_order(places, places.flip(1))
        tensor([[1, 0]])
    """
    cost = torch.cdist(places, found)
    k = cost.shape[1]
    if k <= _MOST_BY_LIST:
        orders = torch.tensor(list(itertools.permutations(range(k))), device=cost.device)
        rows = torch.arange(k, device=cost.device)
        return orders[cost[:, rows, orders].sum(-1).argmin(1)]
    chosen = [torch.as_tensor(linear_sum_assignment(each)[1]) for each in cost.cpu().numpy()]
    return torch.stack(chosen).to(cost.device)
