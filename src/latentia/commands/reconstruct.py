"""`latentia reconstruct RUN`: items put through their codes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def reconstruct(
    run: str,
    n: int = 32,
    out: str = "reconstructions.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Put items through their codes and back; a .png shows originals above reconstructions.

    Args:
        run: run folder.
        n: how many items, at random from the split, in their order.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test; new: rows that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    from latentia.commands.opened import at_least_one, open_run
    from latentia.kinds.abilities import Rebuilds
    from latentia.report.sheets import check_out, write_items

    opened = open_run(run, "reconstruct", Rebuilds, data=data)
    check_out(Path(out), opened.is_image)
    items = opened.split(opened.whole_or(split)).take(at_least_one(n, "-n")).x
    print(write_items(opened.rebuilt(items), Path(out), opened.columns, beside=items))
