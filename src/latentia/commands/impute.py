"""`latentia impute RUN TABLE`: fill the gaps of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError


def impute(
    run: str,
    table: str,
    how: Literal["mean", "draw"] = "mean",
    n: int = 1,
    out: str = "imputed.csv",
    seed: int = 0,
) -> None:
    """Fill the gaps of a table with what a model makes of the known cells of each row; what is known stays as it is.

    Args:
        run: run folder of a model that was fitted to a table of columns of unlike kinds, or with gaps.
        table: a table with the columns of that one (.csv, .tsv, .parquet); its other columns stay as they are.
        how: mean: of numbers their mean, of levels the most probable; draw: a draw of all missing cells together.
        n: how many tables to draw (multiple imputation); above 1 they are numbered: imputed-1.csv, imputed-2.csv, ...
        out: a .csv file.
        seed: of draws.
    """
    from latentia.commands.opened import at_least_one, open_run
    from latentia.files import write_csv
    from latentia.kinds.abilities import Imputes

    path = Path(out)
    if path.suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: a table can be written as .csv")
    if how == "mean" and at_least_one(n, "-n") > 1:
        raise ConfigError(f"-n {n}: the mean is one table; several are drawn with --how draw")
    opened = open_run(run, "impute", Imputes)
    items = opened.items(table).x
    gaps = int((~items.observed).sum()) if hasattr(items, "observed") else 0
    for i in range(n):
        filled = opened.imputed(items, how, seed + i)
        place = path if n == 1 else path.with_name(f"{path.stem}-{i + 1}{path.suffix}")
        write_csv(place, _beside(table, items, filled))
        print(f"{place}: {gaps} of {items.shape[0] * items.shape[1]} cells filled")


def _beside(table: str, items: Any, filled: Any) -> Any:
    """The table as it is in its file, with filled cells in its gaps."""
    import pandas as pd

    path = Path(table)
    if ".parquet" in path.suffixes:
        own = pd.read_parquet(path)
    else:
        own = pd.read_csv(
            path,
            sep="\t" if ".tsv" in path.suffixes else None,
            engine="python",
            dtype=object,
            skipinitialspace=True,
        )
    own.columns = [str(name) for name in own.columns]
    for j, column in enumerate(items.columns):
        gap = ~items.observed[:, j]
        if column.name in own.columns and gap.any():
            told = own[column.name].astype(object)
            told[gap] = filled[column.name].astype(object).to_numpy()[gap]
            own[column.name] = told
    return own
