"""`latentia sample RUN`: draws from the model."""

from __future__ import annotations

from pathlib import Path


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
        run: run folder.
        n: how many.
        out: a .png (images), .npy or .csv file.
        mean: of VAEs, the mean of p(x|z) at each z; false adds its noise. Other models always draw x.
        seed: of the draw.
        label: of a model that is conditional on a class (--set conditional=true), which; all in turn if left out.
    """
    from latentia.estimators.folder import read_config
    from latentia.kinds.run import draw
    from latentia.kinds.vae.page import write_items

    items = draw(Path(run), n, mean=mean, seed=seed, label=label)
    print(write_items(items, Path(out), read_config(Path(run)).get("columns")))
