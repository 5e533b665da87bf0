"""`latentia predict RUN [DATA]`: to which component of a mixture, or to which class, items belong, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def predict(run: str, data: str | None = None, out: str = "assignments.csv") -> None:
    """Write the most probable component, or class, of all items of the run's data, or of other data, and the probability of each.

    Args:
        run: run folder of a mixture or a classifier.
        data: other data (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: a row for each item in its order, its name first where it has one; a .npy holds the
            probabilities.
    """
    import numpy as np

    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Classifies, Clusters, need

    opened = open_run(run, "predict")
    clusters: Any = Clusters
    if not (classifies := isinstance(opened, Classifies)):
        need(opened, clusters, "predict")
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    shares = (opened.class_probabilities if classifies else opened.memberships)(part.x)
    names = np.array(opened.class_names if classifies else [str(k) for k in range(shares.shape[1])])
    best = shares.argmax(1)
    columns = {"class": names[best]} if classifies else {"component": best}
    columns |= {f"p({name})" if classifies else f"p{name}": shares[:, k] for k, name in enumerate(names)}
    print(write_table(Path(out), columns, part.names, shares))
