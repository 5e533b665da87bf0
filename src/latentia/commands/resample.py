"""`latentia resample`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def resample(
    run: str,
    n: int = 8,
    draws: int = 8,
    out: str = "resampled.png",
    split: Literal["train", "validation", "test"] = "test",
    seed: int = 0,
) -> None:
    """Draw codes from the posterior of each item and decode them: what the code leaves open.

    Args:
        run: run folder.
        n: how many items of the split.
        draws: of each.
        out: a .png (a row for each item, the item first), .npy or .csv file.
        split: train, validation or test.
        seed: of the draws.
    """
    import numpy as np

    from latentia import explore
    from latentia.commands.opened import at_least_one, dense, open_run
    from latentia.report.sheets import write_sheet

    opened = open_run(run, "resample")
    items = dense(opened.split(split).take(at_least_one(n, "-n")).x)
    drawn = explore.resample(opened.estimator, items, draws, seed).items
    print(write_sheet(np.concatenate([items[:, None], drawn], axis=1), Path(out), opened))
