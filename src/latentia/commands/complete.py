"""`latentia complete RUN`: keep the top of images and draw the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from latentia.errors import ConfigError


def complete(
    run: str,
    n: int = 32,
    keep: float = 0.5,
    out: str = "completions.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    seed: int = 0,
    data: str | None = None,
) -> None:
    """Keep the top of images and draw the rest, pixels or codes; a .png shows originals above completions.

    Args:
        run: run folder of an autoregressive model, or of one with discrete codes, whose prior draws the other codes.
        n: how many items, at random from the split.
        keep: share of an image's rows that is kept, from the top.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test; new: rows that the model has not seen.
        seed: of the draw.
        data: where the run's data are now, if not where they were.
    """
    from latentia.commands.opened import at_least_one, open_run
    from latentia.kinds.abilities import Completes
    from latentia.report.sheets import check_out, write_items

    opened = open_run(run, "complete", Completes, data=data)
    check_out(Path(out), opened.is_image)
    if not 0 <= keep <= 1:
        raise ConfigError(f"--keep {keep}: a share between 0 and 1 was expected")
    part = opened.split(opened.whole_or(split)).take(at_least_one(n, "-n"))
    done = opened.completed(part.x, keep, seed=seed, labels=part.y)
    print(write_items(done, Path(out), opened.columns, beside=part.x))
