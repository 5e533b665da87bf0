"""Eight fits to MNIST whose state is known because it was brought about: what the verdicts are tried on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent

from latentia import VAE, data
from latentia.estimators.entry import Entry
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent import Likelihood
from latentia.nn import Network
from latentia.nn.mlp import MLPDecoder, MLPEncoder
from latentia.objectives import negative_elbo

LATENT_DIM = 10


@dataclass(frozen=True)
class Known:
    """A fitted model, what it was fitted to, and rows that it has not seen."""

    vae: VAE
    train: np.ndarray
    test: np.ndarray


class HalfBlind(nn.Module):
    """A decoder that cannot see the second half of the code."""

    def __init__(self, latent_dim: int, n_outputs: int, event_shape: Sequence[int]) -> None:
        super().__init__()
        self.seen = latent_dim // 2
        self.body = MLPDecoder(self.seen, n_outputs, event_shape)
        self.offset = self.body.offset

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z[:, : self.seen])


class Masked(nn.Conv2d):
    """A convolution that sees only pixels before its own in raster order (and its own, unless `strict`)."""

    def __init__(self, n_in: int, n_out: int, size: int, strict: bool) -> None:
        super().__init__(n_in, n_out, size, padding=size // 2)
        mask = torch.ones(size * size)
        mask[size * size // 2 + (0 if strict else 1) :] = 0
        self.register_buffer("mask", mask.reshape(size, size))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class AutoregressivePixels(Likelihood):
    """Binary pixels, each given those before it (van den Oord et al. 2016) and the decoder's logits: needs no code."""

    def __init__(self, event_shape: Sequence[int], channels: int = 24) -> None:
        super().__init__(event_shape)
        self.pixels = nn.Sequential(
            Masked(1, channels, 7, strict=True), nn.ReLU(),
            Masked(channels, channels, 5, strict=False), nn.ReLU(),
            Masked(channels, channels, 5, strict=False), nn.ReLU(),
            Masked(channels, 1, 1, strict=False),
        )  # fmt: skip

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        (logits,) = self.split(outputs)
        if x is not None:
            logits = logits + self.pixels(x)
        return Independent(Bernoulli(logits=logits, validate_args=False), 3, validate_args=False)


def mnist(seed: int, n_train: int, n_test: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Training rows that depend on the seed, and rows of the test part; 14 x 14 pixels, so that a fit takes seconds."""
    images = data.load("mnist", image_size=14)
    order = np.random.default_rng([seed, 7]).permutation(len(images.train.x))[:n_train]
    return images.train.x[np.sort(order)], images.test.x[:n_test]


def _of_beta(beta: float) -> Entry:
    return replace(CATALOG["sigma-vae"], objective=negative_elbo(beta))


def _fit(model: Any, seed: int, n_train: int = 6000, **settings: Any) -> Known:
    train, test = mnist(seed, n_train)
    given = {"latent_dim": LATENT_DIM, "network": "mlp", "max_epochs": 12, "batch_size": 64, "device": "cpu"}
    vae = VAE(model, random_state=seed, **{**given, **settings}).fit(train)
    return Known(vae, train, test)


def healthy(seed: int) -> Known:
    return _fit("sigma-vae", seed)


def head_start(progress: float) -> float:
    """A rate so dear at first that the decoder learns to do with the pixels alone; then its true price."""
    return 30.0 if progress < 0.6 else 1.0


def strong_decoder(seed: int) -> Known:
    """The decoder models the pixels from each other, had a head start at it, and does not take up the code afterwards."""
    train, test = mnist(seed, 4000)
    small = [(rows > 127).astype(np.uint8) for rows in (train, test)]
    vae = VAE(
        replace(CATALOG["vae"], objective=negative_elbo(head_start)), latent_dim=LATENT_DIM, network="mlp",
        likelihood=AutoregressivePixels, max_epochs=8, batch_size=64, device="cpu", random_state=seed,
    )  # fmt: skip
    return Known(vae.fit(small[0]), *small)


def large_beta(seed: int) -> Known:
    return _fit(_of_beta(50.0), seed)


def small_beta(seed: int) -> Known:
    return _fit(_of_beta(1e-4), seed)


def autoencoder(seed: int) -> Known:
    return _fit("autoencoder", seed)


def one_epoch(seed: int) -> Known:
    return _fit("sigma-vae", seed, max_epochs=1)


def two_hundred_images(seed: int) -> Known:
    return _fit("sigma-vae", seed, 200, max_epochs=300, validation_fraction=0.0)


def half_dead(seed: int) -> Known:
    return _fit("sigma-vae", seed, network=Network(MLPEncoder, HalfBlind, "half of the code unseen"))


STATES: dict[str, tuple[Callable[[int], Known], str]] = {
    "healthy": (healthy, "healthy"),
    "strong decoder": (strong_decoder, "posterior collapse"),
    "beta = 50": (large_beta, "posterior collapse"),
    "beta = 1e-4": (small_beta, "information overload"),
    "autoencoder": (autoencoder, "information overload"),
    "one epoch": (one_epoch, "under-trained"),
    "200 images": (two_hundred_images, "overfitted"),
    "half dead": (half_dead, "partial posterior collapse"),
}
