"""MONet: an attention network divides the image step by step, and a VAE explains each part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentia.distributions import DiagonalGaussian
from latentia.latent.scenes.mixtures import PixelMixture, mask_divergence, pixel_log_density, stick_breaking
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.objects import scale_of
from latentia.models.scenes.masks import Attended, MaskModel
from latentia.nn.slots import PartEncoder
from latentia.nn.unet import UNet, default_widths

_DEEPEST = -8.0  # of log s as an input of the network; what is computed from it is not cut


class MONet(MaskModel):
    r"""Masks by attention, m_k, one after another out of what is left; codes q(z_k | x, m_k); a mixture of pixels of the decoded parts.

    With N_k the density of a pixel under slot k and m~ the decoded masks there are three likelihoods:

    * A, the paper's, log sum_k m_k N_k, is no bound: its weights know the image. It is `auxiliary["attention"]` (negative).
    * B, sum_k m_k log N_k - KL(m || m~), is a bound: m is q(slot of a pixel) and m~ its prior. Negative without the KL it is
      `auxiliary["expected"]`.
    * C, log sum_k m~_k N_k, is a bound, never below B, and equal where m_k is proportional to m~_k N_k. It is the trace's.

    `auxiliary["mask_kl"]` is KL(m || m~). The objective of the paper is A with weights on KL(z) and KL(m || m~), which
    `latentia.objectives.scenes.monet` has.

    Args:
        event_shape: `[C, H, W]`.
        n_slots: K.
        latent_dim: d.
        widths: channels of the attention network at each scale; None: 16, then 32.
        decoder: codes to parts and mask logits.
        noise: sigma.

    Source: Burgess et al. 2019, MONet: Unsupervised Scene Decomposition and Representation; forms B and C are this project's.

    Example:
        >>> model = MONet((3, 16, 16), n_slots=3, latent_dim=4)
        >>> trace = model.trace(torch.rand(2, 3, 16, 16))
        >>> trace.kl.shape, sorted(trace.auxiliary)
        (torch.Size([1, 2, 12]), ['attention', 'expected', 'mask_kl'])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_slots: int = 5,
        latent_dim: int = 16,
        *,
        widths: Sequence[int] | None = None,
        decoder: nn.Module | None = None,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__(event_shape, n_slots, latent_dim, decoder, noise)
        channels, height, width = self.event_shape
        chosen = default_widths(min(height, width)) if widths is None else widths
        self.attention = UNet(channels + 1, 1, (height, width), chosen)
        self.encoder = PartEncoder(channels + 1, (height, width))
        self.moments = nn.Linear(self.encoder.n_features, 2 * latent_dim)

    def attend(self, x: Tensor) -> Attended:
        """Masks of the attention network, and q(z_k | x, m_k)."""
        left = torch.zeros_like(x[:, :1])
        logits: list[Tensor] = []
        for _ in range(self.n_slots - 1):
            logit = self.attention(torch.cat([x, left.clamp(min=_DEEPEST)], 1))
            left = left + nn.functional.logsigmoid(-logit)
            logits.append(logit[:, 0])
        steps = torch.stack(logits, 1) if logits else x.new_zeros(len(x), 0, *x.shape[2:])
        log_masks = stick_breaking(steps) if logits else x.new_zeros(len(x), 1, *x.shape[2:])
        seen = torch.cat(
            [
                x[:, None].expand(-1, self.n_slots, -1, -1, -1),
                log_masks[:, :, None].clamp(min=_DEEPEST),
            ],
            2,
        )
        loc, raw = self.moments(self.encoder(seen.flatten(0, 1))).unflatten(0, seen.shape[:2]).chunk(2, -1)
        return Attended(DiagonalGaussian(loc, scale_of(raw), 2, validate_args=False), log_masks)

    def losses(self, x: Tensor, attended: Attended, likelihood: PixelMixture) -> dict[str, Tensor]:
        """Forms A and B of the likelihood, negative, and KL(m || m~), `[B]` each, means over samples."""
        assert attended.log_masks is not None
        log_parts = pixel_log_density(x, likelihood.parts, likelihood.scale)
        joint = (attended.log_masks + log_parts).logsumexp(-3).sum((-1, -2))
        expected = (attended.log_masks.exp() * log_parts).sum((-1, -2, -3))
        divergence = mask_divergence(attended.log_masks, likelihood.log_masks.squeeze(-3))
        return {"attention": -joint.mean(0), "expected": -expected.mean(0), "mask_kl": divergence.mean(0)}
