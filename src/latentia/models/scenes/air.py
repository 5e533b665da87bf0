"""Attend, infer, repeat: an image as a number of objects in windows, the number summed out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.core import Scene, Trace
from latentia.distributions import DiagonalGaussian
from latentia.errors import ConfigError
from latentia.latent.scenes.counts import (
    CountedImages,
    CountPrior,
    at_least,
    gaussian,
    kept_open,
    stop_log_weights,
)
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.objects import Choose, ObjectPosterior, Unrolled, scale_of
from latentia.latent.scenes.windows import scene_of_windows
from latentia.models.importance import importance_log_prob
from latentia.models.vae import evaluating
from latentia.nn.dense import dense, spread_start
from latentia.nn.spatial import glimpse, paste, windows_of

WHERE = 3  # numbers of a window: size, x, y
_DARK = -2.0  # logit of the pixels of patches at the start
_SURE_WHERE, _SURE_WHAT = -4.0, -2.0
"""Log-variances with which training starts: windows that jump about teach nothing."""


class AIR(nn.Module):
    r"""p(x, n, z) = p(n) prod_i p(z_i) N(x; sum_{i <= n} paste(patch(z_i)), sigma^2), images with up to N objects in windows.

    An object's code is z_i = (where, what): where_i gives a window of side s = s_min + (s_max - s_min) sigmoid(where_1) and centre
    tanh(where_2, where_3), so that no window leaves the image or shrinks to nothing; what_i gives the patch in it. All are
    N(0, 1) a priori. Inference sees what the objects before leave over (x - canvas_{i-1}), and goes on to object i with probability
    p_i, so that q(n|x, z) = (1 - p_{n+1}) prod_{i <= n} p_i. All N objects are always unrolled, and n is summed out:

    .. math:: \mathcal L = E_{z_{1..N}} \sum_n q(n|x, z) \Big[\log p(x | \text{canvas}_n) + \log p(n) - \log q(n|x, z)
        - \sum_{i \le n} \mathrm{KL}(q(z_i|x, z_{<i}) \| p(z_i))\Big]

    which is a bound without a sampled count: z_{>n} is in no term of n, and q(n) depends on z_{<= n} alone. In the first part of
    training a share e of q(n) is even over all counts (`advance`): still a posterior, so still a bound, and every object learns to
    paint before the count may close.

    Source: Eslami et al. 2016, Attend, Infer, Repeat; the sum over n, the bounded windows and the residual input are this project's.

    Args:
        event_shape: `[C, H, W]`.
        n_slots: N.
        latent_dim: d, length of a what.
        patch: side of a patch in pixels.
        width: of the recurrent network.
        rho: p(n) is proportional to rho^n.
        noise: sigma.
        residual: whether the recurrent network sees the image less what is painted; else the image. Glimpses are of the image.
        sizes: s_min and s_max, shares of the image's side.
        open_until: share of training at which e has fallen from 1 to 0.

    Example:
        >>> model = AIR((1, 16, 16), n_slots=2, latent_dim=4, patch=8, width=16)
        >>> trace = model.trace(torch.zeros(3, 1, 16, 16))
        >>> trace.z.shape, trace.kl.shape, trace.scene.masks.shape
        (torch.Size([1, 3, 2, 7]), torch.Size([1, 3, 15]), torch.Size([1, 3, 3, 16, 16]))
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_slots: int = 3,
        latent_dim: int = 16,
        *,
        patch: int = 20,
        width: int = 256,
        rho: float = 0.5,
        noise: PixelNoise | None = None,
        residual: bool = True,
        sizes: tuple[float, float] = (0.2, 0.7),
        open_until: float = 0.35,
    ) -> None:
        super().__init__()
        if not 0 < sizes[0] < sizes[1] <= 1:
            raise ConfigError(
                f"sizes={sizes}: the smallest and the largest share of the side, in (0, 1], are expected"
            )
        self.event_shape = torch.Size(int(size) for size in event_shape)
        channels = self.event_shape[0]
        self.sizes = sizes
        self.n_slots, self.latent_dim, self.patch, self.residual = n_slots, latent_dim, patch, residual
        self.open_until, self.openness = open_until, 0.0
        size = channels * patch * patch
        self.read = nn.Sequential(nn.Flatten(), nn.Linear(self.event_shape.numel(), width), nn.ReLU())
        self.recur = nn.LSTMCell(width + WHERE + latent_dim, width)
        stop = torch.cat([torch.zeros(1), spread_start(WHERE, _SURE_WHERE)])
        self.head = dense(width, 200, 1 + 2 * WHERE, start=stop)
        self.look = nn.Sequential(
            nn.Flatten(), dense(size, 400, 200, 2 * latent_dim, start=spread_start(latent_dim, _SURE_WHAT))
        )
        self.paint = nn.Sequential(
            dense(latent_dim, 200, size, start=_DARK), nn.Unflatten(1, (channels, patch, patch))
        )
        self.count_prior = CountPrior(n_slots, rho)
        self.likelihood = PixelNoise(0.3) if noise is None else noise
        self.register_buffer("zeros", torch.zeros(n_slots, WHERE + latent_dim), persistent=False)

    zeros: Tensor

    # ------------------------------------------------------------------ inference

    def unroll(self, x: Tensor, choose: Choose) -> Unrolled:
        """Find N objects in images `[M, C, H, W]`; `choose(i, loc, scale)` gives the code of object i, where and then what."""
        m = len(x)
        state = (x.new_zeros(m, self.recur.hidden_size), x.new_zeros(m, self.recur.hidden_size))
        code = x.new_zeros(m, WHERE + self.latent_dim)
        canvas = torch.zeros_like(x)
        found: list[tuple[Tensor, ...]] = []
        for i in range(self.n_slots):
            seen = x - canvas.detach() if self.residual else x
            state = self.recur(torch.cat([self.read(seen), code], -1), state)
            logit, loc, raw = self.head(state[0]).split([1, WHERE, WHERE], -1)
            scale = scale_of(raw)
            filler = loc.new_zeros(m, self.latent_dim)
            where = choose(i, torch.cat([loc, filler], -1), torch.cat([scale, filler + 1], -1))[:, :WHERE]
            window = self.windows(where)
            what_loc, what_raw = self.look(glimpse(x, window, self.patch)).chunk(2, -1)
            loc, scale = torch.cat([loc, what_loc], -1), torch.cat([scale, scale_of(what_raw)], -1)
            code = torch.cat([where, choose(i, loc, scale)[:, WHERE:]], -1)
            layer = self.layer(code[:, WHERE:], window)
            canvas = canvas + layer
            found.append((code, loc, scale, logit[:, 0], layer, window))
        return Unrolled(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))

    def windows(self, where: Tensor) -> Tensor:
        """s_x, s_y, t_x, t_y of windows, `[*, 4]`, of the numbers where `[*, 3]`."""
        low, high = self.sizes
        side = low + (high - low) * where[..., :1].sigmoid()
        return torch.cat([side, side, where[..., 1:].tanh()], -1)

    def layer(self, what: Tensor, window: Tensor) -> Tensor:
        """Objects alone, each in its place, `[M, C, H, W]`."""
        return paste(self.paint(what).sigmoid(), window, self.event_shape[1:])

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of q(n, z|x), for schedules in which it moves alone."""
        for part in (self.read, self.recur, self.head, self.look):
            yield from part.parameters()

    def amortised(self, x: Tensor) -> ObjectPosterior:
        """q(z|x) for a batch `[B, C, H, W]`: batch shape `[B]`, event shape `[N, 3 + d]`."""
        return ObjectPosterior(self.unroll, x, self.zeros.shape)

    def encode(self, x: Tensor) -> ObjectPosterior:
        """The same: nothing refines it."""
        return self.amortised(x)

    def prior(self) -> DiagonalGaussian:
        """p(z): standard normal, whatever n is."""
        return DiagonalGaussian(self.zeros, torch.ones_like(self.zeros), 2, validate_args=False)

    # ------------------------------------------------------------------ generation

    @property
    def object_slots(self) -> tuple[int, ...]:
        """The slots of a scene that have a code; slot 0 is the background."""
        return tuple(range(1, self.n_slots + 1))

    def own_codes(self, z: Tensor) -> Tensor:
        """What each object looks like wherever it is, `[*, N, d]`, of codes `[*, N, 3 + d]`."""
        return z[..., WHERE:]

    def assembled(self, codes: Tensor, where: Tensor, presence: Tensor) -> Tensor:
        """Images `[M, C, H, W]` of objects: codes `[M, N, d]`, boxes `[M, N, 4]` as shares of the image, presence `[M, N]`."""
        windows = windows_of(where).flatten(0, 1)
        layers = self.layer(codes.flatten(0, 1), windows).unflatten(0, presence.shape)
        return (presence[..., None, None, None] * layers).sum(1)

    def layers_of(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Objects alone `[*, N, C, H, W]` and their windows `[*, N, 4]`, of codes `[*, N, 3 + d]`."""
        flat = z.reshape(-1, z.shape[-1])
        window = self.windows(flat[:, :WHERE])
        layers = self.layer(flat[:, WHERE:], window)
        return layers.reshape(*z.shape[:-1], *self.event_shape), window.reshape(*z.shape[:-1], 4)

    def decode(self, z: Tensor) -> CountedImages:
        """p(x|z) for codes `[*, N, 3 + d]`, n drawn from its prior."""
        layers, _ = self.layers_of(z)
        canvases = torch.cat([torch.zeros_like(layers[..., :1, :, :, :]), layers.cumsum(-4)], -4)
        return CountedImages(self.count_prior(), canvases, self.likelihood())

    def conditional(self, z: Tensor, x: Tensor) -> CountedImages:  # noqa: ARG002  the face of all models
        """The same: nothing of an image but itself is conditioned on."""
        return self.decode(z)

    # ------------------------------------------------------------------ the bound

    def advance(self, progress: float) -> None:
        """Let the count close as training goes on."""
        self.openness = max(0.0, 1 - progress / self.open_until) if self.open_until > 0 else 0.0
        self.likelihood.progress = progress

    def log_counts(self, logits: Tensor) -> Tensor:
        """Log q(n|x, z), `[*, N + 1]`, in training kept open."""
        return kept_open(stop_log_weights(logits), self.openness if self.training else 0.0)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, C, H, W]` with `n_samples` draws of z an image."""
        posterior = self.encode(x)
        return self._traced(x, posterior, posterior.drawn(n_samples), n_samples)

    def _traced(self, x: Tensor, posterior: ObjectPosterior, found: Unrolled, n_samples: int) -> Trace:
        lead = (n_samples, len(x))
        log_q = self.log_counts(found.logits).unflatten(0, lead)
        canvases = found.canvases.unflatten(0, lead)
        squares = (x[:, None] - canvases).square().flatten(3).sum(-1)
        sigma = self.likelihood((log_q.exp() * squares).sum(-1) / self.event_shape.numel())
        log_p = gaussian(squares, sigma, self.event_shape.numel())
        there = at_least(log_q)
        rate = found.rates.unflatten(0, lead)
        of_count = (log_q.exp() * (log_q - self.count_prior())).sum(-1, keepdim=True)
        return Trace(
            x=x,
            z=found.z.unflatten(0, lead),
            posterior=posterior,
            prior=self.prior(),
            likelihood=CountedImages(log_q, canvases, sigma),
            log_likelihood=(log_q.exp() * log_p).sum(-1),
            kl=torch.cat([(there[..., None] * rate).flatten(2), of_count], -1),
            scene=scene_of_windows(x, found, log_q),
        )

    @torch.no_grad()
    def seen(self, x: Tensor) -> tuple[Tensor, Scene]:
        """Codes without noise `[B, N, 3 + d]`, and what they say of images `[B, C, H, W]` (one sample)."""
        found = self.encode(x).central()
        return found.z, scene_of_windows(x, found, self.log_counts(found.logits)[None])

    def log_weights(
        self,
        z: Tensor,
        x: Tensor,
        posterior: ObjectPosterior,
        prior: DiagonalGaussian,  # noqa: ARG002  it is standard normal
    ) -> Tensor:
        r"""Importance weights with n summed out, in nats, `[S, B]`: their mean is p(x), whatever q(n|x, z) is.

        .. math:: \log w = \log \sum_n p(n)\, p(x|\text{canvas}_n) \prod_{i \le n} p(z_i) / q(z_i|x, z_{<i})
        """
        found = posterior.at(z)
        lead = z.shape[:2]
        squares = (x[:, None] - found.canvases.unflatten(0, lead)).square().flatten(3).sum(-1)
        log_p = gaussian(squares, self.likelihood(), self.event_shape.numel())
        whitened = (found.z - found.loc) / found.scale
        log_ratio = 0.5 * (whitened.square() - found.z.square()) + found.scale.log()
        ratio = log_ratio.sum(-1).unflatten(0, lead).cumsum(-1)
        ratio = torch.cat([torch.zeros_like(ratio[..., :1]), ratio], -1)
        return (self.count_prior() + log_p + ratio).logsumexp(-1)

    # ------------------------------------------------------------------ use

    @torch.no_grad()
    def sample(self, n: int, mean: bool = False, prior: Distribution | None = None) -> Tensor:
        """`n` images: codes from the prior (or `prior`), then a count; with `mean` without the noise of pixels."""
        p = self.decode((self.prior() if prior is None else prior).sample(torch.Size([n])))
        return p.drawn() if mean else p.sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        return 6 * (self.n_slots + 1) * self.event_shape.numel() + 4 * self.recur.hidden_size

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
                found = self.encode(x).drawn(1)
                squares = (x[:, None] - found.canvases).square().flatten(2).mean(-1)
                self.likelihood.accumulate((self.log_counts(found.logits).exp() * squares).sum(-1))
            self.likelihood.finish()
