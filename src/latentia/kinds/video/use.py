"""What a fitted model of videos is asked: paths, what comes next, and frames of states. Places are shares of the frame, y downwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.items import Ragged
from latentia.draws import randn, seeded
from latentia.kinds.video.way import seen_paths
from latentia.latent.scenes.paths import STATE
from latentia.models.scenes.stove_phases import SEEN, line_state

FEWEST = 3
"""Frames of a video: velocities are seen in two, and the third says whether they hold."""
COLUMNS = ("x", "y", "vx", "vy", "size")
_LONGEST = 8  # frames through which the line at the end of a video goes at most
_PAINTED_TOGETHER = 500


def _states(module: Any, z: Tensor) -> NDArray[Any]:
    """x, y, vx, vy and size as shares of the frame, and codes, `[*, 5 + d]`, of states as the module has them."""
    places, velocity = (z[..., 1:3] + 1) / 2, z[..., 3:STATE] / 2
    shares = torch.cat([places, velocity, module.sizes(z)[..., None], z[..., STATE:]], -1)
    found: NDArray[Any] = shares.cpu().double().numpy()
    return found


def _own(module: Any, shares: NDArray[Any]) -> Tensor:
    """The inverse of `_states`."""
    given = torch.as_tensor(shares, dtype=module.ground.dtype, device=module.ground.device)
    low, high = (float(v) for v in module.sizes(torch.tensor([[-50.0], [50.0]])))
    size = ((given[..., 4] - low) / (high - low)).clamp(1e-6, 1 - 1e-6).logit()
    return torch.cat([size[..., None], 2 * given[..., :2] - 1, 2 * given[..., 2:4], given[..., STATE:]], -1)


def _input(asked: Any, frames: NDArray[Any]) -> Tensor:
    """Frames as the module sees them, `[T, C, H, W]`."""
    x: Tensor = asked.form.model_input(torch.from_numpy(np.array(frames)).to(asked.device))
    return x


def _paths(asked: Any, videos: Ragged) -> list[Tensor]:
    found = []
    with torch.inference_mode():
        for i in range(len(videos)):
            x = _input(asked, videos.item(i))[None]
            found.append(asked.module.completed(x, seen_paths(asked.module, x))[0])
    return found


def paths(asked: Any, videos: Ragged) -> list[NDArray[Any]]:
    """Paths `[T, K, 5 + d]` of each video: x, y, vx, vy, size, and the code of what an object looks like where there is one."""
    return [_states(asked.module, path) for path in _paths(asked, videos)]


def in_order(state: NDArray[Any]) -> NDArray[Any]:
    """Objects `[K, 5 + d]` by y and then x."""
    return state[np.lexsort([state[:, 0], state[:, 1]])]


def track_table(found: Sequence[NDArray[Any]]) -> Any:
    """A row for each object and frame."""
    import pandas as pd

    tables = []
    for i, path in enumerate(found):
        frame, track = (part.ravel() for part in np.indices(path.shape[:2]))
        own = {name: path[..., j].ravel() for j, name in enumerate(COLUMNS)}
        tables.append(pd.DataFrame({"item": i, "frame": frame, "track": track + 1, **own}))
    return pd.concat(tables, ignore_index=True)


def last_states(asked: Any, videos: Ragged) -> Tensor:
    """States after the last frame, by a line through the last places that were seen, `[n, K, 5 + d]`."""
    with torch.inference_mode():
        paths = _paths(asked, videos)
        ends = torch.cat([line_state(path[-min(SEEN, len(path)) :][None]) for path in paths])
        return torch.cat([ends, torch.stack([path[-1, :, STATE:] for path in paths])], -1)


def rolled(
    asked: Any, videos: Ragged, n_steps: int, n_samples: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frames and states after videos; see `VideoVAE.rollout`."""
    module, z = asked.module, last_states(asked, videos)
    with torch.inference_mode():
        if n_samples:
            z = z.repeat_interleave(n_samples, 0)
            with seeded(seed, z.device):
                noise = randn((len(z), n_steps, *z.shape[1:]), dtype=z.dtype, device=z.device)
            path = module.rolled(z, n_steps, noise)
        else:
            path = module.rolled(z, n_steps)
        frames = _painted(asked, path)
    states = _states(module, path)[..., :4]
    if n_samples:
        frames, states = (part.reshape(len(videos), n_samples, *part.shape[1:]) for part in (frames, states))
    return frames, states


def _painted(asked: Any, path: Tensor) -> NDArray[Any]:
    """Frames `[*, C, H, W]` of states `[*, K, 5]` in the units of the data."""
    flat = path.reshape(-1, *path.shape[-2:])
    parts = [asked.form.inverse(asked.module.paint(some)) for some in flat.split(_PAINTED_TOGETHER)]
    whole = np.concatenate(parts)
    return whole.reshape(*path.shape[:-2], *whole.shape[1:])


def painted(asked: Any, videos: Ragged) -> list[NDArray[Any]]:
    """Videos painted by what is seen in them, `[T, C, H, W]` each."""
    with torch.inference_mode():
        return [_painted(asked, path) for path in _paths(asked, videos)]


def on_unit(form: Any, frames: NDArray[Any]) -> NDArray[np.float32]:
    """Frames in the units of the data on [0, 1]."""
    shares = (np.asarray(frames, dtype=np.float32) - float(form.mean)) / float(form.scale)
    return np.clip(shares, 0, 1)


def frames_of(asked: Any, states: NDArray[Any]) -> NDArray[Any]:
    """Frames of states `[n, K, 5 + d]`: x, y, vx, vy, size, and codes."""
    with torch.inference_mode():
        return _painted(asked, _own(asked.module, states))
