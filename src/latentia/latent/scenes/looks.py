"""Paths of objects that keep what they look like: a path, and one code of each object for the whole sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.distributions import standard_normal
from latentia.latent.scenes.paths import STATE, Moments, PathPosterior, PathPrior


class LookedPaths(Distribution):
    r"""p(z, a) = p(z) p(a | z) over paths z `[T, K, 5]` and codes a `[K, d]`, written as `[T, K, 5 + d]`: a stands in every frame.

    The code is one for a sequence, so its density and its divergence are counted once, in the first frame; in the others it is a copy.

    Args:
        path: p(z).
        looks: from paths `[M, T, K, 5]`, in the order `[S B]`, to the moments of codes `[M, K, d]`.
        dims: d.
    """

    has_rsample = True

    def __init__(
        self, path: PathPosterior | PathPrior, looks: Callable[[Tensor], Moments], dims: int
    ) -> None:
        self.path, self.looks, self.dims = path, looks, dims
        frames, k = path.event_shape[:2]
        super().__init__(path.batch_shape, torch.Size([frames, k, STATE + dims]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are networks."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real paths and codes."""
        return constraints.independent(constraints.real, 3)

    def _with(self, path: Tensor, looks: Tensor) -> Tensor:
        """Paths `[M, T, K, 5]` beside codes `[M, K, d]`."""
        return torch.cat([path, looks[:, None].expand(*path.shape[:3], -1)], -1)

    def _drawn(self, n_samples: int, path: Tensor) -> tuple[Tensor, Moments]:
        q = self.looks(path)
        shape = (n_samples, *self.batch_shape, *q.loc.shape[1:])
        noise = standard_normal(shape, q.loc, item_dim=1 if self.batch_shape else None)
        return q.loc + q.scale * noise.reshape(q.loc.shape), q

    def drawn(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """`n_samples` paths of each video with their codes, and the rates against standard-normal codes, in the order `[S B]`."""
        assert isinstance(self.path, PathPosterior)
        path, rates = self.path.drawn(n_samples)
        looks, q = self._drawn(n_samples, path)
        once = q.divergence(Moments(torch.zeros_like(q.loc), torch.ones_like(q.scale)))
        later = torch.zeros_like(once)[:, None].expand(-1, path.shape[1] - 1, -1, -1)
        return self._with(path, looks), torch.cat([rates, torch.cat([once[:, None], later], 1)], -1)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw a path, then codes."""
        shape = torch.Size(sample_shape)
        path = self.path.rsample(shape).reshape(-1, *self.path.event_shape)
        looks, _ = self._drawn(max(1, shape.numel()), path)
        return self._with(path, looks).reshape(*shape, *self.batch_shape, *self.event_shape)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    @property
    def mean(self) -> Tensor:
        """The path of a filter without noise, with the mean code of it."""
        path = self.path.mean
        return self._with(path, self.looks(path).loc)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of paths and codes `[*, *batch, T, K, 5 + d]`; the codes are those of the first frame."""
        path, looks = value[..., :STATE], value[..., 0, :, STATE:]
        own = self.looks(path.reshape(-1, *self.path.event_shape)).log_prob(looks.flatten(0, -3))
        found: Tensor = self.path.log_prob(path) + own.reshape(value.shape[:-3])
        return found
