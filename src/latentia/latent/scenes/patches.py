"""Images in which each pixel is owned by one object or the ground, and what an owner shows is a mixture of patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia import draws
from latentia.nn.spatial import covered, stretch


@dataclass(frozen=True)
class Patches:
    """A mixture of G patches of independent Gaussian pixels.

    Attributes:
        log_weights: over G they sum to 1, `[G]`.
        mean, scale: of each pixel, `[G, C, P, Q]`.
    """

    log_weights: Tensor
    mean: Tensor
    scale: Tensor

    @property
    def average(self) -> Float[Tensor, "channels rows columns"]:
        """The mean of the mixture."""
        return torch.einsum("g,gchw->chw", self.log_weights.exp(), self.mean)


class PatchMixture(Distribution):
    r"""p(x | windows): the first object in order whose window covers a pixel owns it, and the ground owns the rest.

    .. math:: \log p(x) = \sum_{k=0}^K \log \sum_g w_g \prod_{j: o(j) = k} N(x_j; \mu_{gj}, \sigma_{gj}^2)

    o(j) is the owner of pixel j, 0 the ground. An object's \mu and \sigma are patches stretched over its window, the ground's are of the
    size of the image. Each pixel is counted once, under one owner: it is a density of images, whatever the windows. What a window does not
    own is left out of its product, which marginalises it.

    Who owns a pixel is all or nothing; in gradients the edge of a window is a pixel wide, so that windows learn where to end.

    Args:
        windows: s_x, s_y, t_x, t_y of each object as in `latentia.nn.spatial.paste`, `[*batch, K, 4]`; K may be 0.
        objects: what any of them may look like, in patches of one size.
        ground: the same of the image behind them.

    Source: after Stelzner, Peharz and Kersting 2019, Faster Attend-Infer-Repeat with Tractable Probabilistic Models, whose sum-product
    networks this mixture stands for.

    Example:
        >>> ground = Patches(torch.zeros(1), torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        >>> spot = Patches(torch.zeros(1), torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        >>> p = PatchMixture(torch.tensor([[0.5, 0.5, -0.5, -0.5]]), spot, ground)
        >>> p.mean[0]
        tensor([[1., 1., 0., 0.],
                [1., 1., 0., 0.],
                [0., 0., 0., 0.],
                [0., 0., 0., 0.]])
    """

    def __init__(self, windows: Tensor, objects: Patches, ground: Patches) -> None:
        self.windows, self.objects, self.ground = windows, objects, ground
        super().__init__(windows.shape[:-2], ground.mean.shape[1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are patches."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real images."""
        return constraints.independent(constraints.real, 3)

    @property
    def owned(self) -> Float[Tensor, "*batch owners height width"]:
        """1 where a pixel is the owner's, else 0: the objects in order, then the ground."""
        inside = covered(self.windows, self.event_shape[1:])
        whole = inside.new_ones(*self.batch_shape, 1, *self.event_shape[1:])
        free = torch.cat([whole, (1 - inside).cumprod(-3)], -3)
        return torch.cat([inside * free[..., :-1, :, :], free[..., -1:, :, :]], -3)

    def _laid(self, patches: Tensor) -> Float[Tensor, "*batch objects components channels height width"]:
        """Patches `[G, C, P, Q]` over each window."""
        size = self.event_shape[1:]
        flat = stretch(patches.flatten(0, 1)[None], self.windows.reshape(-1, 4), size)
        return flat.reshape(*self.windows.shape[:-1], *patches.shape[:2], *size)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of images `[*, C, H, W]`."""
        owned = self.owned
        x = value[..., None, :, :, :]
        of_ground = _log_density(x, self.ground.mean, self.ground.scale)
        own = (owned[..., -1:, :, :] * of_ground).sum((-1, -2))
        total = (self.ground.log_weights + own).logsumexp(-1)
        if not self.windows.shape[-2]:
            return total
        pixels = _log_density(
            x[..., None, :, :, :], self._laid(self.objects.mean), self._laid(self.objects.scale)
        )
        parts = (owned[..., :-1, None, :, :] * pixels).sum((-1, -2))
        return total + (self.objects.log_weights + parts).logsumexp(-1).sum(-1)

    @property
    def mean(self) -> Tensor:
        """What each owner shows on average."""
        owned = self.owned[..., None, :, :]
        shown = self._laid(self.objects.average[None])[..., 0, :, :, :]
        return (owned[..., :-1, :, :, :] * shown).sum(-4) + owned[..., -1, :, :, :] * self.ground.average

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """A patch for each owner, then its pixels."""
        with torch.no_grad():
            shape, objects, ground = torch.Size(sample_shape), self.objects, self.ground
            chosen = _chosen(objects.log_weights, (*shape, *self.windows.shape[:-1]))
            chosen = chosen[..., None, None, None, None]
            laid = (self._laid(part) for part in (objects.mean, objects.scale))
            mean, scale = (
                torch.take_along_dim(part.expand(*shape, *part.shape), chosen, -4).squeeze(-4)
                for part in laid
            )
            behind = _chosen(ground.log_weights, (*shape, *self.batch_shape))
            owned = self.owned[..., None, :, :]
            mean = (owned[..., :-1, :, :, :] * mean).sum(-4) + owned[..., -1, :, :, :] * ground.mean[behind]
            scale = (owned[..., :-1, :, :, :] * scale).sum(-4) + owned[..., -1, :, :, :] * ground.scale[
                behind
            ]
            return mean + scale * draws.randn(mean.shape, dtype=mean.dtype, device=mean.device)


def _log_density(x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Log N(x; mean, scale^2) in nats, summed over channels."""
    return torch.distributions.Normal(mean, scale, validate_args=False).log_prob(x).sum(-3)


def _chosen(log_weights: Tensor, shape: Sequence[int]) -> Tensor:
    """Numbers of components, drawn."""
    n = torch.Size(shape).numel()
    if not n:
        return torch.zeros(tuple(shape), dtype=torch.long, device=log_weights.device)
    return draws.multinomial(log_weights.exp(), n, replacement=True).reshape(tuple(shape))
