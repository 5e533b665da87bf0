"""Images whose every pixel belongs to one of K slots: the mixture of a scene's parts, and the masks that weigh it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.nn import functional as F

from latentia import draws


class PixelMixture(Distribution):
    r"""p(x) = prod over pixels of sum_k m_k prod_c N(x_c; mu_kc, sigma^2): each pixel is one slot's, with all its channels.

    Args:
        log_masks: log m_k, `[*batch, K, 1, H, W]`; over K they sum to 1.
        parts: mu_k, `[*batch, K, C, H, W]`.
        scale: sigma, a scalar.

    Example:
        >>> p = PixelMixture(torch.zeros(2, 1, 4, 4).log_softmax(0), torch.zeros(2, 3, 4, 4), torch.tensor(0.1))
        >>> p.mean.shape, p.log_prob(torch.zeros(3, 4, 4)).shape
        (torch.Size([3, 4, 4]), torch.Size([]))
    """

    def __init__(self, log_masks: Tensor, parts: Tensor, scale: Tensor) -> None:
        self.log_masks, self.parts, self.scale = log_masks, parts, scale
        super().__init__(parts.shape[:-4], parts.shape[-3:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """A positive scale."""
        return {"scale": constraints.positive}

    @property
    def support(self) -> Constraint:
        """All real images."""
        return constraints.independent(constraints.real, 3)

    @property
    def mean(self) -> Tensor:
        """sum_k m_k mu_k."""
        return (self.log_masks.exp() * self.parts).sum(-4)

    def log_parts(self, value: Tensor) -> Float[Tensor, "*batch slots height width"]:
        """Log prod_c N(x_c; mu_kc, sigma^2) in nats for each slot and pixel."""
        return pixel_log_density(value, self.parts, self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, summed over pixels."""
        joint = self.log_masks.squeeze(-3) + self.log_parts(value)
        return joint.logsumexp(-3).sum((-1, -2))

    def responsibilities(self, value: Tensor) -> Float[Tensor, "*batch slots height width"]:
        """Probability that each pixel is each slot's, given its colour."""
        return (self.log_masks.squeeze(-3) + self.log_parts(value)).softmax(-3)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """A slot for each pixel, then its colour."""
        with torch.no_grad():
            shape = torch.Size(sample_shape)
            weights = self.log_masks.squeeze(-3).exp().movedim(-3, -1)
            flat = weights.reshape(-1, weights.shape[-1])
            slot = draws.multinomial(flat, shape.numel(), replacement=True).T.reshape(
                *shape, *weights.shape[:-1]
            )
            parts = self.parts.expand(*shape, *self.parts.shape)
            mean = torch.take_along_dim(parts, slot[..., None, None, :, :], -4).squeeze(-4)
            return mean + self.scale * draws.randn(mean.shape, dtype=mean.dtype, device=mean.device)


def pixel_log_density(
    x: Float[Tensor, "*batch channels height width"], parts: Tensor, scale: Tensor
) -> Float[Tensor, "*lead slots height width"]:
    """Log prod_c N(x_c; mu_kc, sigma^2) in nats, `[*, K, H, W]`, for parts `[*, K, C, H, W]`."""
    squares = (x[..., None, :, :, :] - parts).square().sum(-3)
    channels = parts.shape[-3]
    return -0.5 * squares / scale.square() - channels * (scale.log() + 0.5 * math.log(2 * math.pi))


def stick_breaking(
    logits: Float[Tensor, "*batch steps height width"],
) -> Float[Tensor, "*batch slots height width"]:
    r"""Log m_k, K = steps + 1, of masks that each take a share of what is left.

    .. math:: \log m_k = \log s_{k-1} + \log\sigma(a_k), \quad \log s_k = \log s_{k-1} + \log\sigma(-a_k), \quad \log m_K = \log s_{K-1}

    Example:
        >>> stick_breaking(torch.zeros(2, 1, 1)).exp().flatten()
        tensor([0.5000, 0.2500, 0.2500])
    """
    left = torch.cat([torch.zeros_like(logits[..., :1, :, :]), F.logsigmoid(-logits).cumsum(-3)], -3)
    taken = torch.cat([F.logsigmoid(logits), torch.zeros_like(logits[..., :1, :, :])], -3)
    return left + taken


def mask_divergence(
    log_masks: Float[Tensor, "*lead slots height width"],
    log_prior: Float[Tensor, "*batch slots height width"],
) -> Float[Tensor, "*batch"]:
    """KL of one categorical distribution a pixel from another in nats, summed over pixels.

    Example:
        >>> masks = torch.randn(3, 4, 4).log_softmax(0)
        >>> mask_divergence(masks, masks)
        tensor(0.)
    """
    return (log_masks.exp() * (log_masks - log_prior)).sum((-1, -2, -3))


def mask_boxes(masks: Float[Tensor, "*batch slots height width"]) -> Float[Tensor, "*batch slots 4"]:
    """x, y, width and height of masks as shares of the image: the mean place, and the side of an even box of the same variance.

    Example:
        >>> mask = torch.zeros(1, 4, 4)
        >>> mask[0, :2, :2] = 1
        >>> mask_boxes(mask)
        tensor([[0.2500, 0.2500, 0.5000, 0.5000]])
    """
    height, width = masks.shape[-2:]
    total = masks.sum((-1, -2)).clamp_min(1e-6)
    out = []
    for axis, size in ((-1, width), (-2, height)):
        at = (torch.arange(size, dtype=masks.dtype, device=masks.device) + 0.5) / size
        weights = masks.sum(-2 if axis == -1 else -1)
        mean = (weights * at).sum(-1) / total
        variance = (weights * (at - mean[..., None]).square()).sum(-1) / total
        # pixels are as wide as they are: an even box of n of them has the variance (n^2 - 1) / 12
        out.append((mean, (12 * variance + 1 / size**2).sqrt().clamp(max=1)))
    (x, w), (y, h) = out
    return torch.stack([x, y, w, h], -1)
