"""`latentia anomaly RUN`: how unusual items are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latentia.commands.opened import at_least_one, open_run
from latentia.commands.output import print_json
from latentia.errors import ConfigError
from latentia.files import write_csv

if TYPE_CHECKING:
    from latentia.data import Split
    from latentia.kinds.run import Run

EXPLAINED = 100
"""Rows of each data for which it is said which cells make them unusual."""
Method = Literal["likelihood", "typicality", "reconstruction"]
Total = Literal["modelled", "given"]


def anomaly(
    run: str,
    other: str | None = None,
    method: Method = "likelihood",
    total: Total = "modelled",
    n: int = 1000,
    out: str = "anomalies.csv",
    json: bool = False,
    data: str | None = None,
) -> None:
    """Score how unusual items are, the test part of the run's data and other data; higher is more unusual.

    Args:
        run: run folder.
        other: further data (a name or path): all of their items are scored, in their order, with their names; how well scores tell them
            from the test part is then told (AUROC).
        method: -log p(x), its distance from what is usual, or the squared error of the reconstruction.
        total: of counts: modelled scores a row with its total, so that a row of very few or very many counts is unusual; given leaves the total out.
        n: most items of the run's own data.
        out: a .csv file: data, item (its place, from 0), name, score, and the share of validation items that score as high (p_value); of
            tables of unlike columns also the cells that are least likely given the others (because).
        json: print one JSON object and nothing else.
        data: where the run's data are now, if not where they were.
    """
    from latentia.kinds.abilities import Rebuilds, Scores
    from latentia.kinds.plain import plain

    opened = open_run(run, "anomaly", Rebuilds if method == "reconstruction" else Scores, data=data)
    at_least_one(n, "-n")
    if Path(out).suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: scores can be written as .csv")
    usual = opened.split("validation").take(n)
    scored = _scored(opened, other, n)
    of_usual = _scores(opened, usual, method, usual, total)
    scores = {name: _scores(opened, part, method, usual, total) for name, part in scored.items()}
    write_csv(Path(out), _table(scored, scores, of_usual, _reasons(opened, scored, scores)))
    conditional = opened.conditions_on_total and method != "reconstruction"
    figures = {
        "run": str(run),
        "method": method,
        **({"total": total} if conditional else {}),
        **_figures(scores),
        "out": str(out),
    }
    if json:
        print_json(plain(figures))
    else:
        _print(figures)


def _scored(opened: Run, other: str | None, n: int) -> dict[str, Split]:
    """Name of the data -> items: of the run's test part, then all of the other data."""
    items = {opened.name: opened.split("test").take(n)}
    if other is not None:
        items[other if other != opened.name else f"{other} (other)"] = opened.items(other)
    return items


def _scores(opened: Run, part: Split, method: Method, usual: Split, total: Total) -> Any:
    """A score for each item, `[n]`."""
    from types import SimpleNamespace

    from latentia import explore
    from latentia.data.items import dense

    asked = SimpleNamespace(
        score_samples=getattr(opened, "log_density", None),
        reconstruct=getattr(opened, "rebuilt", None),
        conditions_on_total=opened.conditions_on_total,
    )
    if hasattr(opened.estimator, "unusual"):
        asked.unusual = opened.estimator.unusual
    return explore.anomaly_scores(asked, dense(part.x), method, dense(usual.x), total)


def _reasons(opened: Run, scored: dict[str, Split], scores: dict[str, Any]) -> dict[str, list[str]]:
    """Why the most unusual rows of tables of unlike columns are so; nothing for other items."""
    import numpy as np

    from latentia.data.items import Mixed

    found = {}
    for name, part in scored.items():
        if isinstance(part.x, Mixed) and hasattr(opened, "reasons"):
            first = np.argsort(-scores[name], kind="stable")[:EXPLAINED]
            told = dict(zip(first.tolist(), opened.reasons(part.x[first]), strict=True))
            found[name] = [told.get(i, "") for i in range(len(part))]
    return found


def _table(
    scored: dict[str, Split], scores: dict[str, Any], of_usual: Any, reasons: dict[str, list[str]]
) -> Any:
    """The rows of the file."""
    import numpy as np
    import pandas as pd

    from latentia import explore

    return pd.concat(
        pd.DataFrame(
            {
                "data": name,
                "item": np.arange(len(values)),
                **({} if scored[name].names is None else {"name": scored[name].names}),
                "score": values,
                "p_value": explore.tail_share(values, of_usual),
                **({"because": reasons[name]} if name in reasons else {}),
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
    if "total" in figures:
        whole = (
            "whole rows, their totals modelled"
            if figures["total"] == "modelled"
            else "counts given the total of their row"
        )
        print(f"scores are of {whole}")
    for name, n in figures["n"].items():
        print(f"{name}: {n} items, mean score {figures['mean_score'][name]:.6g}")
    if figures["auroc"] is not None:
        print(f"AUROC: {figures['auroc']:.4f}")
    print(figures["out"])
