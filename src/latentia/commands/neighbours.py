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
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Find the training items whose codes (of discrete ones: the vectors) are nearest to those of some items.

    Args:
        run: run folder.
        n: how many items of the split.
        k: neighbours of each.
        out: a .png (a row for each item, the item first), or a .csv (item, rank, row of the training part, distance).
        split: train, validation or test; new: rows that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    import numpy as np
    import pandas as pd

    from latentia import explore
    from latentia.commands.opened import at_least_one, open_run, view_of
    from latentia.data.items import dense
    from latentia.files import write_csv
    from latentia.kinds.abilities import Encodes
    from latentia.report.sheets import check_out, write_sheet

    opened = open_run(run, "neighbours", Encodes, data=data)
    if Path(out).suffix.lower() != ".csv":
        check_out(Path(out), opened.is_image)
    split = opened.whole_or(split)
    train = opened.split("train")
    rows = np.sort(np.random.default_rng(0).permutation(len(train))[:SEARCHED])
    searched = dense(train.subset(rows).x)
    queries = dense(opened.split(split).take(at_least_one(n, "-n")).x)
    own = split == "train"  # then each item is its own nearest neighbour, and is left out
    found = explore.neighbours(opened.vectors(searched), opened.vectors(queries), k + own)
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
    print(write_sheet(sheet, Path(out), opened.columns, view_of(opened)))
