"""Published loops of models of scenes, written plainly: what the speed rows of `scenes.py` and `videos.py` are held against.

AIR and STOVE go a window and a frame at a time and place windows by `affine_grid` and `grid_sample`; MONet decodes a slot at a time. They are
written from the papers, with the sizes of the models of this project.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rows = dict[str, Callable[[int], str]]


def steps_by_turns(
    losses: dict[str, tuple[nn.Module, Callable[[], Tensor]]], turns: int = 12, steps: int = 3
) -> dict[str, float]:
    """Median seconds of a training step of each, taken by turns; CPU time, on a GPU the clock's.

    Args:
        losses: name -> module and a function that gives its loss.
        turns: of which the first two do not count.
        steps: of a turn.
    """
    adams = {name: torch.optim.Adam(module.parameters(), 5e-4) for name, (module, _) in losses.items()}
    seconds: dict[str, list[float]] = {name: [] for name in losses}
    for turn in range(turns):
        for name, (_, loss) in losses.items():
            started = clock()
            for _ in range(steps):
                adams[name].zero_grad()
                loss().backward()
                adams[name].step()
            if turn > 1 or turns <= 2:
                seconds[name].append((clock() - started) / steps)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def chosen_rows(
    parser: argparse.ArgumentParser, given: argparse.Namespace, rows: Rows, gpu_rows: Rows
) -> Rows:
    """The rows that are asked for; those of a card are refused in one line where there is none, unless a few steps are enough."""
    there = gpu_rows if given.gpu else rows
    for name in given.only or there:
        if name not in there:
            parser.error(f"{name} is run with{'out' * given.gpu} --gpu")
    if given.gpu and given.steps is None and not torch.cuda.is_available():
        parser.error("--gpu: there is no CUDA here; --steps 3 shows that the rows run")
    return {name: there[name] for name in given.only or there}


def clock() -> float:
    """Seconds: of the CPU, or with a GPU of the wall, once it has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def read_grid(side: Tensor, shift: Tensor, shape: Sequence[int]) -> Tensor:
    """The grid that cuts a window of a side `[M, 1]` (a share of the image's) and a centre `[M, 2]` out of an image."""
    zero = torch.zeros_like(side)
    theta = torch.stack(
        [torch.cat([side, zero, shift[:, :1]], 1), torch.cat([zero, side, shift[:, 1:]], 1)], 1
    )
    return F.affine_grid(theta, list(shape), align_corners=False)


def write_grid(side: Tensor, shift: Tensor, shape: Sequence[int]) -> Tensor:
    """The inverse: the grid that places a patch in an image."""
    return read_grid(1 / side, -shift / side, shape)


