"""Handwritten digits: those of files in LeCun's format, and those that come with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import as_images, read_idx
from latentia.data.dataset import Raw, Split
from latentia.data.images import resize
from latentia.data.sources import SOURCES, DataSource, find, how_to_get
from latentia.errors import DataError


def read_bundled(source: DataSource, size: int | None) -> Raw:
    """Digits that come with scikit-learn."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    split = Split(grey if size is None else resize(grey, size), bunch.target.astype(np.int64))
    return Raw(split, class_names=source.class_names, source=f"{len(split)} images bundled with scikit-learn")


def read_idx_files(source: DataSource, folder: Path, size: int | None) -> Raw:
    """Both parts of a set in a folder, images and labels a file each."""
    parts: dict[str, Split] = {}
    for part, images_file, labels_file in zip(
        ("train", "test"), source.files[0::2], source.files[1::2], strict=True
    ):
        images, labels = read_idx(folder / images_file), read_idx(folder / labels_file)
        if images.ndim != 3:
            raise DataError(
                f"{folder / images_file} has shape {images.shape}; [n, height, width] is expected"
            )
        if len(labels) != len(images):
            raise DataError(
                f"{folder}: {len(images)} images in {images_file} but {len(labels)} labels in {labels_file}"
            )
        parts[part] = Split(as_images(images, str(folder), size), labels.astype(np.int64))
    counts = " and ".join(f"{len(split)} {part}" for part, split in parts.items())
    return Raw.of_parts(parts, f"{counts} images from {folder}", source.class_names)


def digit_images(part: str, *, mnist: bool | None = None) -> NDArray[np.uint8]:
    """Digits of a part, uint8 `[m, 1, h, w]`: no picture of one part shows a digit of the other.

    Args:
        part: "train" or "test".
        mnist: those of MNIST (28 x 28), or of scikit-learn (8 x 8, enlarged to 16 x 16; three in four are for training); None: of MNIST
            where it is there.

    Raises:
        DataError: if MNIST is asked for and not there.

    Example:
        >>> digit_images("test", mnist=False).shape
        (449, 1, 16, 16)
    """
    folder = None if mnist is False else find(SOURCES["mnist"])
    if folder is not None:
        raw = read_idx_files(SOURCES["mnist"], folder, None)
        assert raw.test is not None
        return np.asarray(raw.train.x if part == "train" else raw.test.x)
    if mnist:
        raise DataError(f"MNIST was not found; {how_to_get(SOURCES['mnist'], None)}")
    x = np.asarray(read_bundled(SOURCES["digits"], 16).train.x)
    cut = len(x) - len(x) // 4
    return x[:cut] if part == "train" else x[cut:]
