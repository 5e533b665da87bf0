"""Estimators: the scikit-learn face of every model, and the run folders in which they are kept."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_PUBLIC = {
    "VAE": "latentia.estimators.vae",
    "load": "latentia.estimators.folder",
}

__all__ = ["VAE", "load"]

if TYPE_CHECKING:
    from latentia.estimators.folder import load
    from latentia.estimators.vae import VAE


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'latentia.estimators' has no attribute {name!r}")
