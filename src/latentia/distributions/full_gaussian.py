"""The Gaussian with full covariance, with the library's noise and its divergence from a diagonal one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, register_kl
from torch.utils.weak import WeakTensorKeyDictionary

from latentia.distributions.gaussian import DiagonalGaussian
from latentia.distributions.noise import standard_normal


class FullGaussian(MultivariateNormal):
    r"""N(loc, L L^T) with a lower-triangular L.

    torch's `MultivariateNormal`, except that the noise comes from `noise.standard_normal`, so that a sample
    can be made a pure function of the item, and that the noise of a draw is remembered as long as the drawn tensor lives.

    Args:
        loc: mean, `[*batch, D]`.
        scale_tril: L with positive diagonal, `[*batch, D, D]`.

    Example:
        >>> q = FullGaussian(torch.zeros(4, 2), torch.eye(2).expand(4, 2, 2))
        >>> q.rsample((3,)).shape, q.log_prob(torch.zeros(2)).shape
        (torch.Size([3, 4, 2]), torch.Size([4]))
    """

    def __init__(self, loc: Tensor, scale_tril: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(loc, scale_tril=scale_tril, validate_args=validate_args)
        self._noise_of = WeakTensorKeyDictionary()

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw `loc + L noise`, differentiable in both."""
        shape = self._extended_shape(torch.Size(sample_shape))
        noise = standard_normal(shape, self.loc, len(shape) - 2 if self.batch_shape else None)
        z = self.loc + (self._unbroadcasted_scale_tril @ noise[..., None])[..., 0]
        self._noise_of[z] = noise
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats, `[*batch]`; of its own draws by their noise, without solving for it."""
        noise = self._noise_of.get(value)
        if noise is None:
            return super().log_prob(value)
        size = self.event_shape.numel()
        diagonal = (self._unbroadcasted_scale_tril * torch.eye(size).to(noise)).sum(-1)
        return -0.5 * noise.square().sum(-1) - diagonal.log().sum(-1) - 0.5 * size * math.log(2 * math.pi)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)


def _kl_full_diagonal(q: FullGaussian, p: DiagonalGaussian) -> Tensor:
    r"""`[*batch]`: 1/2 [tr(S_p^-1 L L^T) + (m_p - m_q)^T S_p^-1 (m_p - m_q) - D + log|S_p| - log|L L^T|]."""
    tril = q._unbroadcasted_scale_tril
    trace = (tril / p.scale[..., None]).square().sum((-2, -1))
    distance = ((q.loc - p.loc) / p.scale).square().sum(-1)
    log_volumes = p.scale.log().sum(-1) - tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return 0.5 * (trace + distance - q.event_shape[0]) + log_volumes


register_kl(FullGaussian, DiagonalGaussian)(_kl_full_diagonal)
