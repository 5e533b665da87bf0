"""The slot attention autoencoder: slots that compete for pixels, each decoded to a part and its mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentia.distributions import Delta
from latentia.latent.scenes.noise import PixelNoise
from latentia.models.scenes.masks import Attended, MaskModel, own_noise
from latentia.nn.slots import PixelFeatures, SlotAttention


class SlotAutoencoder(MaskModel):
    r"""Codes are slots after some rounds of slot attention, as points: an autoencoder, which claims no bound.

    Slots start at draws of N(mu, diag(sigma^2)), the same for all, learned; nothing else tells them apart, so any number of them may be
    used after training. The paper minimises the squared error of sum_k m~_k mu_k.

    Args:
        event_shape: `[C, H, W]`.
        n_slots: K.
        latent_dim: d.
        rounds: of attention.
        features: of a place.
        stride: places are so many pixels apart.
        decoder: codes to parts and mask logits.
        noise: sigma.

    Source: Locatello et al. 2020, Object-Centric Learning with Slot Attention.

    Example:
        >>> model = SlotAutoencoder((3, 16, 16), n_slots=3, latent_dim=8)
        >>> model.trace(torch.rand(2, 3, 16, 16)).z.shape
        torch.Size([1, 2, 3, 8])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_slots: int = 5,
        latent_dim: int = 32,
        *,
        rounds: int = 3,
        features: int = 32,
        stride: int = 1,
        decoder: nn.Module | None = None,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__(event_shape, n_slots, latent_dim, decoder, noise)
        channels, *size = self.event_shape
        self.features = PixelFeatures(channels, size, features, stride)
        self.attention = SlotAttention(features, latent_dim, rounds)
        self.start = nn.Parameter(torch.randn(latent_dim) / latent_dim**0.5)
        self.log_spread = nn.Parameter(torch.zeros(latent_dim))

    def starts(self, x: Tensor) -> Tensor:
        """Where slots begin, `[B, K, d]`."""
        noise = own_noise(self, x, (self.n_slots, self.latent_dim))
        return self.start + self.log_spread.exp() * noise

    def attend(self, x: Tensor) -> Attended:
        """Slots of a batch."""
        return self.attended_from(x, self.starts(x))

    def attended_from(self, x: Tensor, starts: Tensor) -> Attended:
        """Slots that begin at `starts` `[B, K, d]`."""
        slots, _ = self.attention(self.features(x), starts)
        return Attended(Delta(slots, 2, validate_args=False))
