"""`latentia interpolate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError

DATA_ROWS = 2000  # of the training part, along which geodesics go


def interpolate(
    run: str,
    items: str = "0,1",
    steps: int = 8,
    method: Literal["linear", "spherical", "geodesic", "all"] = "all",
    out: str = "interpolation.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Decode the ways between two items, or the grid among four.

    Args:
        run: run folder.
        items: places of two items in the split, or of four (corners of a grid, by lines), as 0,1 or 0,1,2,3.
        steps: items on a way, both ends included; of a grid, its rows and columns.
        method: straight, on a great circle, along the training data, or a row of each; a grid is always bilinear.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test; new: rows that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    from latentia import explore
    from latentia.commands.opened import Coder, numbers, open_run, picked, view_of
    from latentia.data.frames import frame_of
    from latentia.data.items import Mixed, dense
    from latentia.explore.interpolation import METHODS
    from latentia.kinds.abilities import Walks
    from latentia.report.sheets import check_out, stacked, write_sheet

    opened = open_run(run, "interpolate", Walks, data=data)
    check_out(Path(out), opened.is_image)
    split = opened.whole_or(split)
    places = numbers(items, "--items")
    if len(places) not in (2, 4):
        raise ConfigError(f"--items {items}: give two items for a way, or four for a grid")
    coder = Coder(opened)
    ends: Any = picked(opened, split, places)
    ends = frame_of(ends.values, ends.columns) if isinstance(ends, Mixed) else ends
    sheet: Any
    if len(places) == 4:
        sheet = explore.interpolate_grid(coder, ends, steps, steps).items
    else:
        known = dense(opened.split("train").take(DATA_ROWS).x)
        methods = METHODS if method == "all" else (method,)
        a, b = (ends.iloc[[i]] if hasattr(ends, "iloc") else ends[i] for i in range(2))
        ways = [explore.interpolate(coder, a, b, steps, each, data=known) for each in methods]
        sheet = stacked([way.items for way in ways])
    print(write_sheet(sheet, Path(out), opened.columns, view_of(opened)))
