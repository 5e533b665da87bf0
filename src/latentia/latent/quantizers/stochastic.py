"""Quantizers that draw their code: a factorised categorical q(k|x), reparameterised through Gumbel noise."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from latentia import draws
from latentia.distributions.noise import item_normal
from latentia.distributions.numerics import at_least_single
from latentia.latent.quantizers.base import Codes, Quantizer
from latentia.latent.quantizers.codebook import full_precision, k_means

COLDEST = 1 / 16
FIRST_GAP = 0.5
"""Nats between the best and the second code of a vector at the start of training, on average."""
CODE_RATE = 20.0
"""How many times the learning rate of other weights codes learn at: each is drawn for a few vectors of a batch only."""


class StochasticQuantizer(Quantizer):
    """Base of quantizers that draw k ~ q(k|x) at each position by the Gumbel-max trick.

    Args:
        dim: D.
        n_codes: K.
    """

    deterministic = False

    def __init__(self, dim: int, n_codes: int) -> None:
        super().__init__(dim, n_codes)
        self.vectors = nn.Parameter(draws.randn((n_codes, dim)) / dim**0.5)

    def logits(self, z_e: Tensor) -> Tensor:
        """Unnormalised log q(k|x), `[*batch, K]`."""
        raise NotImplementedError

    def lookup(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch dim"]:
        """The vectors of codes."""
        return F.embedding(indices, self.vectors)

    def log_q(self, z_e: Tensor) -> Tensor:
        """Log q(k|x), `[*batch, K]`, in nats."""
        return torch.log_softmax(self.logits(at_least_single(z_e)), -1)


class DistanceQuantizer(StochasticQuantizer):
    r"""Codes drawn by their distance, :math:`q(k|x) = \mathrm{softmax}_k(-|z_e - e_k|^2 / 2 s^2)`, with a learned s.

    As s falls q becomes the point mass of vector quantization; how far it falls, the bound decides. The draw is hard; its gradient
    is that of the softmax of the same perturbed logits (straight-through Gumbel, which is biased). Codes are learned by gradient.

    Source: Takida et al. 2022, SQ-VAE, section 3 (the posterior); Jang, Gu and Poole 2017, section 2.2 (the gradient).

    Args:
        dim: D.
        n_codes: K.

    Example:
        >>> codes = DistanceQuantizer(2, 8)(torch.randn(5, 3, 2))
        >>> codes.log_q.exp().sum(-1).allclose(torch.ones(5, 3))
        True
    """

    rate_factors: ClassVar[dict[str, float]] = {"vectors": CODE_RATE}

    def __init__(self, dim: int, n_codes: int) -> None:
        super().__init__(dim, n_codes)
        self.log_scale = nn.Parameter(torch.zeros(()))

    @torch.no_grad()
    def prepare(self, z_e: Float[Tensor, "vectors dim"]) -> None:
        """Start codes at k-means centres, and s where the best code of a vector is about exp(1/2) times as likely as the next.

        A much smaller s would make q one-hot from the start, and the gradient through it zero; the bound lets it fall.
        """
        if not len(z_e):
            return
        centres, _ = k_means(z_e, self.n_codes)
        self.vectors.copy_(centres)
        if self.n_codes > 1:
            nearest = torch.cdist(z_e, centres).square().topk(2, largest=False).values
            gap = (nearest[:, 1] - nearest[:, 0]).mean()
            floor = 1e-6 * z_e.square().mean() + torch.finfo(z_e.dtype).tiny
            self.log_scale.copy_(0.5 * (gap / (2 * FIRST_GAP)).clamp(min=floor).log())

    def logits(self, z_e: Tensor) -> Tensor:
        """Minus the squared distance over 2 s^2, but for what is the same for all codes."""
        with full_precision(z_e):
            z_e = z_e - self.vectors.mean(0)
            vectors = self.vectors - self.vectors.mean(0)
            precision = torch.exp(-2 * self.log_scale)
            return (z_e @ vectors.T - 0.5 * vectors.square().sum(-1)) * precision

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Draw one code for each position."""
        log_q = self.log_q(z_e)
        perturbed = log_q + gumbel_like(log_q)
        indices = perturbed.argmax(-1)
        if not (torch.is_grad_enabled() and log_q.requires_grad):
            return Codes(self.lookup(indices), indices, log_q=log_q)
        soft = perturbed.softmax(-1)
        # the drawn code in value; the gradient of the mixture for q, that of the drawn code alone for the codebook
        mixture = soft @ self.vectors.detach()
        return Codes(self.lookup(indices) + (mixture - mixture.detach()), indices, log_q=log_q)


class GumbelQuantizer(StochasticQuantizer):
    r"""A categorical posterior whose logits are linear in z_e, relaxed by the Gumbel-softmax while it trains.

    .. math:: y = \mathrm{softmax}((\log q + g) / \tau), \quad z_q = \sum_k y_k e_k

    with Gumbel noise g; the temperature falls from 1 to 1/16 along a cosine over the first 80 % of training. In evaluation codes
    are drawn from q itself.

    Source: Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017; the schedule: Ramesh et al. 2021 (DALL-E), appendix A.2.

    Args:
        dim: D.
        n_codes: K.

    Example:
        >>> codes = GumbelQuantizer(2, 8).eval()(torch.randn(5, 3, 2))
        >>> codes.z_q.shape, codes.log_q.shape
        (torch.Size([5, 3, 2]), torch.Size([5, 3, 8]))
    """

    def __init__(self, dim: int, n_codes: int) -> None:
        super().__init__(dim, n_codes)
        self.head = nn.Linear(dim, n_codes)

    @property
    def temperature(self) -> float:
        """Of the relaxation, at this point of training."""
        done = min(1.0, self.progress / 0.8)
        return COLDEST + (1 - COLDEST) * 0.5 * (1 + math.cos(math.pi * done))

    def logits(self, z_e: Tensor) -> Tensor:
        """A linear map of z_e."""
        return at_least_single(self.head(z_e))

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Draw one code, in training a relaxed one, for each position."""
        log_q = self.log_q(z_e)
        perturbed = log_q + gumbel_like(log_q)
        indices = perturbed.argmax(-1)
        if not self.training:
            return Codes(self.lookup(indices), indices, log_q=log_q)
        relaxed = (perturbed / self.temperature).softmax(-1)
        return Codes(relaxed @ self.vectors, indices, log_q=log_q)


def gumbel_like(x: Tensor) -> Tensor:
    """Standard Gumbel noise of the shape of `x`, `[items, ...]`; within `per_item_noise`, a function of each item."""
    normal = item_normal(x)
    if normal is not None:
        return -(-torch.special.log_ndtr(normal)).clamp(min=torch.finfo(x.dtype).tiny).log()
    # an exponential variate can round to 0, whose logarithm is not finite
    return -draws.exponential(x).clamp(min=torch.finfo(x.dtype).tiny).log()
