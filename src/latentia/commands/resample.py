"""`latentia resample`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def resample(
    run: str,
    n: int = 8,
    draws: int = 8,
    out: str = "resampled.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    seed: int = 0,
    data: str | None = None,
) -> None:
    """Draw codes from the posterior of each item and decode them: what the code leaves open.

    Args:
        run: run folder.
        n: how many items of the split.
        draws: of each.
        out: a .png (a row for each item, the item first), .npy or .csv file.
        split: train, validation or test; new: rows that the model has not seen.
        seed: of the draws.
        data: where the run's data are now, if not where they were.
    """
    import numpy as np

    from latentia import explore
    from latentia.commands.opened import at_least_one, open_run, view_of
    from latentia.data.items import dense
    from latentia.kinds.abilities import Infers
    from latentia.report.sheets import check_out, write_sheet

    opened = open_run(run, "resample", Infers, data=data)
    check_out(Path(out), opened.is_image)
    split = opened.whole_or(split)
    items = dense(opened.split(split).take(at_least_one(n, "-n")).x)
    drawn = explore.resample(opened.estimator_for("resample"), items, draws, seed).items
    print(
        write_sheet(
            np.concatenate([items[:, None], drawn], axis=1), Path(out), opened.columns, view_of(opened)
        )
    )
