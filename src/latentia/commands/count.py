"""`latentia count RUN [IMAGES]`: how many objects there are, as a table."""

from __future__ import annotations

from pathlib import Path


def count(run: str, data: str | None = None, out: str = "counts.csv") -> None:
    """Write the number of objects found in all items of the run's data, or of other data; where they are known, say how many are right.

    Args:
        run: run folder of a model that separates objects.
        data: other images (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: a row for each item in its order, its name first where it has one, the number, and the
            probability of each number where the model has one; a .npy holds the numbers.
    """
    import numpy as np

    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Segments

    opened = open_run(run, "count", Segments)
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    numbers, shares = opened.numbers(part.x)
    columns = {"objects": numbers}
    if shares is not None:
        columns |= {f"p{n}": shares[:, n] for n in range(shares.shape[1])}
    print(write_table(Path(out), columns, part.names, numbers))
    known = part.truth.get("counts")
    if known is not None and np.shape(known) == np.shape(numbers):
        print(f"accuracy {float((numbers == known).mean()):.3f} ({len(numbers)} items whose number is known)")
