"""Bytes cut off, changed or put in at random places: a file is read, or refused in one line; nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from latentia.data import load
from latentia.errors import DataError

ROUNDS = 60


def write_npy(path, rng):
    np.save(path, rng.random((20, 3)))


def write_npz(path, rng):
    np.savez_compressed(path, x=rng.random((20, 3)), y=np.arange(20) % 3)


def write_table(path, rng):
    frame = pd.DataFrame({"a": rng.random(20), "b": range(20), "label": ["u", "v"] * 10})
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


def write_image(path, rng):
    for name in (path, *(path.with_name(f"{i}{path.suffix}") for i in range(3))):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(name)


def damaged(content, kind, rng):
    content = bytearray(content)
    place = int(rng.integers(len(content)))
    if kind == "cut":
        return bytes(content[:place])
    if kind == "changed":
        for other in rng.integers(len(content), size=rng.choice([1, 4, 40])):
            content[other] = rng.integers(256)
        return bytes(content)
    return bytes(content[:place] + rng.bytes(5) + content[place:])


@pytest.mark.parametrize("kind", ["cut", "changed", "put in"])
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.npy", write_npy),
        ("t.npz", write_npz),
        ("t.csv", write_table),
        ("t.csv.gz", write_table),
        ("t.parquet", write_table),
        ("a.png", write_image),
        ("a.jpg", write_image),
        ("a.webp", write_image),
        ("a.bmp", write_image),
    ],
)
def test_damaged_files(tmp_path, name, write, kind):
    rng = np.random.default_rng([ROUNDS, *name.encode(), *kind.encode()])
    path = tmp_path / name
    write(path, rng)
    content = path.read_bytes()
    source = tmp_path if write is write_image else path
    for _ in range(ROUNDS):
        path.write_bytes(damaged(content, kind, rng))
        try:
            data = load(source)
        except DataError as error:
            message = str(error)
            if "\n" in message or (write is not write_image and str(path) not in message):
                pytest.fail(f"not one line that names the file: {message!r}")
        else:
            assert np.isfinite(data.train.x).all()
