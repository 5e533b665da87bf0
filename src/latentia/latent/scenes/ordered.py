"""A prior over the codes of slots in which each depends on those before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal, constraints, kl_divergence
from torch.distributions.constraints import Constraint

from latentia.distributions import DiagonalGaussian, standard_normal


class OrderedSlots(Distribution):
    r"""p(z) = \prod_k N(z_k; \mu(z_{<k}), \sigma^2(z_{<k})) over K codes `[K, d]`, without a batch.

    Args:
        prior: gives the conditionals.
    """

    has_rsample = True

    def __init__(self, prior: OrderedPrior) -> None:
        self.prior = prior
        super().__init__(torch.Size(), torch.Size([prior.n_slots, prior.latent_dim]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are a network."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real codes."""
        return constraints.independent(constraints.real, 2)

    def conditionals(self, z: Tensor) -> Normal:
        """p(z_k | z_<k) number by number, `[*, K, d]`, at codes of that shape."""
        flat = z.reshape(-1, *self.event_shape)
        loc, scale = self.prior.moments(flat)
        return Normal(loc.reshape(z.shape), scale.reshape(z.shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of codes `[*, K, d]`."""
        return self.conditionals(value).log_prob(value).sum((-1, -2))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw one slot after another, differentiable in everything."""
        shape = torch.Size(sample_shape)
        weight = next(self.prior.parameters())
        noise = standard_normal((max(1, shape.numel()), *self.event_shape), weight, None)
        return self.prior.drawn(noise).reshape(*shape, *self.event_shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)


class OrderedPrior(nn.Module):
    """The conditionals: the first slot is standard normal, each further one is what a recurrent network makes of those before it.

    Args:
        n_slots: K.
        latent_dim: d.
        width: of the network.

    Source: Engelcke et al. 2020, GENESIS, section 3.1, and 2021, GENESIS-V2.

    Example:
        >>> prior = OrderedPrior(3, 4, width=8)
        >>> prior().sample((5,)).shape, prior().log_prob(torch.zeros(2, 3, 4)).shape
        (torch.Size([5, 3, 4]), torch.Size([2]))
    """

    def __init__(self, n_slots: int, latent_dim: int, width: int = 256) -> None:
        super().__init__()
        self.n_slots, self.latent_dim = n_slots, latent_dim
        self.recur = nn.LSTMCell(latent_dim, width)
        self.head = nn.Linear(width, 2 * latent_dim)

    def forward(self) -> OrderedSlots:
        """p(z)."""
        return OrderedSlots(self)

    def moments(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each slot given those before it, `[M, K, d]`."""
        return self._descend(z, lambda k, loc, scale: z[:, k])[1:]  # noqa: ARG005

    def drawn(self, noise: Tensor) -> Tensor:
        """Codes `[M, K, d]` of noise of that shape."""
        return self._descend(noise, lambda k, loc, scale: loc + scale * noise[:, k])[0]

    def _descend(
        self, like: Tensor, choose: Callable[[int, Tensor, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Codes that `choose` gives for each slot's mean and deviation, and these, `[M, K, d]` each."""
        m = len(like)
        state = (like.new_zeros(m, self.recur.hidden_size), like.new_zeros(m, self.recur.hidden_size))
        loc, scale = like.new_zeros(m, self.latent_dim), like.new_ones(m, self.latent_dim)
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        for k in range(self.n_slots):
            if k:
                state = self.recur(found[-1][0], state)
                mean, raw = self.head(state[0]).chunk(2, -1)
                loc, scale = mean.tanh(), nn.functional.softplus(raw + 0.5) + 1e-4
            found.append((choose(k, loc, scale), loc, scale))
        codes, locs, scales = (torch.stack(parts, 1) for parts in zip(*found, strict=True))
        return codes, locs, scales


def ordered_divergence(q: DiagonalGaussian, p: OrderedSlots, z: Tensor) -> Tensor:
    """KL(q(z_k|x) || p(z_k|z_<k)) in nats, closed form given the draw, `[S, B, K d]`."""
    return kl_divergence(q.base, p.conditionals(z)).expand(z.shape).flatten(2)
