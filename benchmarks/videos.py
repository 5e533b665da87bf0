"""What a model of videos learns: places, and what comes next beside the simplest motions from the same states.

`--only NAME --seed N` runs one row and prints its figure; without `--only` all rows of the CPU are run one after another. Three balls that
collide, 32 x 32 grey pixels, 240 videos of 100 frames to learn from, 40 others to judge by. `--quick` takes one ball of 16 x 16 pixels, 60
videos of 36 frames, and a few seconds. Rows:

* places: mean distance of seen places from the true ones, as a share of the box: each frame matched on its own, and each video once.
* rollout: error of the network at 10 and 20 frames over that of straight motion with bounces off the walls, from the same inferred states.
* states: the same where the dynamics alone is learned from true states (of three balls; 600 videos of 60 frames, with `--quick` 100).
* stove-speed: training steps a second of STOVE over those of the published loop (a frame, an object, a pair at a time).

`--gpu` runs those that need a card, within 30 minutes (the fit sees first how long an epoch takes, and goes on for 22 minutes):

* stove: 1000 videos as in the paper; the error over ten frames in its unit, summed, and the energy that is left after 92.

`--steps N` (few) shows on any machine that such a row runs, with so many steps of the last phase.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from latentia import VideoVAE
from latentia.data import Balls
from latentia.data.balls import Videos
from latentia.diagnostics.tracking import (
    aligned,
    distances,
    energy_ratio,
    identity_switches,
    motions,
    per_frame,
)
from latentia.kinds.video.state import VideoState, state_of
from latentia.models.scenes.stove import STOVE
from scene_loops import StoveLoop, chosen_rows, steps_by_turns

FULL, QUICK = Balls("billiards", n=3, size=32, frames=100), Balls("billiards", n=1, size=16, frames=36)
N_TRAIN = {FULL: 240, QUICK: 60}
CONTEXT, WINDOW = 8, 12
setting = FULL
steps_given: int | None = None


@cache
def videos(n: int, seed: int) -> Videos:
    """Videos with all states."""
    return setting.sample(n, seed=seed)


@cache
def fitted(seed: int) -> tuple[VideoVAE, VideoState, float]:
    """The model, what it does with the test videos, and the CPU seconds of its fit."""
    train, test = videos(N_TRAIN[setting], 0), videos(40, 1)
    started = time.process_time()
    model = VideoVAE(n_objects=setting.n, random_state=seed).fit(train.x)
    seconds = time.process_time() - started
    truth = {"states": test.states, "radius": [test.radius]}
    return model, state_of(model, model._videos(test.x), truth), seconds


def places(seed: int) -> str:
    """Error of seen places."""
    model, state, seconds = fitted(seed)
    test = videos(40, 1)
    seen = np.stack([path[..., :2] for path in model.paths(test.x)])
    apart = np.linalg.norm(per_frame(test.states, seen) - test.states[..., :2], axis=-1)
    return (
        f"error {apart.mean():.4f} of the box ({(apart < 0.05).mean():.3f} within 0.05; {state.position_error:.4f} in one order for "
        f"each video; {state.switches:.2f} identity switches in 100 frames; seed {seed}, {seconds:.0f} CPU seconds)"
    )


def rollout(seed: int) -> str:
    """Errors ahead, over those of bounces alone."""
    _, state, seconds = fitted(seed)
    own, wall, straight = (
        {h: state.at(name, h) or np.nan for h in (10, 20)} for name in ("model", "reflecting", "linear")
    )
    text = ", ".join(
        f"{h} frames {own[h]:.3f} against {wall[h]:.3f} (straight {straight[h]:.3f})" for h in own
    )
    return (
        f"ratio {own[10] / wall[10]:.2f} at 10 and {own[20] / wall[20]:.2f} at 20 frames ({text}; energy kept "
        f"{state.energy[9]:.2f} and {state.energy[19]:.2f}; seed {seed}, {seconds:.0f} CPU seconds)"
    )


def states(seed: int, together: int = 256, ahead: int = 8) -> str:
    """The dynamics on true states: rolled on for eight frames, the distance of places is what is made small."""
    torch.manual_seed(seed)
    quick = setting is QUICK
    balls = replace(setting, n=3, frames=60)
    train, test = balls.sample(100 if quick else 600, seed=2), balls.sample(100, seed=3)
    steps = 300 if quick else 1500
    model = STOVE((WINDOW, 1, balls.size, balls.size), balls.n)

    def own(values: np.ndarray) -> torch.Tensor:
        z = torch.zeros(*values.shape[:-1], 5)
        z[..., 1:3] = 2 * torch.from_numpy(values[..., :2]) - 1
        z[..., 3:] = 2 * torch.from_numpy(values[..., 2:4])
        return z

    paths = own(train.states)
    model.speed.copy_(paths[..., 3:].square().mean().sqrt())
    adam = torch.optim.Adam(model.relations.parameters(), 3e-3)
    started = time.process_time()
    random = np.random.default_rng(seed)
    for step in range(steps):
        rows = random.integers(len(paths), size=together)
        first = random.integers(paths.shape[1] - ahead, size=together)
        batch = paths[rows[:, None], first[:, None] + np.arange(ahead + 1)]
        rolled = model.rolled(batch[:, 0], ahead)
        loss = (rolled[..., 1:3] - batch[:, 1:, :, 1:3]).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        for group in adam.param_groups:
            group["lr"] = 1.5e-3 * (1 + np.cos(np.pi * (step + 1) / steps))
    seconds = time.process_time() - started
    start = test.states[:, CONTEXT - 1]
    with torch.no_grad():
        rolled = model.rolled(own(start), 20)
    found = np.concatenate([(rolled[..., 1:3].numpy() + 1) / 2, rolled[..., 3:].numpy() / 2], -1)
    reference = test.states[:, CONTEXT : CONTEXT + 20]
    wall = distances(reference, motions(start, 20, test.radius)["reflecting"]).mean(0)
    error = distances(reference, found).mean(0)
    return (
        f"ratio {error[9] / wall[9]:.2f} at 10 frames, {error[:10].sum() / wall[:10].sum():.2f} of the sum of ten (at 10 {error[9]:.4f} "
        f"against {wall[9]:.4f}, the sum {error[:10].sum():.3f} against {wall[:10].sum():.3f}, at 20 {error[19]:.4f} against {wall[19]:.4f}; "
        f"energy kept {energy_ratio(found, start)[-1]:.2f}; seed {seed}, {seconds:.0f} CPU seconds)"
    )


def stove_speed(seed: int) -> str:
    """Training steps a second over those of the published loop, taken by turns."""
    torch.manual_seed(seed)
    x = torch.from_numpy(videos(8, 4).x[:, :WINDOW]).float() / 255
    ours = STOVE(x.shape[1:], setting.n).train()
    ours.prepare(x)
    theirs = StoveLoop(setting.size, setting.n)
    found = steps_by_turns(
        {"ours": (ours, lambda: -ours.trace(x).elbo.mean()), "theirs": (theirs, lambda: theirs(x))}
    )
    return (
        f"speed {found['theirs'] / found['ours']:.2f} times the published loop ({1000 * found['ours']:.0f} against "
        f"{1000 * found['theirs']:.0f} CPU ms a step)"
    )


def stove(seed: int) -> str:
    """The whole on a card, with the paper's data: 1000 videos to learn from, 300 to judge by."""
    together = 32
    many, few = (1000, 300) if steps_given is None else (-(-steps_given * together * WINDOW // 96), 4)
    train, test = videos(many + many // 9, 0), videos(few, 1)

    def fit(x: np.ndarray, passes: int) -> tuple[VideoVAE, float]:
        started = time.perf_counter()
        model = VideoVAE(n_objects=setting.n, max_epochs=passes, batch_size=together, random_state=seed).fit(
            x
        )
        return model, time.perf_counter() - started

    passes = 1
    if steps_given is None:
        passes = max(1, int(22 * 60 / (16 * fit(train.x[: len(train) // 16], 1)[1])))
    model, seconds = fit(train.x, passes)
    first = test.x[:, :CONTEXT]
    seen = np.stack([path[..., :4] for path in model.paths(first)])
    _, ahead = model.rollout(first, setting.frames - CONTEXT)
    found = aligned(test.states, np.concatenate([seen, ahead], 1))
    error = distances(test.states[:, CONTEXT:], found[:, CONTEXT:]).mean(0)
    energy = energy_ratio(found[:, CONTEXT:], test.states[:, CONTEXT - 1])
    return (
        f"error {2 * error[:10].sum():.3f} over ten frames, of half a box (at 10 {error[9]:.4f} of the box; energy kept {energy[-1]:.2f} "
        f"after {len(energy)} frames; {identity_switches(test.states[:, :CONTEXT], seen).value:.2f} identity switches in 100 frames; seed {seed}, "
        f"{passes} epochs in {seconds:.0f} seconds)"
    )


ROWS: dict[str, Callable[[int], str]] = {
    "places": places,
    "rollout": rollout,
    "states": states,
    "stove-speed": stove_speed,
}
GPU_ROWS: dict[str, Callable[[int], str]] = {"stove": stove}


def main(argv: list[str] | None = None) -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[*ROWS, *GPU_ROWS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--steps", type=int)
    given = parser.parse_args(argv)
    rows = chosen_rows(parser, given, ROWS, GPU_ROWS)
    global setting, steps_given
    setting, steps_given = QUICK if given.quick else FULL, given.steps
    videos.cache_clear()
    fitted.cache_clear()
    for name, row in rows.items():
        print(f"{name}: {row(given.seed)}", flush=True)


if __name__ == "__main__":
    main()
