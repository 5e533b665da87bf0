"""`latentia inpaint`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError

Hidden = Literal["left", "right", "top", "bottom", "middle", "random"]


def inpaint(
    run: str,
    n: int = 8,
    hide: Hidden = "right",
    method: Literal["optimise", "sample"] = "optimise",
    draws: int = 6,
    steps: int = 300,
    restarts: int = 8,
    out: str = "inpainted.png",
    split: Literal["train", "validation", "test", "new"] = "test",
    seed: int = 0,
    data: str | None = None,
) -> None:
    """Hide a part of images and complete them from what is left.

    Args:
        run: run folder.
        n: how many images of the split.
        hide: the half (of the middle, the square of half the side; at random, half of the pixels) to hide.
        method: the most probable code, or draws from p(z | observed pixels).
        draws: of "sample", for each image.
        steps: of the optimisation, and again of each chain of "sample".
        restarts: starts of the optimisation.
        out: a .png (rows: image, what was seen, completions) or .npy file.
        split: train, validation or test; new: rows that the model has not seen.
        seed: of starts, chains and random pixels.
        data: where the run's data are now, if not where they were.
    """
    import numpy as np

    from latentia import explore
    from latentia.commands.opened import at_least_one, open_run, view_of
    from latentia.data.items import dense
    from latentia.kinds.abilities import Infers
    from latentia.report.sheets import check_out, write_sheet

    opened = open_run(run, "inpaint", Infers, data=data)
    if not opened.is_image:
        raise ConfigError("inpaint hides parts of images; for rows of a table use latentia.explore.inpaint")
    check_out(Path(out), opened.is_image)
    items = dense(opened.split(opened.whole_or(split)).take(at_least_one(n, "-n")).x)
    mask = hidden(items.shape[1:], hide, seed)
    found = explore.inpaint(
        opened.estimator_for("inpaint"),
        items,
        mask,
        method,
        draws=draws,
        steps=steps,
        restarts=restarts,
        seed=seed,
    )
    completed = found.items if method == "sample" else found.items[:, None]
    seen = np.where(mask, items.min(), items)
    print(
        write_sheet(
            np.concatenate([items[:, None], seen[:, None], completed], 1),
            Path(out),
            opened.columns,
            view_of(opened),
        )
    )
    if found.acceptance is not None:
        print(f"acceptance of the chains: {found.acceptance:.2f}")


def hidden(shape: tuple[int, ...], hide: str, seed: int) -> Any:
    """The mask `[C, H, W]` of what is hidden."""
    import numpy as np

    _, height, width = shape
    mask = np.zeros((height, width), dtype=bool)
    if hide == "random":
        mask = np.random.default_rng(seed).random((height, width)) < 0.5
    elif hide == "middle":
        mask[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    elif hide in ("left", "right"):
        mask[:, slice(0, width // 2) if hide == "left" else slice(width // 2, None)] = True
    else:
        mask[slice(0, height // 2) if hide == "top" else slice(height // 2, None)] = True
    return np.broadcast_to(mask, shape)
