"""Where the real data sets lie, and a cache of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache or LATENTIA_DATA."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("LATENTIA_DATA", raising=False)
    return cache


_LATENTIA_DATA = os.environ.get("LATENTIA_DATA")  # read before any test changes it


@pytest.fixture
def real_data():
    """Give a function from the name of a real set to the folder `data_dir`; skips if it is absent."""
    root = Path(_LATENTIA_DATA) if _LATENTIA_DATA else _BESIDE

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"the real data set {name} is absent from {root}; set LATENTIA_DATA to where it is")
        return root

    return folder
