"""Data: `load(name_or_path)` gives a `Dataset` with seeded train, validation and test parts.

Nothing heavy is imported before a name is used, so that `latentia datasets` answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_PUBLIC = {
    "Balls": "latentia.data.balls",
    "SOURCES": "latentia.data.sources",
    "DataSource": "latentia.data.sources",
    "Dataset": "latentia.data.dataset",
    "DatasetRow": "latentia.data.sources",
    "DynamicBinarization": "latentia.data.transforms",
    "MultiDigits": "latentia.data.multi_digits",
    "MultiSprites": "latentia.data.multi_sprites",
    "Scenes": "latentia.data.scenes",
    "Split": "latentia.data.dataset",
    "Sprites": "latentia.data.sprites",
    "Tetrominoes": "latentia.data.tetrominoes",
    "Videos": "latentia.data.balls",
    "binarize": "latentia.data.transforms",
    "datasets_table": "latentia.data.sources",
    "load": "latentia.data.loading",
}

__all__ = [
    "SOURCES",
    "Balls",
    "DataSource",
    "Dataset",
    "DatasetRow",
    "DynamicBinarization",
    "MultiDigits",
    "MultiSprites",
    "Scenes",
    "Split",
    "Sprites",
    "Tetrominoes",
    "Videos",
    "binarize",
    "datasets_table",
    "load",
]

if TYPE_CHECKING:
    from latentia.data.balls import Balls, Videos
    from latentia.data.dataset import Dataset, Split
    from latentia.data.loading import load
    from latentia.data.multi_digits import MultiDigits
    from latentia.data.multi_sprites import MultiSprites
    from latentia.data.scenes import Scenes
    from latentia.data.sources import SOURCES, DatasetRow, DataSource, datasets_table
    from latentia.data.sprites import Sprites
    from latentia.data.tetrominoes import Tetrominoes
    from latentia.data.transforms import DynamicBinarization, binarize


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
