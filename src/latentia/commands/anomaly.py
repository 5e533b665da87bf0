"""`latentia anomaly RUN`: how unusual items are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latentia.commands.opened import at_least_one, dense
from latentia.commands.output import print_json
from latentia.errors import ConfigError
from latentia.files import write_csv

if TYPE_CHECKING:
    from latentia.kinds.run import Run

Method = Literal["likelihood", "typicality", "reconstruction"]


def anomaly(
    run: str,
    other: str | None = None,
    method: Method = "likelihood",
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
    from latentia.kinds.run import Run, plain

    opened = Run.open(run)
    at_least_one(n, "-n")
    usual = dense(opened.split("validation").take(n).x)
    items = _scored_items(opened, other, n)
    of_usual = _scores(opened, usual, method, usual)
    scores = {name: _scores(opened, each, method, usual) for name, each in items.items()}
    if Path(out).suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: scores can be written as .csv")
    write_csv(Path(out), _table(scores, of_usual))
    figures = {"run": str(run), "method": method, **_figures(scores), "out": str(out)}
    if json:
        print_json(plain(figures))
    else:
        _print(figures)


def _scored_items(opened: Run, other: str | None, n: int) -> dict[str, Any]:
    """Name of the data -> items: of the run's test part, then of the other data."""
    from latentia import data

    name = opened.spec.name
    items = {name: dense(opened.split("test").take(n).x)}
    if other is not None:
        size = opened.dataset.event_shape[-1] if opened.dataset.is_image else None
        found = data.load(other, image_size=size).test.take(n)
        items[other if other != name else f"{other} (other)"] = dense(found.x)
    return items


def _scores(opened: Run, items: Any, method: Method, usual: Any) -> Any:
    """A score for each item, `[n]`."""
    from latentia import explore
    from latentia.kinds.mixture.run import MixtureRun

    rows = opened.layout.rows(items) if isinstance(opened, MixtureRun) else items
    return explore.anomaly_scores(opened.estimator, rows, method, usual)


def _table(scores: dict[str, Any], of_usual: Any) -> Any:
    """The rows of the file."""
    import numpy as np
    import pandas as pd

    from latentia import explore

    return pd.concat(
        pd.DataFrame(
            {
                "data": name,
                "item": np.arange(len(values)),
                "score": values,
                "p_value": explore.tail_share(values, of_usual),
            }
        )
        for name, values in scores.items()
    )


def _figures(scores: dict[str, Any]) -> dict[str, Any]:
    """Number and mean of the scores of each data, and how well they tell the first from the second."""
    from latentia import explore

    return {
        "n": {name: len(values) for name, values in scores.items()},
        "mean_score": {name: float(values.mean()) for name, values in scores.items()},
        "auroc": explore.auroc(*scores.values()) if len(scores) == 2 else None,
    }


def _print(figures: dict[str, Any]) -> None:
    for name, n in figures["n"].items():
        print(f"{name}: {n} items, mean score {figures['mean_score'][name]:.6g}")
    if figures["auroc"] is not None:
        print(f"AUROC: {figures['auroc']:.4f}")
    print(figures["out"])
