"""STOVE whose objects look each as it does: a code of each object for the whole sequence says which patch is painted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from latentia.core import Trace
from latentia.distributions import DiagonalGaussian, standard_normal
from latentia.latent.scenes.looks import LookedPaths
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.objects import scale_of
from latentia.latent.scenes.paths import STATE, Moments, PathPosterior, PathPrior
from latentia.models.scenes.stove import STOVE
from latentia.nn.dense import dense, spread_start
from latentia.nn.spatial import glimpse, grid

_WHERE = 3  # numbers of an object in a frame: size, x, y
_SEEN_AS = 64  # numbers by which a glimpse is summed up
_ALIKE = 0.1  # share of the usual size with which the weights of what codes change begin
_FAINT = 1e-3  # what counts of the opacity of a patch whose colours are those of the ground
_SURE = -3.0  # log-variance of codes with which training starts


class AppearanceSTOVE(STOVE):
    r"""p(x, z, a) = p(z) \prod_k N(a_k; 0, I) \prod_t N(x_t; \mathrm{paint}(z_t, a), \sigma^2); all else is as in `STOVE`.

    What is painted of object k is the template of all plus what a decoder makes of a_k, both in logits, patch and opacity. q(a_k | x, z)
    is of the mean over frames of what a network says of the glimpse of object k; its divergence is counted once a sequence.

    Source: Kossen et al. 2020 for the latent state beside places; the code of a sequence and its encoder are this project's.

    Args:
        event_shape: `[T, C, H, W]`.
        n_objects: K.
        look: length of a code.
        patch: side of what is painted, and of glimpses, in pixels.
        width: of the recurrent network.
        noise: sigma.

    Example:
        >>> model = AppearanceSTOVE((4, 3, 16, 16), n_objects=2, look=3, width=16)
        >>> trace = model.trace(torch.zeros(5, 4, 3, 16, 16))
        >>> trace.z.shape, trace.kl.shape
        (torch.Size([1, 5, 4, 2, 8]), torch.Size([1, 5, 64]))
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_objects: int = 3,
        *,
        look: int = 8,
        patch: int = 12,
        width: int = 256,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__(event_shape, n_objects, patch=patch, width=width, noise=noise)
        channels = self.event_shape[1]
        self.look, self.patch = look, patch
        self.glimpsed = dense(channels * patch * patch, 128, _SEEN_AS)
        self.summed = dense(_SEEN_AS, 2 * look, start=spread_start(look, _SURE))
        self.dress = dense(look, 64, (channels + 1) * patch * patch)
        last = self.dress[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():  # at the start objects look nearly alike
            last.weight.mul_(_ALIKE)
            last.bias.zero_()

    # ------------------------------------------------------------------ what objects look like

    def looks(self, x: Tensor, path: Tensor) -> Moments:
        """q(a | x, z) for videos `[B, T, C, H, W]` and paths `[M, T, K, 3 or more]` in the order `[S B]`, `[M, K, d]`."""
        m, frames, k = path.shape[:3]
        seen = x.repeat(m // len(x), 1, 1, 1, 1)[:, :, None].expand(-1, -1, k, -1, -1, -1)
        glimpses = glimpse(seen.flatten(0, 2), self.windows(path).flatten(0, 2), self.patch)
        features = self.glimpsed(glimpses.flatten(1)).relu().unflatten(0, (m, frames, k)).mean(1)
        loc, spread = self.summed(features).chunk(2, -1)
        return Moments(loc, scale_of(spread))

    def completed(self, x: Tensor, path: Tensor) -> Tensor:
        """Paths `[M, T, K, 3 or more]` with the mean code of each object in every frame."""
        look = self.looks(x, path).loc
        return torch.cat([path, look[:, None].expand(*path.shape[:3], -1)], -1)

    def shown(self, where: Tensor) -> Tensor:
        """See `STOVE.shown`; the last numbers of an object are its code."""
        channels = self.event_shape[1]
        return super().shown(where) + self.dress(where[:, -self.look :]).unflatten(
            -1, (channels + 1, self.patch, self.patch)
        )

    def framed(self, where: Tensor, patch: Tensor, opacity: Tensor) -> Tensor:
        """See `STOVE.framed`: the middle of what can be seen of a patch is at the place of its object.

        Else a patch off the middle of its window, of each code another, could make up for wrong places.
        """
        window = super().framed(where, patch, opacity)
        ground = self.still().mean((-1, -2))[:, None, None]
        ink = opacity * ((patch - ground).abs().mean(1, keepdim=True) + _FAINT)
        middle = (ink * grid(self.patch, self.patch, ink)).sum((-1, -2)) / ink.sum((-1, -2))
        return torch.cat([window[:, :2], window[:, 2:] - window[:, :2] * middle], -1)

    # ------------------------------------------------------------------ the face of all models

    def amortised(self, x: Tensor) -> LookedPaths:
        """q(z, a|x) for videos `[B, T, C, H, W]`: batch shape `[B]`, event shape `[T, K, 5 + d]`."""
        path = super().amortised(x)
        assert isinstance(path, PathPosterior)
        return LookedPaths(path, lambda path: self.looks(x, path), self.look)

    def prior(self) -> LookedPaths:
        """p(z, a)."""

        def alike(path: Tensor) -> Moments:
            like = path.new_zeros(len(path), self.n_objects, self.look)
            return Moments(like, torch.ones_like(like))

        path = super().prior()
        assert isinstance(path, PathPrior)
        return LookedPaths(path, alike, self.look)


class AppearanceFrames(nn.Module):
    """Frames alone, as `latentia.models.scenes.stove_phases.FramePhase`: a bound in which each frame is a sequence of its own.

    Args:
        model: what sees and paints.
    """

    def __init__(self, model: AppearanceSTOVE) -> None:
        super().__init__()
        self.model = model

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over videos `[B, T, C, H, W]`, frame by frame."""
        model, lead = self.model, (n_samples, *x.shape[:2])
        frames = x.flatten(0, 1)
        seen = model.see(frames)
        noise = standard_normal((*lead, model.n_objects, _WHERE + model.look), seen.loc, item_dim=1)
        loc, scale = (part.unflatten(0, x.shape[:2]).expand(*lead, -1, -1) for part in (seen.loc, seen.scale))
        where = loc + scale * noise[..., :_WHERE]
        looks = model.looks(frames[:, None], where.flatten(0, 2)[:, None])
        own = (part.unflatten(0, lead) for part in (looks.loc, looks.scale))
        q = Moments(*(torch.cat(pair, -1) for pair in zip((loc, scale), own, strict=True)))
        z = q.loc + q.scale * noise
        first = model.first(z.new_zeros(*z.shape[:-1], STATE))
        p = Moments(
            torch.zeros_like(z),
            torch.cat([first.scale[..., :_WHERE], torch.ones_like(looks.loc).unflatten(0, lead)], -1),
        )
        likelihood = model.decode(z)
        posterior, prior = (DiagonalGaussian(part.loc, part.scale, 3, validate_args=False) for part in (q, p))
        return Trace(x, z, posterior, prior, likelihood, likelihood.log_prob(x), q.divergence(p).flatten(2))

    def prepare(self, x: Tensor) -> None:
        """See `STOVE.prepare`."""
        self.model.prepare(x)

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Nothing."""
