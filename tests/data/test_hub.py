"""`hf://`: through the library `datasets` on a set that lies on the disk."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from latentia.data import load
from latentia.errors import DataError, MissingExtraError

needs_datasets = pytest.mark.skipif(
    importlib.util.find_spec("datasets") is None, reason="the library datasets (extra [hub]) is not installed"
)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("latentia.data.hub.available", lambda: False)
    with pytest.raises(MissingExtraError, match=r"pip install 'latentia\[hub\]'"):
        load("hf://owner/name")


@pytest.fixture
def local_hub(tmp_path, monkeypatch):
    """A folder in which `owner/name` is a set: the library takes it for the hub's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    return folder


@needs_datasets
@pytest.mark.filterwarnings("ignore")
def test_images_and_parts(local_hub):
    import datasets
    from PIL import Image

    features = datasets.Features(
        {"img": datasets.Image(), "label": datasets.ClassLabel(names=["even", "odd", "third"])}
    )
    for part, n in (("train", 12), ("test", 4)):
        images = [Image.fromarray(np.full((8, 8, 3), i, np.uint8)) for i in range(n)]
        rows = datasets.Dataset.from_dict(
            {"img": images, "label": [i % 2 for i in range(n)]}, features=features
        )
        rows.to_parquet(str(local_hub / f"{part}.parquet"))
    data = load("hf://owner/name")
    assert data.event_shape == (3, 8, 8)
    assert (len(data.train), len(data.validation), len(data.test)) == (11, 1, 4)
    assert data.class_names == ("even", "odd", "third")
    assert data.train.y.tolist() == [int(x[0, 0, 0]) % 2 for x in data.train.x]


@needs_datasets
@pytest.mark.filterwarnings("ignore")
def test_tables_and_absent_sets(local_hub):
    (local_hub / "train.csv").write_text("a,b\n" + "\n".join(f"{i},{i / 2}" for i in range(10)))
    data = load("hf://owner/name")
    assert data.feature_names == ("a", "b")
    assert len(data.train) == 8
    with pytest.raises(DataError, match="hf://owner/absent could not be fetched"):
        load("hf://owner/absent")
