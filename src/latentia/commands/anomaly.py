"""`latentia anomaly`."""

from __future__ import annotations

import io
import json as json_
from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError


def anomaly(
    run: str,
    other: str | None = None,
    method: Literal["likelihood", "typicality", "reconstruction"] = "likelihood",
    n: int = 1000,
    out: str = "anomalies.csv",
    json: bool = False,
) -> None:
    """Score how unusual items are, the test part of the run's data or other data; higher is more unusual.

    Args:
        run: run folder.
        other: further data (a name or path), scored as well; how well scores tell them from the test part is then told (AUROC).
        method: -log p(x), its distance from what is usual, or the squared error of the reconstruction.
        n: most items of each.
        out: a .csv file: data, item, score, and the share of validation items that score as high (p_value).
        json: print one JSON object and nothing else.
    """
    import numpy as np
    import pandas as pd

    from latentia import data, explore
    from latentia.commands.opened import at_least_one, dense
    from latentia.estimators.mixture_run import MixtureRun
    from latentia.estimators.run import Run, plain
    from latentia.files import write_atomically

    opened = Run.open(run)
    at_least_one(n, "-n")
    usual, test = opened.split("validation").take(n), opened.split("test").take(n)
    parts: dict[str, Any] = {opened.spec.name: dense(test.x)}
    if other is not None:
        size = opened.dataset.event_shape[-1] if opened.dataset.is_image else None
        found = data.load(other, image_size=size).test.take(n)
        parts[other if other != opened.spec.name else f"{other} (other)"] = dense(found.x)
    reference = dense(usual.x)

    def score(items: Any) -> Any:
        rows = opened.layout.rows(items) if isinstance(opened, MixtureRun) else items
        return explore.anomaly_scores(opened.estimator, rows, method, reference)

    of_usual = score(reference)
    scores = {name: score(items) for name, items in parts.items()}
    rows = [
        pd.DataFrame(
            {
                "data": name,
                "item": np.arange(len(values)),
                "score": values,
                "p_value": explore.tail_share(values, of_usual),
            }
        )
        for name, values in scores.items()
    ]
    if Path(out).suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: scores can be written as .csv")
    text = io.StringIO()
    pd.concat(rows).to_csv(text, index=False)
    write_atomically(Path(out), text.getvalue().encode())
    names = list(scores)
    figures: dict[str, Any] = {
        "run": str(run),
        "method": method,
        "n": {name: len(values) for name, values in scores.items()},
        "mean_score": {name: float(values.mean()) for name, values in scores.items()},
        "auroc": None if other is None else explore.auroc(scores[names[0]], scores[names[1]]),
        "out": str(out),
    }
    if json:
        print(json_.dumps({name: plain(value) for name, value in figures.items()}, allow_nan=False))
        return
    for name, values in scores.items():
        print(f"{name}: {len(values)} items, mean score {values.mean():.6g}")
    if figures["auroc"] is not None:
        print(f"AUROC: {figures['auroc']:.4f}")
    print(out)