class AirLoop(nn.Module):
    """AIR as it is usually written: an affine grid for every glimpse and paste, a drawn presence, a learned baseline."""

    def __init__(self, side: int, n: int = 3, d: int = 16, patch: int = 20, width: int = 256) -> None:
        super().__init__()
        self.side, self.n, self.patch = side, n, patch
        self.recur = nn.LSTMCell(side * side + 3 + d + 1, width)
        self.head = nn.Sequential(nn.Linear(width, 200), nn.ReLU(), nn.Linear(200, 7))
        self.look = nn.Sequential(
            nn.Linear(patch**2, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU(), nn.Linear(200, 2 * d)
        )
        self.paint = nn.Sequential(nn.Linear(d, 200), nn.ReLU(), nn.Linear(200, patch**2))
        self.base_recur = nn.LSTMCell(side * side + 3 + d + 1, width)
        self.base_head = nn.Linear(width, 1)
        self.d, self.width = d, width

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a batch `[B, 1, H, W]`."""
        m, flat = len(x), x.flatten(1)
        state = base = (x.new_zeros(m, self.width), x.new_zeros(m, self.width))
        code, there = x.new_zeros(m, 3 + self.d), x.new_ones(m, 1)
        canvas, rate, score, guess = torch.zeros_like(x), x.new_zeros(m), x.new_zeros(m), x.new_zeros(m)
        for _ in range(self.n):
            given = torch.cat([flat, code, there], 1)
            state, base = self.recur(given, state), self.base_recur(given.detach(), base)
            logit, loc, raw = self.head(state[0]).split([1, 3, 3], 1)
            p = there * logit.sigmoid()
            there = torch.bernoulli(p.detach())
            score = score + torch.distributions.Bernoulli(p.clamp(1e-6, 1 - 1e-6)).log_prob(there)[:, 0]
            where = loc + F.softplus(raw) * torch.randn_like(loc)
            size, shift = 0.2 + 0.5 * where[:, :1].sigmoid(), where[:, 1:].tanh()
            grid = read_grid(size, shift, [m, 1, self.patch, self.patch])
            mean, spread = self.look(F.grid_sample(x, grid, align_corners=False).flatten(1)).chunk(2, -1)
            what = mean + F.softplus(spread) * torch.randn_like(mean)
            patch = self.paint(what).sigmoid().unflatten(1, (1, self.patch, self.patch))
            grid = write_grid(size, shift, [m, 1, self.side, self.side])
            canvas = canvas + there[..., None, None] * F.grid_sample(patch, grid, align_corners=False)
            rate = rate + there[:, 0] * (kl(mean, F.softplus(spread)) + kl(loc, F.softplus(raw)))
            guess = guess + self.base_head(base[0])[:, 0]
            code = torch.cat([where, what], 1)
        loss = (x - canvas).square().flatten(1).sum(1) / (2 * 0.3**2) + rate
        return (loss + (loss - guess).detach() * score + (loss.detach() - guess).square()).mean()


def kl(mean: Tensor, scale: Tensor) -> Tensor:
    """From the standard normal distribution in nats, `[M]`."""
    return (0.5 * (mean.square() + scale.square() - 1) - scale.log()).sum(1)


class StoveLoop(nn.Module):
    """STOVE frame by frame: of each the objects one after another, matched one by one, each pair of them on its own.

    Args:
        side: of a frame in pixels.
        n: objects.
        patch: side of the template.
        width: of the recurrent network.
        narrow: width of the networks of objects and pairs.
    """

    def __init__(self, side: int, n: int = 3, patch: int = 12, width: int = 256, narrow: int = 64) -> None:
        super().__init__()
        self.side, self.n, self.width = side, n, width
        self.recur = nn.LSTMCell(side * side + 3, width)
        self.head = nn.Sequential(nn.Linear(width, 200), nn.ReLU(), nn.Linear(200, 6))
        self.template = nn.Parameter(torch.zeros(1, patch, patch))
        self.ground = nn.Parameter(torch.full((1, side, side), -4.0))
        self.own = nn.Sequential(nn.Linear(4, narrow), nn.ReLU(), nn.Linear(narrow, narrow))
        self.pair = nn.Sequential(
            nn.Linear(9, narrow), nn.ReLU(), nn.Linear(narrow, narrow), nn.ReLU(), nn.Linear(narrow, narrow)
        )
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(narrow, narrow), nn.ReLU(), nn.Linear(narrow, 2))

    def seen(self, frame: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Size, x and y of each object in frames `[M, 1, H, W]`: means and deviations, `[M, 3]`."""
        state = (frame.new_zeros(len(frame), self.width), frame.new_zeros(len(frame), self.width))
        where, found = frame.new_zeros(len(frame), 3), []
        for _ in range(self.n):
            state = self.recur(torch.cat([frame.flatten(1), where], 1), state)
            loc, raw = self.head(state[0]).chunk(2, 1)
            where = torch.cat([loc[:, :1], loc[:, 1:].tanh()], 1)
            found.append((where, 0.3 * raw.sigmoid()))
        return found

    def expected(self, objects: list[Tensor]) -> list[Tensor]:
        """Each object `[M, 5]` a frame later."""
        after = []
        for k, one in enumerate(objects):
            effect = self.own(one[:, 1:])
            for j, other in enumerate(objects):
                if j != k:
                    apart = other[:, 1:] - one[:, 1:]
                    distance = apart[:, :2].square().sum(1, keepdim=True).add(1e-6).sqrt()
                    effect = effect + self.pair(torch.cat([one[:, 1:], apart, distance], 1))
            velocity = one[:, 3:] + 0.05 * self.out(effect)
            after.append(torch.cat([one[:, :1], one[:, 1:3] + velocity, velocity], 1))
        return after

    def painted(self, objects: list[Tensor]) -> Tensor:
        """Frames `[M, 1, H, W]` of objects, one pasted over the other."""
        m = len(objects[0])
        canvas = self.ground.sigmoid().expand(m, -1, -1, -1)
        patch = self.template.sigmoid().expand(m, -1, -1, -1)
        for one in objects:
            grid = write_grid(0.1 + 0.5 * one[:, :1].sigmoid(), one[:, 1:3], [m, 1, self.side, self.side])
            layer = F.grid_sample(patch, grid, align_corners=False)
            there = F.grid_sample(torch.ones_like(patch), grid, align_corners=False)
            canvas = canvas * (1 - there) + there * layer
        return canvas

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a batch of videos `[B, T, 1, H, W]`."""
        loss = x.new_zeros(len(x))
        objects: list[Tensor] = []
        before: list[tuple[Tensor, Tensor]] = []
        for t in range(x.shape[1]):
            found = self.seen(x[:, t])
            expected = self.expected(objects) if objects else [F.pad(loc, (0, 2)) for loc, _ in found]
            here = [nearest(found, one) for one in expected] if objects else found
            objects = []
            for k, (loc, scale) in enumerate(here):
                speed = (loc - before[k][0])[:, 1:] if before else torch.zeros_like(loc[:, 1:])
                spread = torch.cat([scale, (2 * scale.square()).sqrt()[:, 1:]], 1).clamp_min(1e-3)
                seen, step = torch.cat([loc, speed], 1), torch.full_like(spread, 0.05)
                precision = spread.square().reciprocal() + step.square().reciprocal()
                mean = (seen / spread.square() + expected[k] / step.square()) / precision
                objects.append(mean + precision.rsqrt() * torch.randn_like(mean))
                loss = loss + kl((mean - expected[k]) / step, precision.rsqrt() / step)
            loss = loss + (x[:, t] - self.painted(objects)).square().flatten(1).sum(1) / (2 * 0.2**2)
            before = here
        return loss.mean()


def nearest(found: list[tuple[Tensor, Tensor]], one: Tensor) -> tuple[Tensor, Tensor]:
    """The object that is nearest to where one is expected (one may be taken twice)."""
    far = torch.stack([(loc[:, 1:3] - one[:, 1:3]).square().sum(1) for loc, _ in found], 1)
    rows, at = torch.arange(len(one), device=one.device), far.argmin(1)
    return torch.stack([loc for loc, _ in found], 1)[rows, at], torch.stack([s for _, s in found], 1)[
        rows, at
    ]


class MonetLoop(nn.Module):
    """MONet a slot at a time: attention, then encoder and spatial broadcast decoder at full resolution, for each of them.

    Args:
        attention: the network of the masks, `[M, C + 1, H, W]` to `[M, 1, H, W]`: the same as that of the other model.
        side: of an image in pixels.
        n: slots.
        d: length of a code.
    """

    def __init__(self, attention: nn.Module, side: int, n: int = 5, d: int = 16) -> None:
        super().__init__()
        self.attention, self.n, self.side = attention, n, side
        deep = -(-side // 16)
        sizes = (4, 32, 32, 64, 64)
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(sizes):
            layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(64 * deep**2, 256),
            nn.ReLU(),
            nn.Linear(256, 2 * d),
        )
        sizes = (d + 2, 32, 32, 32, 32)
        layers = []
        for n_in, n_out in itertools.pairwise(sizes):
            layers += [nn.Conv2d(n_in, n_out, 3), nn.ReLU()]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(32, 4, 1))
        line = torch.linspace(-1, 1, side + 8)
        self.register_buffer("places", torch.stack(torch.meshgrid(line, line, indexing="ij")))

    places: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a batch `[B, 3, H, W]`, the paper's, with beta = gamma = 0.5."""
        left = torch.zeros_like(x[:, :1])
        joint, drawn, masks, rate = [], [], [], x.new_zeros(len(x))
        for k in range(self.n):
            if k < self.n - 1:
                logit = self.attention(torch.cat([x, left.clamp(min=-8)], 1))
                mask, left = left + F.logsigmoid(logit), left + F.logsigmoid(-logit)
            else:
                mask = left
            mean, raw = self.encoder(torch.cat([x, mask.clamp(min=-8)], 1)).chunk(2, 1)
            z = mean + F.softplus(raw) * torch.randn_like(mean)
            spread = z[..., None, None].expand(-1, -1, *self.places.shape[1:])
            out = self.decoder(torch.cat([spread, self.places.expand(len(x), -1, -1, -1)], 1))
            sigma = 0.09 if k == 0 else 0.11
            squares = (x - out[:, :3].sigmoid()).square().sum(1, keepdim=True)
            joint.append(mask - squares / (2 * sigma**2))
            drawn.append(out[:, 3:])
            masks.append(mask)
            rate = rate + kl(mean, F.softplus(raw))
        own, decoded = torch.cat(masks, 1), torch.cat(drawn, 1).log_softmax(1)
        unlike = (own.exp() * (own - decoded)).flatten(1).sum(1)
        return (-torch.cat(joint, 1).logsumexp(1).flatten(1).sum(1) + 0.5 * rate + 0.5 * unlike).mean()
