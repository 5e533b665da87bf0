"""The images of a benchmark: loaded, cut to size, and the feature space in which samples are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from sklearn.decomposition import PCA
from torch import Tensor

from latentia.data import SOURCES, Dataset, load
from latentia.data.sources import search_folders
from latentia.diagnostics.classifier import Classifier, accuracy, features, train_classifier
from latentia.diagnostics.sample_quality import precision_recall, sliced_wasserstein
from latentia.errors import ConfigError, DataError
from latentia.files import write_atomically

COMPARED = 5000
"""Most images on each side of a comparison of samples."""
LEAST_STEPS = 250
COMPONENTS = 50
PCA_IMAGES = 5000


@dataclass(frozen=True)
class Images:
    """A data set of 8-bit images, and whether figures on it may be compared with published ones."""

    dataset: Dataset
    comparable: bool
    note: str


def load_images(name: str, limit: int | None = None) -> Images:
    """Load a data set of images; sets of which only a part is at hand are split anew, and say so.

    Args:
        name: a name of `latentia datasets` or a path.
        limit: most training images; validation takes a tenth and testing a quarter as many, at least 50.

    Raises:
        DataError: if the data are not found or not 8-bit images.
        ConfigError: if `limit` is below 100.
    """
    dataset, note = _load(name)
    if not dataset.is_image or np.asarray(dataset.train.x[:1]).dtype != np.uint8:
        raise DataError(
            f"{name} holds no 8-bit images, which Table 1 compares: give one of {', '.join(SOURCES)}"
        )
    total = len(dataset.train) + len(dataset.validation) + len(dataset.test)
    if not note and name in SOURCES and total < SOURCES[name].n:
        note = f"{total:,} of {SOURCES[name].n:,} images, split anew"
    if limit is not None:
        if limit < 100:
            raise ConfigError(f"--limit {limit}: at least 100 images are needed")
        note = f"{note}; " * bool(note) + f"at most {limit:,} images to train on"
        dataset = replace(
            dataset,
            train=dataset.train.take(limit),
            validation=dataset.validation.take(max(50, limit // 10)),
            test=dataset.test.take(max(50, limit // 4)),
        )
    return Images(dataset, not note, note)


def _load(name: str) -> tuple[Dataset, str]:
    try:
        return load(name), ""
    except DataError:
        # Of CIFAR-100 some collections hold the test file alone.
        for folder in search_folders():
            file = folder / name / "test.parquet"
            if name in SOURCES and SOURCES[name].reader == "parquet" and file.is_file():
                dataset = load(file, label_column="label")
                n = len(dataset.train) + len(dataset.validation) + len(dataset.test)
                return replace(dataset, name=name), f"only its {n:,} test images, split anew"
        raise


@dataclass(frozen=True)
class FeatureSpace:
    """In which samples are judged.

    Attributes:
        of: features `[n, d]` of uint8 images.
        words: what it is.
        accuracy: of the classifier on the test images; None for principal components.
        test: features of the test images that samples are compared with, `[m, d]`.
    """

    of: Callable[[NDArray[Any]], Tensor]
    words: str
    accuracy: float | None
    test: Tensor

    def compare(self, images: NDArray[Any]) -> dict[str, float]:
        """Sliced Wasserstein distance, precision and recall of uint8 images `[m, C, H, W]` against the test images."""
        found = self.of(images)
        near = precision_recall(self.test, found)
        return {
            "sliced_wasserstein": sliced_wasserstein(self.test, found),
            "precision": near.precision,
            "recall": near.recall,
        }


def feature_space(images: Images, file: Path, device: str) -> FeatureSpace:
    """The feature space of a data set: a classifier's where there are labels, else principal components of the pixels.

    Args:
        images: the data.
        file: where the classifier is kept, so that all rows share it.
        device: where it runs.
    """
    dataset = images.dataset
    shown = np.asarray(dataset.test.take(COMPARED).x)
    if dataset.train.y is None or dataset.test.y is None:
        of, words = _principal(np.asarray(dataset.train.take(PCA_IMAGES).x))
        return FeatureSpace(of, words, None, of(shown))
    model = _classifier(dataset, file, device)
    score = accuracy(model, np.asarray(dataset.test.x), dataset.test.y)
    words = f"64 features of a classifier that names {100 * score:.1f} % of the test images rightly"
    return FeatureSpace(
        lambda x: features(model, x),
        words,
        score,
        features(model, shown),
    )


def _classifier(dataset: Dataset, file: Path, device: str) -> Classifier:
    """The classifier of `file`, trained first if it is not there."""
    x, y = np.asarray(dataset.train.x), dataset.train.y
    assert y is not None
    if file.exists():
        model = Classifier(x.shape[1], int(y.max()) + 1)
        try:
            model.load_state_dict(load_tensors(file.read_bytes()))
        except (RuntimeError, ValueError) as error:
            raise DataError(
                f"{file} does not hold the classifier of {dataset.name}; delete it to train it anew"
            ) from error
        return model.to(device).eval()
    passes = 2 if x.shape[1] == 1 else 5  # colour photographs are harder to tell apart
    epochs = max(passes, -(-LEAST_STEPS * 128 // len(x)))
    model = train_classifier(x, y, epochs=epochs, device=device)
    state = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(file, save_tensors(state))
    return model


def _principal(x: NDArray[Any]) -> tuple[Callable[[NDArray[Any]], Tensor], str]:
    """Coordinates on the leading principal components of these images, in units of their spread."""
    rows = x.reshape(len(x), -1).astype(np.float32) / 255
    count = min(COMPONENTS, *rows.shape)
    axes = PCA(count, svd_solver="randomized", random_state=0).fit(rows)
    scale = float(np.sqrt(axes.explained_variance_.mean()))

    def of(images: NDArray[Any]) -> Tensor:
        flat = images.reshape(len(images), -1).astype(np.float32) / 255
        return torch.as_tensor(axes.transform(flat) / scale)

    return of, f"the first {count} principal components of the pixels (no labels are at hand)"
