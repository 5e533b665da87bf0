"""A small classifier of images, trained on the spot, whose last hidden layer says how alike two images are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.draws import seeded
from latentia.errors import DataError

WIDTH = 64
BATCH = 128
PEAK_RATE = 3e-3


class Classifier(nn.Module):
    """Three convolutions, each halving the map, and a hidden layer of 64 units whose activations are the features.

    Features are divided by their standard deviation over the training images (the root of the mean variance of
    their 64 numbers), so that distances between them are in units of how much real images differ.

    Args:
        channels: of an image.
        n_classes: number of classes.
    """

    scale: Tensor

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.channels, self.n_classes = channels, n_classes
        widths = (channels, 16, 32, 64)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [
                nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
        self.body = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64 * 16, WIDTH), nn.ReLU()
        )
        self.last = nn.Linear(WIDTH, n_classes)
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of the classes, for images on [0, 1]."""
        return self.last(self.body(2 * x - 1))

    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch 64"]:
        """The hidden layer before the logits, in units of its spread over the training images."""
        return self.body(2 * x - 1) / self.scale


def train_classifier(
    x: NDArray[Any], y: NDArray[Any], *, epochs: int = 3, seed: int = 0, device: str = "cpu"
) -> Classifier:
    """Train a `Classifier` by Adam under a one-cycle schedule; the same arguments give the same weights.

    Args:
        x: uint8 images `[n, C, H, W]`.
        y: class codes `[n]`, from 0.
        epochs: passes over the images.
        seed: of the weights and of the order.
        device: where it is trained and left.

    Raises:
        DataError: if the images are no uint8 images with a label each.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits()
        >>> x = (digits.images * 15.9).astype("uint8")[:, None]
        >>> classifier = train_classifier(x[:1000], digits.target[:1000], epochs=5)
        >>> accuracy(classifier, x[1000:], digits.target[1000:]) > 0.85
        True
    """
    if x.ndim != 4 or str(x.dtype) != "uint8" or len(x) != len(y) or len(x) < 2:
        raise DataError(
            f"images of type {x.dtype} and shape {x.shape} with {len(y)} labels; "
            "expected uint8 [n, C, H, W] and n labels, n > 1"
        )
    where = torch.device(device)
    with seeded(seed, where):
        model = Classifier(x.shape[1], int(y.max()) + 1).to(where)
        images, labels = torch.as_tensor(x).to(where), torch.as_tensor(y).long().to(where)
        steps = -(-len(x) // BATCH)
        optimizer = torch.optim.Adam(model.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps * epochs)
        model.train()
        for _ in range(epochs):
            # Parts of nearly equal size: batch normalisation needs more than one image in each.
            for rows in torch.randperm(len(x)).to(where).tensor_split(steps):
                loss = F.cross_entropy(model(images[rows].float() / 255), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        model.eval()
        spread = features(model, x).double().var(0).mean().sqrt()
        model.scale.copy_(spread if spread > 0 else torch.ones(()))
    return model


@torch.no_grad()
def features(model: Classifier, x: NDArray[Any]) -> Float[Tensor, "items 64"]:
    """Features of uint8 images `[n, C, H, W]`, on the CPU."""
    where = model.scale.device
    parts = torch.as_tensor(x).split(500)
    return torch.cat([model.features(part.to(where).float() / 255).cpu() for part in parts])


@torch.no_grad()
def accuracy(model: Classifier, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Share of uint8 images `[n, C, H, W]` whose most likely class is `y`."""
    where = model.scale.device
    parts = torch.as_tensor(x).split(500)
    guesses = torch.cat([model(part.to(where).float() / 255).argmax(1).cpu() for part in parts])
    return float((guesses == torch.as_tensor(y)).double().mean())
