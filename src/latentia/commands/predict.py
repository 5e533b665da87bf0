"""`latentia predict RUN [DATA]`: to which component of a mixture items belong, as a file."""

from __future__ import annotations

from pathlib import Path


def predict(run: str, data: str | None = None, out: str = "assignments.csv") -> None:
    """Write the most probable component of all items of the run's data, or of other data, and the probability of each.

    Args:
        run: run folder of a mixture.
        data: other data (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: a row for each item in its order, its name first where it has one; a .npy holds the
            probabilities.
    """
    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Clusters

    opened = open_run(run, "predict", Clusters)
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    shares = opened.memberships(part.x)
    columns = {"component": shares.argmax(1), **{f"p{k}": shares[:, k] for k in range(shares.shape[1])}}
    print(write_table(Path(out), columns, part.names, shares))
