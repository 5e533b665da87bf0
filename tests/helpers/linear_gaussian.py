"""A model whose every figure has a closed form: the oracle of many tests."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.distributions import DiagonalGaussian
from latentia.latent import Posterior, StandardNormalPrior
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.models import VAE


class LinearGaussian:
    r"""x = b + W z + sigma e with orthogonal columns W: a model whose every figure has a closed form, in float64.

    Its posterior is N(m, v) with diagonal v; `model(widen, shift)` gives a VAE whose q(z|x) is that
    posterior with standard deviations times `widen` and means off by `shift` of them.
    """

    def __init__(self, event_shape: tuple[int, ...] = (6,), latent_dim: int = 3) -> None:
        generator = torch.Generator().manual_seed(0)
        self.event_shape, self.latent_dim, self.sigma2 = event_shape, latent_dim, 0.25
        d = math.prod(event_shape)
        basis, _ = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
        self.strength = torch.linspace(0.8, 1.6, latent_dim, dtype=torch.float64)
        self.weight = basis[:, :latent_dim] * self.strength
        self.bias = torch.randn(d, generator=generator, dtype=torch.float64)

    def sample(self, n: int, seed: int = 1) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(n, self.latent_dim, generator=generator, dtype=torch.float64)
        noise = torch.randn(n, len(self.bias), generator=generator, dtype=torch.float64)
        return (self.bias + z @ self.weight.T + math.sqrt(self.sigma2) * noise).reshape(n, *self.event_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        covariance = self.weight @ self.weight.T + self.sigma2 * torch.eye(
            len(self.bias), dtype=torch.float64
        )
        return torch.distributions.MultivariateNormal(self.bias, covariance).log_prob(x.flatten(1))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean `[n, D]` and variance `[D]`."""
        variance = 1 / (1 + self.strength.square() / self.sigma2)
        return (x.flatten(1) - self.bias) @ self.weight * variance / self.sigma2, variance

    def model(self, widen: float = 1.0, shift: float = 0.0) -> VAE:
        oracle = self

        class Encoder(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return oracle.posterior(x)[0]

        class Exact(Posterior):
            def forward(self, features: Tensor) -> Distribution:
                scale = oracle.posterior(torch.zeros(1, *oracle.event_shape))[1].sqrt()
                return DiagonalGaussian(features + shift * scale, widen * scale.expand_as(features))

        class Decoder(nn.Module):
            def forward(self, z: Tensor) -> Tensor:
                return (oracle.bias + z @ oracle.weight.T).reshape(len(z), 1, *oracle.event_shape)

        return VAE(
            Encoder(),
            Exact(self.latent_dim, self.latent_dim),
            StandardNormalPrior(self.latent_dim),
            Decoder(),
            GaussianLikelihood(self.event_shape, "fixed", value=self.sigma2),
        ).double()
