"""A small Gaussian VAE, its objective and data, for the tests of the training loop (which knows none of them)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from latentia.core import Loss, Trace
from latentia.training import Batches


class StandIn(nn.Module):
    """MLP encoder and decoder with batch normalisation and dropout, and a variance that calibration sets."""

    def __init__(self, width: int = 6, latent: int = 2, hidden: int = 16) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(width, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden, 2 * latent),
        )
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.variance: Tensor
        self.register_buffer("variance", torch.ones(()))
        self.prepared = 0
        self.calibrated_rows: list[int] = []

    def encoder_parameters(self) -> Iterable[nn.Parameter]:
        return self.encoder.parameters()

    def prepare(self, x: Tensor) -> None:
        self.prepared = len(x)
        with torch.no_grad():
            self.decoder[-1].bias.copy_(x.mean(0))

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        assert not self.training
        assert not torch.is_grad_enabled()
        squares, rows, numbers = 0.0, 0, 0
        for x in x_batches:
            residual = self.decoder(self.trace(x).z[0]) - x
            squares, rows, numbers = squares + residual.square().sum(), rows + len(x), numbers + x.numel()
        self.calibrated_rows.append(rows)
        self.variance.copy_(squares / numbers)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        mean, log_scale = self.encoder(x).float().chunk(2, -1)
        posterior = Normal(mean, log_scale.exp())
        prior = Normal(torch.zeros_like(mean[0]), torch.ones_like(mean[0]))
        z = posterior.rsample((n_samples,))
        decoded = self.decoder(z).float()
        variance = (x - decoded).square().mean().detach() if self.training else self.variance
        likelihood = Independent(Normal(decoded, variance.sqrt()), 1)
        return Trace(
            x=x,
            z=z,
            posterior=Independent(posterior, 1),
            prior=Independent(prior, 1),
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=torch.distributions.kl_divergence(posterior, prior).expand(n_samples, -1, -1),
        )


def bound(trace: Trace, progress: float = 1.0) -> Loss:
    distortion, kl = -trace.log_likelihood.mean(), trace.kl.sum(-1).mean()
    return Loss(distortion + kl, {"distortion": distortion, "kl": kl})


def spread(model: nn.Module, x_batches: Iterable[Tensor]) -> float:
    """Stands for the mutual information: how far the codes of items are apart."""
    assert not model.training
    codes = torch.cat([model.trace(x).z[0] for x in x_batches])
    return float(codes.var(0).sum())


def noisy(stored: Tensor) -> Tensor:
    """A random transform, as dynamic binarization is one."""
    return stored.float() / 255 + 0.01 * torch.rand(stored.shape, device=stored.device)


def rows(n: int = 90, width: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n, 2)) @ np.random.default_rng(0).normal(size=(2, width))
    return np.clip(128 + 40 * codes + rng.normal(size=(n, width)), 0, 255).astype(np.uint8)


def batches(n: int = 90, seed: int = 0, **options: int) -> Batches:
    return Batches(rows(n, seed=seed), noisy, **options)


def model(seed: int = 0) -> StandIn:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StandIn()


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def identical(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
