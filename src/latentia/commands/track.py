"""`latentia track RUN [VIDEOS]`: where each object is in every frame, as a table."""

from __future__ import annotations

from pathlib import Path


def track(run: str, data: str | None = None, out: str = "tracks.csv") -> None:
    """Write a row for each object and frame of all videos of the run's data, or of other data.

    Args:
        run: run folder of a model of videos.
        data: other videos (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: item (and its name), frame, track, x, y, velocities a frame and size, as shares of the frame.
    """
    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Forecasts

    opened = open_run(run, "track", Forecasts)
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    table = opened.tracked(part.x)
    columns = {name: table[name].to_numpy() for name in table.columns}
    names = None if part.names is None else part.names[columns["item"]]
    print(write_table(Path(out), columns, names, table.to_numpy(dtype="float64")))
