"""`latentia sample RUN`: draws from the model."""

from __future__ import annotations

from pathlib import Path

_A_NUMBER = 24  # bytes, drawn, decoded and written


def sample(
    run: str,
    n: int = 64,
    out: str = "samples.png",
    mean: bool = True,
    seed: int = 0,
    label: str | None = None,
) -> None:
    """Draw from the model: z from the prior, decoded; of a mixture, a component and then x; else pixel by pixel.

    Args:
        run: run folder; its data are not needed.
        n: how many.
        out: a .png (images), .npy or .csv file.
        mean: of VAEs, the mean of p(x|z) at each z; false adds its noise. Other models always draw x.
        seed: of the draw.
        label: of a model that is conditional on a class (--set conditional=true), which; all in turn if left out.
    """
    import math

    from latentia.commands.opened import at_least_one, open_run
    from latentia.guard import require_room
    from latentia.kinds.abilities import Samples
    from latentia.report.sheets import check_out, write_items

    opened = open_run(run, "sample", Samples)
    at_least_one(n, "-n")
    require_room(_A_NUMBER * n * math.prod(opened.event_shape), f"a sample of {n} items")
    check_out(Path(out), opened.is_image)
    items = opened.drawn(n, seed=seed, mean=mean, label=label)
    print(write_items(items, Path(out), opened.columns))
