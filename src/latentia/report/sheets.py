"""Items as a file: a picture, an array or a table; in one line of them, or in rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.files import write_atomically, write_csv
from latentia.report.images import mosaic, pixels, square

View = Callable[[NDArray[Any]], NDArray[Any]]
_COLUMNS = 8


def check_out(path: Path, image: bool) -> None:
    """Raise `ConfigError` if items of images, or of a table, cannot be written under such a name."""
    kinds = (".png", ".npy") if image else (".csv", ".npy")
    if path.suffix.lower() not in kinds:
        what = "images" if image else "a table"
        raise ConfigError(f"--out {path}: {what} can be written as {' or '.join(kinds)}")


def write_items(
    items: NDArray[Any] | pd.DataFrame,
    path: Path,
    features: Sequence[str] | None = None,
    beside: Any = None,
    view: View | None = None,
) -> Path:
    """Write drawn or rebuilt items as .png (images), .npy or .csv.

    Args:
        items: `[n, *event]`, or a frame.
        path: the file; its suffix says the format.
        features: column names of a table.
        beside: for .png, originals drawn in a row above the items.
        view: from images to uint8 or [0, 1]; None stretches binary and unbounded ones to black and white.

    Raises:
        ConfigError: if the suffix does not suit the items.
        RunFolderError: if the file cannot be written.
    """
    image = items.ndim >= 3
    check_out(path, image)
    suffix, view = path.suffix.lower(), view or stretched
    if isinstance(items, pd.DataFrame):
        if suffix == ".npy":
            raise ConfigError(f"--out {path}: columns of unlike kinds can be written as .csv")
        write_csv(path, items)
    elif suffix == ".npy":
        write_atomically(path, lambda file: np.save(file, items, allow_pickle=False))
    elif suffix == ".png":
        tiles = pixels(view(_channelled(items)))
        rows = square(tiles)
        if beside is not None:
            originals, rows = pixels(view(_channelled(np.asarray(beside)))), []
            for start in range(0, len(tiles), _COLUMNS):
                rows += [originals[start : start + _COLUMNS], tiles[start : start + _COLUMNS]]
        write_atomically(path, mosaic(rows))
    else:
        write_csv(path, pd.DataFrame(items, columns=list(features) if features else None))
    return path


def stacked(rows: Sequence[NDArray[Any] | pd.DataFrame]) -> NDArray[Any] | pd.DataFrame:
    """Rows of as many items each `[R][C, *event]` as a sheet `[R, C, *event]`; frames as one with an index of rows and columns.

    >>> stacked([pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [3, 4]})]).index.tolist()
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    frames = [row.reset_index(drop=True) for row in rows if isinstance(row, pd.DataFrame)]
    return (
        pd.concat(frames, keys=range(len(frames))) if frames else np.stack([np.asarray(row) for row in rows])
    )


def write_sheet(
    rows: NDArray[Any] | pd.DataFrame,
    path: Path,
    features: Sequence[str] | None = None,
    view: View | None = None,
) -> Path:
    """Write rows of items `[R, C, *event]` as .png (images), .npy or .csv (tables: row and column first).

    Args:
        rows: `[R, C, *event]`, or a frame with an index of rows and columns.
        path: the file; its suffix says the format.
        features: column names of a table.
        view: as in `write_items`.

    Raises:
        ConfigError: if the suffix does not suit the items.
        RunFolderError: if the file cannot be written.
    """
    if isinstance(rows, pd.DataFrame):
        places = pd.DataFrame(
            {"row": rows.index.get_level_values(0), "column": rows.index.get_level_values(1)}
        )
        return write_items(pd.concat([places, rows.reset_index(drop=True)], axis=1), path)
    image = rows.ndim >= 4
    check_out(path, image)
    suffix, view = path.suffix.lower(), view or stretched
    if suffix == ".npy":
        write_atomically(path, lambda file: np.save(file, rows, allow_pickle=False))
    elif suffix == ".png":
        tiles = pixels(view(_channelled(rows.reshape(-1, *rows.shape[2:]))))
        write_atomically(path, mosaic(list(tiles.reshape(*rows.shape[:2], *tiles.shape[1:]))))
    else:
        names = list(features) if features else [f"feature {i}" for i in range(rows.shape[-1])]
        table = pd.DataFrame(rows.reshape(-1, rows.shape[-1]), columns=names)
        table.insert(0, "column", np.tile(np.arange(rows.shape[1]), rows.shape[0]))
        table.insert(0, "row", np.repeat(np.arange(rows.shape[0]), rows.shape[1]))
        write_csv(path, table)
    return path


def stretched(items: NDArray[Any]) -> NDArray[Any]:
    """Images as uint8 or on [0, 1]; binary and unbounded ones are stretched to black and white."""
    if items.dtype == np.uint8 and items.max(initial=0) > 1:
        return items
    values = items.astype(np.float64)
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    return (values - low) / (high - low)


def _channelled(images: NDArray[Any]) -> NDArray[Any]:
    return images[:, None] if images.ndim == 3 else images
