"""Tables of what was found of items, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentia.errors import ConfigError
from latentia.files import write_atomically, write_csv

SUFFIXES = (".csv", ".parquet", ".npy")


def check_table(path: Path) -> None:
    """Raise `ConfigError` if a table cannot be written under such a name."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {path}: it can be written as {', '.join(SUFFIXES)}")


def write_table(path: Path, columns: Mapping[str, Any], names: Any, values: Any) -> Path:
    """Write a row for each item.

    Args:
        path: .csv or .parquet: a column `name` where items have names, then `columns`; .npy: `values`.
        columns: name -> values `[n]`.
        names: of the items, `[n]`; None: they have none.
        values: `[n, ...]`.

    Raises:
        RunFolderError: if it cannot be written.
    """
    import numpy as np
    import pandas as pd

    if path.suffix.lower() == ".npy":
        write_atomically(path, lambda file: np.save(file, values, allow_pickle=False))
        return path
    table = pd.DataFrame({**({} if names is None else {"name": names}), **columns})
    if path.suffix.lower() == ".csv":
        write_csv(path, table)
    else:
        write_atomically(path, lambda file: table.to_parquet(file, index=False))
    return path
