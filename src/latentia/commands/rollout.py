"""`latentia rollout RUN [VIDEOS]`: what comes after videos."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError


def rollout(
    run: str,
    data: str | None = None,
    n: int = 40,
    context: int = 0,
    samples: int = 0,
    videos: int = 16,
    out: str = "rollouts.gif",
    seed: int = 0,
) -> None:
    """Write the next frames of videos; a .gif shows what was seen, then, in a frame, what is foretold, all videos side by side.

    Args:
        run: run folder of a model of videos.
        data: other videos (a name or path); the run's own if left out, wherever they are.
        n: frames ahead.
        context: how many frames of each video are told, from its beginning; 0: all.
        samples: draw so many futures of each video instead of the expected one (a .gif shows the first).
        videos: how many videos, the first of the data.
        out: a .gif, a .npy file of frames, or a .csv or .parquet table of places.
        seed: of the draws.
    """
    import numpy as np

    from latentia.commands.opened import at_least_one, open_run
    from latentia.data.items import Ragged
    from latentia.files import write_atomically
    from latentia.kinds.abilities import Forecasts

    path = Path(out)
    if path.suffix.lower() not in (".gif", ".npy", ".csv", ".parquet"):
        raise ConfigError(f"--out {out}: rollouts can be written as .gif, .npy, .csv or .parquet")
    if context < 0 or samples < 0:
        raise ConfigError(f"--context {context} --samples {samples}: numbers of at least 0 are expected")
    opened = open_run(run, "rollout", Forecasts)
    part = opened.items(data if data is not None else opened.place)
    part = part.subset(np.arange(min(len(part), at_least_one(videos, "--videos"))))
    told = part.x
    if context:
        told = Ragged.of([told.item(i)[:context] for i in range(len(told))])
    frames, states = opened.continued(told, at_least_one(n, "-n"), n_samples=samples, seed=seed)
    if path.suffix.lower() == ".npy":
        write_atomically(path, lambda file: np.save(file, frames, allow_pickle=False))
    elif path.suffix.lower() == ".gif":
        from latentia.report.animation import write_animation

        write_animation(path, told, frames[:, 0] if samples else frames, opened.estimator.form_)
    else:
        _table(path, states, part.names, samples)
    print(path)


def _table(path: Path, states: object, names: object, samples: int) -> None:
    """A row for each video, draw, frame and object."""
    import numpy as np

    from latentia.commands.tables import write_table

    values = np.asarray(states)
    values = values if samples else values[:, None]
    item, draw, frame, track = (each.ravel() for each in np.indices(values.shape[:-1]))
    columns = {"item": item, **({"draw": draw} if samples else {}), "frame": frame + 1, "track": track + 1}
    columns |= {name: values[..., i].ravel() for i, name in enumerate(("x", "y", "vx", "vy"))}
    write_table(path, columns, None if names is None else np.asarray(names)[item], values)
