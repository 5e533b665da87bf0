"""`latentia sample RUN`: draws from the model."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError

_A_NUMBER = 24  # bytes, drawn, decoded and written


def sample(
    run: str,
    n: int = 64,
    out: str = "samples.png",
    mean: bool = True,
    seed: int = 0,
    label: str | None = None,
    given: list[str] | None = None,
) -> None:
    """Draw from the model: z from the prior, decoded; of a mixture, a component and then x; else pixel by pixel.

    Args:
        run: run folder; its data are not needed.
        n: how many.
        out: a .png (images), .npy or .csv file.
        mean: of VAEs, the mean of p(x|z) at each z; false adds its noise. Other models always draw x.
        seed: of the draw.
        label: of a model that is conditional on a class (--set conditional=true), which; all in turn if left out.
        given: of a table of columns of unlike kinds, a cell that all rows are to have, NAME=CELL; may be given more than once.
    """
    import math

    from latentia.commands.named import named
    from latentia.commands.opened import at_least_one, open_run
    from latentia.guard import require_room
    from latentia.kinds.abilities import Imputes, Samples
    from latentia.report.sheets import check_out, write_items

    opened = open_run(run, "sample", Samples, *([Imputes] if given else []))
    at_least_one(n, "-n")
    require_room(_A_NUMBER * n * math.prod(opened.event_shape), f"a sample of {n} items")
    check_out(Path(out), opened.is_image)
    if not given:
        items = opened.drawn(n, seed=seed, mean=mean, label=label)
    else:
        if label is not None:
            raise ConfigError("--given and --label are of unlike models; give one of them")
        items, told = opened.drawn_given(
            named("--given", given, "NAME=CELL", "plan=pro"), n, seed=seed, mean=mean
        )
        print(told)
    print(write_items(items, Path(out), opened.columns))
