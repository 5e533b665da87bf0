"""GENESIS-V2: pixels are grouped around seeds in one pass of the network, and slots have an ordered prior."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentia.distributions import DiagonalGaussian
from latentia.latent.scenes.mixtures import PixelMixture, mask_divergence
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.ordered import OrderedPrior, OrderedSlots, ordered_divergence
from latentia.models.scenes.masks import Attended, MaskModel, own_noise
from latentia.nn.spatial import grid
from latentia.nn.unet import UNet, default_widths, group_norm

_COLOURS = 8  # numbers of a pixel by which it is grouped; the first two begin as its place
_SURE = 0.01  # a seed takes between this and all but this of a pixel


class GenesisV2(MaskModel):
    r"""Stick-breaking masks around pixels drawn as seeds, codes of what each mask covers, and p(z) = prod_k p(z_k | z_{<k}).

    One pass of a U-Net gives each pixel a vector c (its first two numbers begin as its place). In step k a pixel is drawn as the seed, with a
    preference for what no mask covers yet, and the mask takes of each pixel the share :math:`\exp(-|c - c_{seed}|^2 / \sigma)` of what
    is left:

    .. math:: m_k = s_{k-1} \alpha_k, \quad s_k = s_{k-1} (1 - \alpha_k), \quad m_K = s_{K-1}

    The seeds are an auxiliary draw u of q(z|x, u): the bound holds for every u.

    Args:
        event_shape: `[C, H, W]`.
        n_slots: K.
        latent_dim: d.
        features: channels of a pixel from the U-Net.
        widths: channels of the U-Net at each scale; None: 16, then 32.
        decoder: codes to parts and mask logits.
        noise: sigma.

    Source: Engelcke et al. 2021, GENESIS-V2: Inferring Unordered Object Representations without Iterative Refinement.

    Example:
        >>> model = GenesisV2((3, 16, 16), n_slots=3, latent_dim=4)
        >>> model.trace(torch.rand(2, 3, 16, 16)).kl.shape
        torch.Size([1, 2, 12])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_slots: int = 5,
        latent_dim: int = 16,
        *,
        features: int = 32,
        widths: Sequence[int] | None = None,
        decoder: nn.Module | None = None,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__(event_shape, n_slots, latent_dim, decoder, noise)
        channels, height, width = self.event_shape
        chosen = default_widths(min(height, width)) if widths is None else widths
        self.pixels = nn.Sequential(UNet(channels, features, (height, width), chosen, group_norm), nn.ReLU())
        self.colour = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1), nn.ReLU(), nn.Conv2d(features, _COLOURS, 1)
        )
        self.log_reach = nn.Parameter(torch.tensor(-math.log(max(2, n_slots) * math.log(2))))
        self.covered = nn.Conv2d(features, 2 * latent_dim, 1)
        self.moments = nn.Sequential(
            nn.LayerNorm(2 * latent_dim),
            nn.Linear(2 * latent_dim, 128),
            nn.ReLU(),
            nn.Linear(128, 2 * latent_dim),
        )
        self.order = OrderedPrior(n_slots, latent_dim)
        self.register_buffer("places", grid(height, width)[None], persistent=False)

    places: Tensor

    def prior(self) -> OrderedSlots:
        """p(z), each slot given those before it."""
        return self.order()

    def rate(self, posterior: DiagonalGaussian, z: Tensor) -> Tensor:
        """KL(q(z_k|x) || p(z_k|z_<k)) in nats, `[S, B, K d]`."""
        return ordered_divergence(posterior, self.order(), z)

    def attend(self, x: Tensor) -> Attended:
        """Masks around seeds, and q(z_k|x) of what each covers."""
        features = self.pixels(x)
        log_masks = self._grouped(features, self._preferences(x))
        read = self.covered(features)
        shares = log_masks.exp()[:, :, None]
        mean = (shares * read[:, None]).sum((-1, -2)) / shares.sum((-1, -2)).clamp_min(1e-5)
        loc, raw = self.moments(mean).chunk(2, -1)
        return Attended(
            DiagonalGaussian(loc, nn.functional.softplus(raw + 0.5) + 1e-4, 2, validate_args=False), log_masks
        )

    def _preferences(self, x: Tensor) -> Tensor:
        """A number in (0, 1) for each pixel, `[B, H, W]`, even and drawn once an image: seeds are where it is large and nothing covers."""
        return torch.special.ndtr(own_noise(self, x, self.event_shape[1:]))

    def _grouped(self, features: Tensor, preference: Tensor) -> Tensor:
        """Log masks `[B, K, H, W]`."""
        colour = self.colour(features)
        colour = torch.cat([colour[:, :2] + self.places, colour[:, 2:]], 1).flatten(2)
        left = torch.zeros_like(preference).flatten(1)
        masks: list[Tensor] = []
        for _ in range(self.n_slots - 1):
            seed = (preference.flatten(1) * left.detach().exp()).argmax(1)
            at = colour.gather(2, seed[:, None, None].expand(-1, _COLOURS, 1))
            distance = (colour - at).square().sum(1)
            share = (-distance * self.log_reach.neg().exp()).exp()
            share = (
                share + (share.clamp(_SURE, 1 - _SURE) - share).detach()
            )  # cut, with the gradient of what is not cut
            masks.append(left + share.log())
            left = left + torch.log1p(-share)
        return torch.stack([*masks, left], 1).unflatten(2, self.event_shape[1:])

    def losses(self, x: Tensor, attended: Attended, likelihood: PixelMixture) -> dict[str, Tensor]:  # noqa: ARG002
        """KL of the encoder's masks from the decoded ones, `[B]`, for the log: no objective of this model has it."""
        assert attended.log_masks is not None
        divergence = mask_divergence(attended.log_masks, likelihood.log_masks.squeeze(-3))
        return {"mask_kl": divergence.mean(0)}
