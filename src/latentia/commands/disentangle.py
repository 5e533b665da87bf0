"""`latentia disentangle`."""

from __future__ import annotations

from pathlib import Path

from latentia.commands.output import print_json, print_table
from latentia.errors import ConfigError


def disentangle(run: str, n: int = 5000, out: str | None = None, json: bool = False, seed: int = 0) -> None:
    """Score how far single latent dimensions stand for single factors: MIG, SAP, DCI, FactorVAE, on generated sprites.

    Args:
        run: run folder of a model of the data set `sprites` (or of other grey, square images like them).
        n: how many pictures are coded.
        out: a .json file for the scores; none is written if left out.
        json: print one JSON object and nothing else.
        seed: of the pictures, splits and votes.
    """
    import numpy as np
    from rich.table import Table

    from latentia import explore
    from latentia.commands.opened import open_run
    from latentia.data.sprites import FACTORS, Sprites
    from latentia.estimators.folder import write_json
    from latentia.kinds.abilities import Walks

    if n < 100:
        raise ConfigError(f"-n {n}: at least 100 pictures are needed, some thousands for scores that repeat")
    opened = open_run(run, "disentangle", Walks)
    event = opened.event_shape
    if len(event) != 3 or event[0] != 1 or event[1] != event[2]:
        raise ConfigError(
            f"the run's items have shape {event}; sprites are grey squares: fit one with `latentia fit sprites`"
        )
    grid = Sprites(size=event[1])
    top = 255 if opened.split("train").x.max() > 1 else 1

    def represent(factors: np.ndarray) -> np.ndarray:
        return np.asarray(opened.coded((grid.images(factors) // (255 // top)).astype(np.uint8)))

    factors = grid.sample_factors(n, seed)
    scores = explore.disentanglement_scores(
        represent(factors), factors, categorical=[0], represent=represent, levels=grid.levels, seed=seed
    )
    figures = {"run": str(run), "n": n, "factors": list(FACTORS), **scores.as_dict()}
    if out is not None:
        if Path(out).suffix.lower() != ".json":
            raise ConfigError(f"--out {out}: scores can be written as .json")
        write_json(Path(out), figures)
    if json:
        print_json(figures)
        return
    if opened.name != "sprites":
        print(f"note: {run} was fitted to {opened.name}; the scores say what it makes of sprites")
    table = Table("score", "value", "what it asks", title=f"{opened.model}, {n} sprites")
    for name, words in _WORDS.items():
        table.add_row(name, f"{figures[name]:.3f}", words)
    print_table(table, 110)


_WORDS = {
    "mig": "does one dimension know each factor, and no other dimension do (0 to 1)",
    "sap": "does one dimension predict each factor, and no other do (0 to 1)",
    "disentanglement": "does each dimension stand for one factor (DCI, 0 to 1)",
    "completeness": "does each factor stand in one dimension (DCI, 0 to 1)",
    "informativeness": "can factors be predicted from all dimensions (DCI, 0 to 1)",
    "factor_vae": "does the stillest dimension name the factor that is held (chance 0.2)",
}
