"""STOVE: the frames of a video as objects that move, and a dynamics by which they go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.func import functional_call

from latentia.core import Trace
from latentia.distributions import DiagonalGaussian
from latentia.latent.scenes.looks import LookedPaths
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.objects import scale_of
from latentia.latent.scenes.paths import STATE, Moments, PathPosterior, PathPrior
from latentia.models.importance import importance_log_prob
from latentia.models.vae import evaluating
from latentia.nn.dense import dense, spread_start
from latentia.nn.relations import Relations
from latentia.nn.spatial import grid, paste

_WHERE = 3  # numbers of an object in a frame: size, x, y
_REACH = 0.95  # of half a frame: centres lie within
_SIZES = (0.1, 0.6)  # shares of a frame
_SURE = -5.0  # log-variance of places with which training starts
_FIRST = (1.0, 0.6, 0.6, 0.1, 0.1)  # standard deviations of p(z_1)
_RESIZING = 0.1  # standard deviation of a size from frame to frame
_STEPS = (0.003, 0.2)  # least and most standard deviation of places and velocities given those before
_QUICK = (
    10.0  # logits of the template are so many times its numbers: it learns as much faster than the networks
)
_BLOB = (
    1.0,
    6.0,
)  # logit of the opacity in the middle of the template at the start, and its fall towards the corners


class STOVE(nn.Module):
    r"""p(x, z) = p(z_1) \prod_t p(z_t | z_{t-1}) N(x_t; \mathrm{paint}(z_t), \sigma^2), videos of K objects that look alike.

    A state is, of each object, its size, place and velocity. p(z_t | z_{t-1}) is a Gaussian around what a network of objects and pairs
    expects; q is a filter (`latentia.latent.scenes.paths.PathPosterior`). A frame is a ground, on which a template with an opacity is
    painted at each object's place. The bound is a proper one:

    .. math:: \mathcal L = \sum_t E[\log p(x_t | z_t) - \mathrm{KL}(q(z_t | z_{t-1}, x) \| p(z_t | z_{t-1}))]

    Source: Kossen et al. 2020, Structured Object-Aware Physics Prediction for Video Modeling and Planning. Its objective is no bound (no
    prior on sizes, a patch likelihood times the area of the window, no divergence of the first state): the priors here make it one.

    Args:
        event_shape: `[T, C, H, W]`.
        n_objects: K.
        patch: side of the template in pixels.
        width: of the recurrent network.
        noise: sigma.

    Example:
        >>> model = STOVE((4, 1, 16, 16), n_objects=2, width=16)
        >>> trace = model.trace(torch.zeros(3, 4, 1, 16, 16))
        >>> trace.z.shape, trace.kl.shape
        (torch.Size([1, 3, 4, 2, 5]), torch.Size([1, 3, 40]))
    """

    speed: Tensor
    begun: Tensor

    def __init__(
        self,
        event_shape: Sequence[int],
        n_objects: int = 3,
        *,
        patch: int = 12,
        width: int = 256,
        noise: PixelNoise | None = None,
    ) -> None:
        super().__init__()
        self.event_shape = torch.Size(int(size) for size in event_shape)
        self.n_objects = n_objects
        channels, height, columns = self.event_shape[1:]
        size = channels * height * columns
        self.read = nn.Sequential(nn.Flatten(), nn.Linear(size, width), nn.ReLU())
        self.recur = nn.LSTMCell(width + _WHERE, width)
        self.head = dense(width, 200, 2 * _WHERE, start=spread_start(_WHERE, _SURE))
        self.template = nn.Parameter(torch.zeros(channels, patch, patch))
        middle, fall = _BLOB
        self.opacity = nn.Parameter(
            (middle - fall * grid(patch, patch).square().sum(0, keepdim=True)) / _QUICK
        )
        self.ground = nn.Parameter(torch.zeros(channels, height, columns))
        self.relations = Relations(4)
        self.log_step = nn.Parameter(torch.tensor([-4.0, -4.0]))
        self.likelihood = PixelNoise(0.2) if noise is None else noise
        self.register_buffer("speed", torch.tensor(0.05))
        self.register_buffer("begun", torch.tensor(False))

    # ------------------------------------------------------------------ frames

    def see(self, frames: Tensor) -> Moments:
        """Sizes and places of objects in frames `[M, C, H, W]`, in no order that lasts, `[M, K, 3]`."""
        m = len(frames)
        state = (frames.new_zeros(m, self.recur.hidden_size), frames.new_zeros(m, self.recur.hidden_size))
        where, canvas = frames.new_zeros(m, _WHERE), self.still().expand(m, -1, -1, -1)
        found: list[tuple[Tensor, Tensor]] = []
        for _ in range(self.n_objects):
            state = self.recur(torch.cat([self.read(frames - canvas.detach()), where], -1), state)
            raw, spread = self.head(state[0]).chunk(2, -1)
            where = torch.cat([raw[:, :1], _REACH * raw[:, 1:].tanh()], -1)
            found.append((where, scale_of(spread).clamp(max=0.3)))
            canvas = self._over(canvas, self.completed(frames[:, None], where[:, None, None])[:, 0, 0])
        return Moments(*(torch.stack(part, 1) for part in zip(*found, strict=True)))

    def still(self) -> Tensor:
        """The ground alone, `[C, H, W]`."""
        return self.ground.sigmoid()

    def windows(self, where: Tensor) -> Tensor:
        """Windows `[*, 4]` (see `latentia.nn.spatial`) of objects `[*, 3 or more]`."""
        side = self.sizes(where)[..., None]
        return torch.cat([side, side, where[..., 1:3]], -1)

    def completed(self, x: Tensor, path: Tensor) -> Tensor:  # noqa: ARG002  objects look alike
        """Paths `[M, T, K, 3 or more]` with what else is known of their objects from videos `[M, T, C, H, W]`: nothing."""
        return path

    def shown(self, where: Tensor) -> Tensor:
        """Logits of the patch that is painted of objects `[M, 3 or more]` and of its opacity, `[M, C + 1, P, P]`."""
        return (_QUICK * torch.cat([self.template, self.opacity])).expand(len(where), -1, -1, -1)

    def framed(self, where: Tensor, patch: Tensor, opacity: Tensor) -> Tensor:  # noqa: ARG002  they are in the middle
        """Windows `[M, 4]` in which the patches of objects `[M, 3 or more]` are painted."""
        return self.windows(where)

    def _over(self, canvas: Tensor, where: Tensor) -> Tensor:
        """Canvases `[M, C, H, W]` with one object more."""
        patch, opacity = self.shown(where).sigmoid().split((self.event_shape[1], 1), 1)
        window = self.framed(where, patch, opacity)
        painted = paste(torch.cat([patch * opacity, opacity], 1), window, self.event_shape[2:])
        return canvas * (1 - painted[:, -1:]) + painted[:, :-1]

    def paint(self, where: Tensor) -> Tensor:
        """Mean frames `[M, C, H, W]` of objects `[M, K, 3 or more]`."""
        canvas = self.still().expand(len(where), -1, -1, -1)
        for k in range(where.shape[1]):
            canvas = self._over(canvas, where[:, k])
        return canvas

    def sizes(self, z: Tensor) -> Tensor:
        """Sides of objects as shares of the frame, of states `[*, 5]`."""
        return _SIZES[0] + (_SIZES[1] - _SIZES[0]) * z[..., 0].sigmoid()

    # ------------------------------------------------------------------ dynamics

    def first(self, like: Tensor) -> Moments:
        """p(z_1)."""
        return Moments(torch.zeros_like(like), like.new_tensor(_FIRST).expand_as(like))

    def expected(self, z: Tensor, held: bool = False) -> Tensor:
        """States a frame later, `[M, K, 5 or more]`: velocities change, places follow, all else stays; `held`: without a gradient for the network."""
        moving = torch.cat([z[..., 1:3], z[..., 3:STATE] / self.speed], -1)
        weights = (
            {name: weight.detach() for name, weight in self.relations.named_parameters()} if held else {}
        )
        velocity = z[..., 3:STATE] + self.speed * functional_call(self.relations, weights, (moving,))
        return torch.cat([z[..., :1], z[..., 1:3] + velocity, velocity, z[..., STATE:]], -1)

    def next(self, z: Tensor) -> Moments:
        """p(z_t | z_{t-1}). Its network learns from rollouts alone (`stove_phases.DynamicsPhase`): one frame ahead says too little of it."""
        place, speed = self.log_step.exp().clamp(*_STEPS)
        one = torch.ones_like(place)
        scale = torch.stack([_RESIZING * one, place, place, speed, speed])
        return Moments(
            self.expected(z, held=True), nn.functional.pad(scale, (0, z.shape[-1] - STATE)).expand_as(z)
        )

    def rolled(self, z: Tensor, n_steps: int, noise: Tensor | None = None) -> Tensor:
        """States ahead `[M, n_steps, K, 5 or more]` of states `[M, K, 5 or more]`; with noise of that shape a draw, else the expected path."""
        path: list[Tensor] = []
        for t in range(n_steps):
            if noise is None:
                z = self.expected(z)
            else:
                p = self.next(z)
                z = p.loc + p.scale * noise[:, t]
            path.append(z)
        return torch.stack(path, 1)

    # ------------------------------------------------------------------ the face of all models

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of what sees frames, for schedules in which it moves alone."""
        for part in (self.read, self.recur, self.head):
            yield from part.parameters()

    def amortised(self, x: Tensor) -> PathPosterior | LookedPaths:
        """q(z|x) for videos `[B, T, C, H, W]`: batch shape `[B]`, event shape `[T, K, 5]`."""
        seen = self.see(x.flatten(0, 1))
        return PathPosterior(self, *(part.unflatten(0, x.shape[:2]) for part in (seen.loc, seen.scale)))

    def encode(self, x: Tensor) -> PathPosterior | LookedPaths:
        """The same: nothing refines it."""
        return self.amortised(x)

    def prior(self) -> PathPrior | LookedPaths:
        """p(z)."""
        return PathPrior(self, (self.event_shape[0], self.n_objects), self.ground)

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z) for paths `[*, T, K, 5]`."""
        frames = self.paint(z.reshape(-1, *z.shape[-2:]))
        canvases = frames.reshape(*z.shape[:-2], *self.event_shape[1:])
        return DiagonalGaussian(canvases, self.likelihood().expand_as(canvases), 4, validate_args=False)

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:  # noqa: ARG002  the face of all models
        """The same: nothing of a video but itself is conditioned on."""
        return self.decode(z)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, T, C, H, W]` with `n_samples` paths a video."""
        posterior = self.encode(x)
        z, rates = (part.unflatten(0, (n_samples, len(x))) for part in posterior.drawn(n_samples))
        likelihood = self.decode(z)
        return Trace(x, z, posterior, self.prior(), likelihood, likelihood.log_prob(x), rates.flatten(2))

    # ------------------------------------------------------------------ use

    @torch.no_grad()
    def sample(self, n: int, mean: bool = False, prior: Distribution | None = None) -> Tensor:
        """`n` videos `[n, T, C, H, W]`: paths from the prior (or `prior`), painted; with `mean` without the noise of pixels."""
        p = self.decode((self.prior() if prior is None else prior).sample(torch.Size([n])))
        return p.mean if mean else p.sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        return 4 * self.n_objects * self.event_shape.numel()

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """The ground begins as the median of the frames, once: what moves is seldom in one place."""
        if bool(self.begun):
            return
        self.begun.fill_(True)
        middle = x.flatten(0, 1)[:: max(1, x.shape[0] * x.shape[1] // 500)].median(0).values
        self.ground.copy_(middle.clamp(0.01, 0.99).logit())

    def advance(self, progress: float) -> None:
        """Take note of the share of training that is done."""
        self.likelihood.progress = progress

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Nothing: sigma is fixed."""
