"""Commands in the form that runs of videos have: what is drawn or rebuilt is an animation, or an array."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError


def sample(run: str, n: int = 16, out: str = "samples.gif", mean: bool = True, seed: int = 0) -> None:
    """Draw videos as long as a window: a path from the prior, then its frames.

    Args:
        run: run folder; its data are not needed.
        n: how many.
        out: a .gif, or a .npy file `[n, T, C, H, W]`.
        mean: without the noise of pixels.
        seed: of the draw.
    """
    opened = _opened(run, "sample", out, n)
    _write(opened, opened.drawn(n, seed=seed, mean=mean), Path(out))


def reconstruct(
    run: str,
    n: int = 16,
    out: str = "reconstructions.gif",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Paint videos by the objects that are seen in them.

    Args:
        run: run folder.
        n: how many videos, at random from the split, in their order.
        out: a .gif, or a .npy file `[n, T, C, H, W]`; videos are cut to the length of the shortest.
        split: train, validation or test; new: videos that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    opened = _opened(run, "reconstruct", out, n, data)
    painted = opened.rebuilt(opened.split(opened.whole_or(split)).take(n).x)
    _write(opened, painted, Path(out))


def _opened(run: str, command: str, out: str, n: int, data: str | None = None) -> Any:
    """The run, once what is asked for makes sense."""
    from latentia.kinds.abilities import Rebuilds, Samples, need
    from latentia.kinds.run import Run

    if Path(out).suffix.lower() not in (".gif", ".npy"):
        raise ConfigError(f"--out {out}: videos can be written as .gif or .npy")
    if n < 1:
        raise ConfigError(f"-n {n}: expected a whole number of at least 1")
    opened = Run.open(run, data)
    abilities: dict[str, Any] = {"sample": Samples, "reconstruct": Rebuilds}
    need(opened, abilities[command], command)
    return opened


def _write(opened: Any, videos: Any, path: Path) -> None:
    import numpy as np

    from latentia.files import write_atomically
    from latentia.report.animation import write_animation

    shortest = min(len(video) for video in videos)
    array = np.stack([np.asarray(video[:shortest]) for video in videos])
    if path.suffix.lower() == ".npy":
        write_atomically(path, lambda file: np.save(file, array, allow_pickle=False))
    else:
        write_animation(path, None, array, opened.estimator.form_)
    print(path)


COMMANDS = (sample, reconstruct)
