"""`latentia reconstruct RUN`: items put through their codes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def reconstruct(
    run: str,
    n: int = 32,
    out: str = "reconstructions.png",
    split: Literal["train", "validation", "test"] = "test",
) -> None:
    """Put items through their codes and back; a .png shows originals above reconstructions.

    Args:
        run: run folder.
        n: how many items, from the start of the split.
        out: a .png (images), .npy or .csv file.
        split: train, validation or test.
    """
    from latentia.kinds.run import Run, require_vae
    from latentia.kinds.vae.page import write_items

    opened = Run.open(run)
    estimator = require_vae(opened.estimator, "reconstruct")
    items = opened.split(split).take(n).x
    rebuilt = estimator.reconstruct(items)
    print(write_items(rebuilt, Path(out), opened.config.get("columns"), beside=items))
