"""Images as a mixture of slots whose masks weigh them: what MONet, GENESIS-V2 and slot attention share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.core import Scene, Trace
from latentia.distributions import DiagonalGaussian, item_keys, per_item_noise, standard_normal
from latentia.latent import kl_divergence
from latentia.latent.scenes.mixtures import PixelMixture, mask_boxes
from latentia.latent.scenes.noise import PixelNoise
from latentia.models.importance import importance_log_prob
from latentia.models.vae import evaluating
from latentia.nn.spatial import BroadcastDecoder, paste

SMALLEST = 0.003
"""A slot is present where its mask is the largest in a greater share of the pixels, and in more than 4."""
_STILL = 1e-3  # of half an image: a smaller move is none
_THERE = 0.5  # presence from which on a slot takes part in a picture that is put together
_LEAST = 1e-6  # share of each slot in the pixels that no other has


@dataclass(frozen=True)
class Attended:
    """What an encoder says of a batch.

    Attributes:
        posterior: q(z|x), batch shape `[B]`, event shape `[K, d]`.
        log_masks: of the encoder's own division of the image, `[B, K, H, W]`; None where it has none.
    """

    posterior: Any
    log_masks: Float[Tensor, "batch slots height width"] | None = None


class MaskModel(nn.Module):
    r"""p(x|z) = prod over pixels of sum_k m_k(z) N(x; mu(z_k), sigma^2): each slot paints a part, and masks decide whose a pixel is.

    The decoder makes of each code, apart from the others, a picture mu_k and one number a pixel; the softmax of these over the
    slots are the masks.

    Args:
        event_shape: `[C, H, W]`.
        n_slots: K.
        latent_dim: d, length of a slot's code.
        decoder: codes `[M, d]` to `[M, C + 1, H, W]`.
        noise: sigma.
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_slots: int,
        latent_dim: int,
        decoder: nn.Module | None = None,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__()
        self.event_shape = torch.Size(int(size) for size in event_shape)
        self.n_slots, self.latent_dim = n_slots, latent_dim
        channels, height, width = self.event_shape
        self.decoder = (
            BroadcastDecoder(latent_dim, channels + 1, (height, width)) if decoder is None else decoder
        )
        self.likelihood = PixelNoise(0.1) if noise is None else noise
        self.register_buffer("zeros", torch.zeros(n_slots, latent_dim), persistent=False)

    zeros: Tensor

    # ------------------------------------------------------------------ what a model gives

    def attend(self, x: Tensor) -> Attended:
        """q(z|x) of a batch, and the encoder's own masks."""
        raise NotImplementedError

    def prior(self) -> Any:
        """p(z): standard normal, unless a model has another."""
        return DiagonalGaussian(self.zeros, torch.ones_like(self.zeros), 2, validate_args=False)

    def rate(self, posterior: Any, z: Tensor) -> Tensor:
        """KL of the posterior from the prior in nats, `[S, B, K d]`."""
        return kl_divergence(posterior, self.prior(), z)

    def losses(self, x: Tensor, attended: Attended, likelihood: PixelMixture) -> dict[str, Tensor]:  # noqa: ARG002
        """Losses of the model's own, `[B]` each, by name."""
        return {}

    # ------------------------------------------------------------------ the face of all models

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of q(z|x), for schedules in which it moves alone."""
        own = {id(p) for part in (self.decoder, self.likelihood) for p in part.parameters()}
        return (p for p in self.parameters() if id(p) not in own)

    def amortised(self, x: Tensor) -> Any:
        """q(z|x) for a batch `[B, C, H, W]`: batch shape `[B]`, event shape `[K, d]`."""
        return self.attend(x).posterior

    def encode(self, x: Tensor) -> Any:
        """The same: nothing refines it."""
        return self.amortised(x)

    def decode(self, z: Tensor) -> PixelMixture:
        """p(x|z) for codes `[*, K, d]`."""
        return self._mixed(z, self.likelihood())

    def _mixed(self, z: Tensor, sigma: Tensor) -> PixelMixture:
        channels = self.event_shape[0]
        outputs = self.decoder(z.reshape(-1, self.latent_dim)).reshape(
            *z.shape[:-1], channels + 1, *self.event_shape[1:]
        )
        parts, logits = outputs.split([channels, 1], -3)
        return PixelMixture(logits.log_softmax(-4), parts.sigmoid(), sigma)

    def conditional(self, z: Tensor, x: Tensor) -> PixelMixture:  # noqa: ARG002  the face of all models
        """The same: nothing of an image but itself is conditioned on."""
        return self.decode(z)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, C, H, W]` with `n_samples` draws of z an image."""
        attended = self.attend(x)
        z = attended.posterior.rsample(torch.Size([n_samples]))
        likelihood = self._mixed(z, self.likelihood())
        likelihood.scale = self.likelihood(self._residuals(likelihood, x))
        return Trace(
            x=x,
            z=z,
            posterior=attended.posterior,
            prior=self.prior(),
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=self.rate(attended.posterior, z),
            auxiliary=self.losses(x, attended, likelihood),
            scene=self._scene(likelihood),
        )

    def _residuals(self, likelihood: PixelMixture, x: Tensor) -> Tensor | None:
        """Mean squared residual a number, each pixel's of the slot that it is likely to belong to, `[S, B]`; None where none is asked for."""
        if not self.likelihood.calibrates:
            return None
        with torch.no_grad():
            share = likelihood.responsibilities(x)
            squares = (x[..., None, :, :, :] - likelihood.parts).square().mean(-3)
            return (share * squares).sum(-3).mean((-1, -2))

    def _scene(self, likelihood: PixelMixture) -> Scene:
        masks = likelihood.log_masks.detach().squeeze(-3).exp()
        slots = torch.arange(self.n_slots, device=masks.device)[:, None, None]
        area = (masks.argmax(-3, keepdim=True) == slots).sum((-1, -2))
        least = max(4.0, SMALLEST * self.event_shape[1:].numel())
        return Scene(
            masks=masks,
            parts=likelihood.parts.detach(),
            presence=(area > least).to(masks),
            where=mask_boxes(masks),
        )

    @torch.no_grad()
    def seen(self, x: Tensor) -> tuple[Tensor, Scene]:
        """Codes without noise `[B, K, d]`, and what they say of images `[B, C, H, W]` (one sample)."""
        z = self.encode(x).mean
        return z, self._scene(self.decode(z[None]))

    @property
    def object_slots(self) -> tuple[int, ...]:
        """The slots of a scene that have a code: all."""
        return tuple(range(self.n_slots))

    def own_codes(self, z: Tensor) -> Tensor:
        """What each slot looks like, place and all, `[*, K, d]`: the codes themselves."""
        return z

    def assembled(self, codes: Tensor, where: Tensor, presence: Tensor) -> Tensor:
        """Images `[M, C, H, W]` of slots: codes `[M, K, d]`, boxes `[M, K, 4]` as shares of the image, presence `[M, K]`.

        A slot whose box is elsewhere than its code puts it is moved there; what it leaves is the others'.
        """
        likelihood = self.decode(codes)
        logits, parts = likelihood.log_masks, likelihood.parts
        own = mask_boxes(logits.squeeze(-3).exp())
        shift = 2 * (where - own)[..., :2]  # on [-1, 1]
        moved = (shift.abs() > _STILL).any(-1)
        window = torch.cat([torch.ones_like(shift), shift], -1).flatten(0, 1)
        size = self.event_shape[1:]
        there = paste(torch.cat([parts, logits.exp()], -3).flatten(0, 1), window, size).unflatten(
            0, moved.shape
        )
        channels = parts.shape[-3]
        still = ~moved[..., None, None, None]
        parts = torch.where(still, parts, there[..., :channels, :, :])
        masks = torch.where(still, logits.exp(), there[..., channels:, :, :])
        masks = masks * (presence > _THERE)[..., None, None, None] + _LEAST * presence[..., None, None, None]
        return (masks / masks.sum(1, keepdim=True).clamp_min(1e-12) * parts).sum(1)

    # ------------------------------------------------------------------ use

    @torch.no_grad()
    def sample(self, n: int, mean: bool = False, prior: Distribution | None = None) -> Tensor:
        """`n` images: codes from the prior (or `prior`), decoded; with `mean` without the noise of pixels."""
        p = self.decode((self.prior() if prior is None else prior).sample(torch.Size([n])))
        return p.mean if mean else p.sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        return 40 * self.n_slots * self.event_shape.numel()

    def advance(self, progress: float) -> None:
        """Take note of the share of training that is done: an optimal sigma is let go after some of it."""
        self.likelihood.progress = progress

    def prepare(self, x: Tensor) -> None:
        """Nothing here depends on the data before training."""

    @torch.no_grad()
    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Set an optimal sigma to its optimum over these batches."""
        if not self.likelihood.calibrates:
            return
        with evaluating(self):
            self.likelihood.start()
            for x in x_batches:
                likelihood = self.decode(self.encode(x).rsample(torch.Size([1])))
                residuals = self._residuals(likelihood, x)
                assert residuals is not None
                self.likelihood.accumulate(residuals)
            self.likelihood.finish()


def own_noise(model: nn.Module, x: Tensor, shape: Sequence[int]) -> Tensor:
    """Standard-normal numbers `[B, *shape]` that an encoder draws beside its posterior's: seeds, starts of slots.

    Outside training they are a function of the image, so that figures repeat, and an image's code does not depend on what stands
    beside it.
    """
    if model.training:
        return standard_normal((len(x), *shape), x, item_dim=None)
    with per_item_noise(item_keys(x), seed=7):
        return standard_normal((1, len(x), *shape), x, item_dim=1)[0]
