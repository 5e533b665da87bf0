"""`latentia traverse`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

CODED_ROWS = 2000


def traverse(
    run: str,
    item: int | None = None,
    dims: str | None = None,
    steps: int = 9,
    out: str = "traversal.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Change one dimension of a code after another over its range in the data; a row for each.

    Args:
        run: run folder.
        item: place in the split of the item to start from; the median code if left out.
        dims: which dimensions, as 0,4,7; the ten most varied if left out.
        steps: values of each.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test; new: rows that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    from latentia import explore
    from latentia.commands.opened import Coder, numbers, open_run, picked, view_of
    from latentia.data.items import dense
    from latentia.kinds.abilities import Walks
    from latentia.report.sheets import check_out, write_sheet

    opened = open_run(run, "traverse", Walks, data=data)
    check_out(Path(out), opened.is_image)
    split = opened.whole_or(split)
    codes = opened.coded(dense(opened.split(split).take(CODED_ROWS).x))
    start = None if item is None else opened.coded(picked(opened, split, [item]))[0]
    chosen = codes.std(axis=0).argsort()[::-1][:10] if dims is None else numbers(dims, "--dims")
    found = explore.traverse(Coder(opened), codes, start=start, dims=chosen, steps=steps)
    for dim, values in zip(found.dims, found.values, strict=True):
        print(f"dimension {dim}: {values[0]:.3g} to {values[-1]:.3g}")
    print(write_sheet(found.items, Path(out), opened.columns, view_of(opened)))
