"""`latentia complete RUN`: keep the top of images and draw the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def complete(
    run: str,
    n: int = 32,
    keep: float = 0.5,
    out: str = "completions.png",
    split: Literal["train", "validation", "test"] = "test",
    seed: int = 0,
) -> None:
    """Keep the top of images and draw the rest, pixels or codes; a .png shows originals above completions.

    Args:
        run: run folder of an autoregressive model, or of one with discrete codes, whose prior draws the other codes.
        n: how many items, at random from the split.
        keep: share of an image's rows that is kept, from the top.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test.
        seed: of the draw.
    """
    from latentia.kinds.completion import completed
    from latentia.kinds.run import Run
    from latentia.kinds.vae.page import write_items

    opened = Run.open(run)
    items, done = completed(opened, n, keep, split, seed)
    print(write_items(done, Path(out), opened.config.get("columns"), beside=items))
