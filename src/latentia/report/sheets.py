"""Rows of items as a file: a picture, an array or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.files import write_atomically, write_csv
from latentia.kinds.run import Run
from latentia.report.images import mosaic, pixels, viewable


def write_sheet(rows: NDArray[Any], path: Path, run: Run) -> Path:
    """Write rows of items `[R, C, *event]` as .png (images), .npy or .csv (tables: row and column first).

    Raises:
        ConfigError: if the suffix does not suit the items.
        RunFolderError: if the file cannot be written.
    """
    suffix, image = path.suffix.lower(), rows.ndim == 5
    if suffix == ".npy":
        write_atomically(path, lambda file: np.save(file, rows, allow_pickle=False))
    elif suffix == ".png" and image:
        shown = viewable(run.estimator.form_, rows.reshape(-1, *rows.shape[2:]))
        tiles = pixels(shown)
        write_atomically(path, mosaic(list(tiles.reshape(*rows.shape[:2], *tiles.shape[1:]))))
    elif suffix == ".csv" and not image:
        names = run.config.get("columns") or [f"feature {i}" for i in range(rows.shape[-1])]
        table = pd.DataFrame(rows.reshape(-1, rows.shape[-1]), columns=list(names))
        table.insert(0, "column", np.tile(np.arange(rows.shape[1]), rows.shape[0]))
        table.insert(0, "row", np.repeat(np.arange(rows.shape[0]), rows.shape[1]))
        write_csv(path, table)
    else:
        kinds = ".png or .npy" if image else ".csv or .npy"
        raise ConfigError(f"--out {path}: {'images' if image else 'a table'} can be written as {kinds}")
    return path
