"""`latentia neighbours`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

SEARCHED = 20_000


def neighbours(
    run: str,
    n: int = 8,
    k: int = 8,
    out: str = "neighbours.png",
    split: Literal["train", "validation", "test"] = "test",
) -> None:
    """Find the training items whose codes are nearest to those of some items.

    Args:
        run: run folder.
        n: how many items of the split.
        k: neighbours of each.
        out: a .png (a row for each item, the item first), or a .csv (item, rank, row of the training part, distance).
        split: train, validation or test.
    """
    import numpy as np
    import pandas as pd

    from latentia import explore
    from latentia.commands.opened import at_least_one, dense, open_run
    from latentia.files import write_csv
    from latentia.report.sheets import write_sheet

    opened = open_run(run, "neighbours")
    estimator, train = opened.estimator, opened.split("train")
    rows = np.sort(np.random.default_rng(0).permutation(len(train))[:SEARCHED])
    searched = dense(train.subset(rows).x)
    queries = dense(opened.split(split).take(at_least_one(n, "-n")).x)
    own = split == "train"  # then each item is its own nearest neighbour, and is left out
    found = explore.neighbours(estimator.transform(searched), estimator.transform(queries), k + own)
    indices, distances = found.indices[:, own:], found.distances[:, own:]
    if Path(out).suffix.lower() == ".csv":
        table = pd.DataFrame(
            {
                "item": np.repeat(np.arange(len(queries)), k),
                "rank": np.tile(np.arange(1, k + 1), len(queries)),
                "train_row": rows[indices].ravel(),
                "distance": distances.ravel(),
            }
        )
        write_csv(Path(out), table)
        print(out)
        return
    sheet = np.concatenate([queries[:, None], searched[indices]], axis=1)
    print(write_sheet(sheet, Path(out), opened))
