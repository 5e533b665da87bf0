"""`latentia objects RUN [IMAGES]`: the objects that a model finds, as a table."""

from __future__ import annotations

from pathlib import Path


def objects(run: str, data: str | None = None, out: str = "objects.csv") -> None:
    """Write a row for each object (and background slot) found in all items of the run's data, or of other data.

    Args:
        run: run folder of a model that separates objects.
        data: other images (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: item (and its name), slot, probability, x, y, width, height and area as shares of the
            image, whether it is the background, and its code.
    """
    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Segments

    opened = open_run(run, "objects", Segments)
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    table = opened.objects(part.x)
    columns = {name: table[name].to_numpy() for name in table.columns}
    names = None if part.names is None else part.names[columns["item"]]
    print(write_table(Path(out), columns, names, table.to_numpy(dtype="float64")))
