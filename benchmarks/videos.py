"""What a model of videos learns on a CPU: places, and what comes next beside the simplest motions from the same states.

`--only NAME --seed N` runs one row and prints its figure; without `--only` all rows are run one after another. Three balls that collide,
32 x 32 grey pixels, 240 videos of 100 frames to learn from, 40 others to judge by. `--quick` takes one ball of 16 x 16 pixels, 60 videos of 36
frames, and a few seconds. Rows:

* places: mean distance of seen places from the true ones, as a share of the box.
* rollout: error of the network at 10 and 20 frames over that of straight motion with bounces off the walls, from the same inferred states.
* states: the same where the dynamics alone is learned from true states.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from latentia import VideoVAE
from latentia.data import Balls
from latentia.data.balls import Videos
from latentia.diagnostics.tracking import distances, motions
from latentia.kinds.video.state import state_of
from latentia.models.scenes.stove import STOVE
from latentia.models.scenes.stove_phases import SEEN, DynamicsPhase

FULL, QUICK = Balls("billiards", n=3, size=32, frames=100), Balls("billiards", n=1, size=16, frames=36)
N_TRAIN = {FULL: 240, QUICK: 60}
setting = FULL


@cache
def videos(n: int, seed: int) -> Videos:
    """Videos with all states."""
    return setting.sample(n, seed=seed)


@cache
def fitted(seed: int) -> tuple[VideoVAE, float]:
    """The model, and the CPU seconds of its fit."""
    started = time.process_time()
    model = VideoVAE(n_objects=setting.n, random_state=seed).fit(videos(N_TRAIN[setting], 0).x)
    return model, time.process_time() - started


def places(seed: int) -> str:
    """Error of seen places."""
    model, seconds = fitted(seed)
    test = videos(40, 1)
    state = state_of(model, model._videos(test.x), {"states": test.states, "radius": [test.radius]})
    return (
        f"error {state.position_error:.4f} of the box ({state.switches:.2f} identity switches in 100 frames; seed {seed}, "
        f"{seconds:.0f} CPU seconds)"
    )


def rollout(seed: int) -> str:
    """Errors ahead, over those of bounces alone."""
    model, seconds = fitted(seed)
    test = videos(40, 1)
    state = state_of(model, model._videos(test.x), {"states": test.states, "radius": [test.radius]})
    own = {h: state.at("model", h) or np.nan for h in (10, 20)}
    wall = {h: state.at("reflecting", h) or np.nan for h in (10, 20)}
    straight = {h: state.at("linear", h) or np.nan for h in (10, 20)}
    text = ", ".join(
        f"{h} frames {own[h]:.3f} against {wall[h]:.3f} (straight {straight[h]:.3f})" for h in own
    )
    return (
        f"ratio {own[10] / wall[10]:.2f} at 10 and {own[20] / wall[20]:.2f} at 20 frames ({text}; energy kept {state.energy[-1]:.2f}; "
        f"seed {seed}, {seconds:.0f} CPU seconds)"
    )


def states(seed: int) -> str:
    """The dynamics on true states."""
    torch.manual_seed(seed)
    train, test = videos(600, 2), videos(100, 3)
    model = STOVE((12, 1, setting.size, setting.size), setting.n)
    module = DynamicsPhase(model)

    def own(values: np.ndarray) -> torch.Tensor:
        z = torch.zeros(*values.shape[:-1], 5)
        z[..., 1:3] = 2 * torch.from_numpy(values[..., :2]) - 1
        z[..., 3:] = 2 * torch.from_numpy(values[..., 2:4])
        return z

    paths = own(train.states)
    model.speed.copy_(paths[..., 3:].square().mean().sqrt())
    adam = torch.optim.Adam(module.parameters(), 3e-3)
    started, steps = time.process_time(), 1200
    random = np.random.default_rng(seed)
    for step in range(steps):
        rows, first = random.integers(len(paths), size=256), random.integers(paths.shape[1] - 12, size=256)
        batch = paths[rows[:, None], first[:, None] + np.arange(12)]
        loss = -module.trace(batch).log_likelihood.mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        for group in adam.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
    start = own(test.states[:, SEEN - 1])
    with torch.no_grad():
        rolled = (model.rolled(start, 20)[..., 1:3].numpy() + 1) / 2
    reference = test.states[:, SEEN : SEEN + 20]
    wall = distances(reference, motions(test.states[:, SEEN - 1], 20, test.radius)["reflecting"]).mean(0)
    error = distances(reference, rolled).mean(0)
    return (
        f"ratio {error[9] / wall[9]:.2f} at 10 frames, {error[:10].sum() / wall[:10].sum():.2f} of the sum of ten ({error[9]:.4f} against "
        f"{wall[9]:.4f}; seed {seed}, {time.process_time() - started:.0f} CPU seconds)"
    )


ROWS: dict[str, Callable[[int], str]] = {"places": places, "rollout": rollout, "states": states}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        global setting
        setting = QUICK
    for name in given.only:
        print(f"{name}: {ROWS[name](given.seed)}", flush=True)


if __name__ == "__main__":
    main()
