"""What is looked at to judge a model of scenes, gathered over images: plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.core import Scene
from latentia.diagnostics.scenes import pieces
from latentia.diagnostics.segmentation import component_masks
from latentia.kinds.scene.seen import Seen

IMAGES = 1000
"""Images that are looked at."""
_BORDERS = 3


@dataclass(frozen=True)
class SceneState:
    """What a model does with images; a thing that its family does not have is None.

    Attributes:
        n: images.
        windows: whether objects are found in windows, and counted.
        n_slots: places for objects.
        numbers: objects found in each image, `[n]`.
        regions: connected regions of one colour in each image, or the true numbers where they are known, `[n]`.
        scale: standard deviation of pixels that was asked for.
        ground: median brightness of the border, on [0, 1].
        entropy: mean entropy of q(n|x) in nats.
        doubled: share of images in which two windows overlap by half (intersection over union).
        unpaid: share of images in which an object costs more nats than leaving it out would.
        effective: effective number of slots by their shares of the pixels, of each image `[n]`.
        alone: share of the variance of the pixels that is lost if the largest slot paints each image alone.
        mask_variance: the largest over slots of the variance of its mask over images, mean over pixels.
        pieces: connected regions of the mask of an object, mean.
        touching: share of images with an object that touches three borders.
        leak: share of the true background that belongs to objects.
        code_variance: variance of the numbers of objects' codes over objects, `[d]`.
        epochs: of the fit.
    """

    n: int
    windows: bool
    n_slots: int
    numbers: NDArray[np.int64]
    regions: NDArray[np.int64]
    scale: float = 0.3
    ground: float | None = None
    entropy: float | None = None
    doubled: float | None = None
    unpaid: float | None = None
    effective: NDArray[np.float64] | None = None
    alone: float | None = None
    mask_variance: float | None = None
    pieces: float | None = None
    touching: float | None = None
    leak: float | None = None
    code_variance: NDArray[np.float64] | None = None
    epochs: int = 0


def state_of(estimator: Any, rows: NDArray[Any], truth: Mapping[str, Any]) -> SceneState:
    """Look at (at most `IMAGES` of) images `[n, C, H, W]`, and at what is true of them."""
    rows = rows[:IMAGES]
    asked, windows = estimator._inference(), bool(estimator._entry().windows)
    gathered = _Gathered(windows)
    masks = truth.get("masks")
    with torch.inference_mode():
        for start, x in zip(range(0, len(rows), 100), asked.batches(rows, 100), strict=True):
            z, scene = asked.module.seen(x)
            seen = Seen.of(asked.module, z, scene)
            gathered.add(seen, None if masks is None else np.asarray(masks)[start : start + len(x)])
            if windows:
                gathered.cost(asked.module, x, scene)
            else:
                gathered.shared(x, scene)
    found = gathered.state(estimator.n_slots_, rows, truth)
    return replace(found, scale=estimator.composition_.scale, epochs=len(estimator.history_))


class _Gathered:
    def __init__(self, windows: bool) -> None:
        self.windows = windows
        self.of_image: dict[str, list[Any]] = {}
        self.sums: dict[str, Any] = {}

    def _append(self, **values: Any) -> None:
        for name, value in values.items():
            self.of_image.setdefault(name, []).append(np.asarray(value))

    def _sum(self, **values: Any) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value

    def add(self, seen: Seen, truth: NDArray[Any] | None) -> None:
        """What every family has."""
        labels, objects = seen.labels, seen.objects
        self._append(numbers=seen.numbers, codes=seen.codes[objects], touching=_touching(labels))
        self._append(
            pieces=[
                pieces(labels[i] == k)
                for i in range(len(labels))
                for k in np.unique(labels[i][labels[i] > 0])
            ]
        )
        if truth is not None:
            self._sum(ground=(truth == 0).sum(), leaked=((truth == 0) & (labels > 0)).sum())
        if seen.counts is not None:
            q = np.clip(seen.counts, 1e-12, 1)
            self._append(entropy=-(q * np.log(q)).sum(1), doubled=_doubled(seen.where, objects))

    def cost(self, model: Any, x: Tensor, scene: Scene) -> None:
        """Of windows: whether each object that is there brings more likelihood than its code costs."""
        assert scene.count is not None
        parts, number = scene.parts[0][:, 1:], scene.count[0].argmax(-1)
        there = torch.arange(1, parts.shape[1] + 1, device=x.device) <= number[:, None]
        rest = x - (there[..., None, None, None] * parts).sum(1)
        without = (rest[:, None] + parts).square().flatten(2).sum(-1) - rest.square().flatten(1).sum(-1)[
            :, None
        ]
        gain = 0.5 * without / model.likelihood().square()
        price = model.encode(x).central().rates.sum(-1)
        bright = x.abs().mean(1)
        edge = torch.cat([bright[:, 0], bright[:, -1], bright[:, :, 0], bright[:, :, -1]], 1)
        self._append(ground=edge.median(1).values.cpu().numpy())
        self._append(unpaid=((gain < price) & there).any(1).cpu().numpy())

    def shared(self, x: Tensor, scene: Scene) -> None:
        """Of masks: how they share the pixels, and what the largest alone would leave."""
        masks, parts = scene.masks[0], scene.parts[0]
        share = masks.mean((-1, -2))
        share = share / share.sum(1, keepdim=True)
        entropy = -(share * share.clamp_min(1e-12).log()).sum(1)
        largest = share.argmax(1)
        alone = parts[torch.arange(len(x)), largest]
        whole = (masks[:, :, None] * parts).sum(1)
        self._append(effective=entropy.exp().cpu().numpy())
        self._sum(
            lost=float(((x - alone).square() - (x - whole).square()).sum()), x=x.double().sum(0).cpu(),
            square=x.double().square().sum(0).cpu(), mask=masks.double().sum(0).cpu(), mask2=masks.double().square().sum(0).cpu(),
        )  # fmt: skip

    def state(self, n_slots: int, rows: NDArray[Any], truth: Mapping[str, Any]) -> SceneState:
        """The whole."""
        found = {name: np.concatenate(parts) for name, parts in self.of_image.items()}
        n, sums = len(found["numbers"]), self.sums
        known = truth.get("counts")
        regions = component_masks(rows[:n]).max((1, 2)) if known is None else np.asarray(known)[:n]
        extra: dict[str, Any] = {}
        if self.windows:
            extra |= {name: float(found[name].mean()) for name in ("entropy", "doubled", "unpaid")}
            extra["ground"] = float(np.median(found["ground"]))
        else:
            variance = float((sums["square"] / n - (sums["x"] / n).square()).sum()) * n
            of_masks = (sums["mask2"] / n - (sums["mask"] / n).square()).mean((-1, -2))
            extra |= {
                "effective": found["effective"],
                "alone": sums["lost"] / max(variance, 1e-12),
                "mask_variance": float(of_masks.max()),
                "pieces": float(found["pieces"].mean()) if len(found["pieces"]) else None,
            }
        if sums.get("ground"):
            extra["leak"] = float(sums["leaked"] / sums["ground"])
        codes = found["codes"]
        return SceneState(
            n, self.windows, n_slots, found["numbers"], regions, touching=float(found["touching"].mean()),
            code_variance=codes.astype(np.float64).var(0) if len(codes) > 1 else None, **extra,
        )  # fmt: skip


def _touching(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether an object of each image touches three borders or more."""
    found = []
    for image in labels:
        edges = [set(np.unique(edge)) for edge in (image[0], image[-1], image[:, 0], image[:, -1])]
        found.append(any(sum(k in edge for edge in edges) >= _BORDERS for k in np.unique(image[image > 0])))
    return np.array(found, dtype=bool)


def _doubled(where: NDArray[Any], objects: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether two objects of an image have boxes that overlap by half, `[n]`."""
    low, high = where[..., :2] - where[..., 2:] / 2, where[..., :2] + where[..., 2:] / 2
    both = np.clip(
        np.minimum(high[:, :, None], high[:, None]) - np.maximum(low[:, :, None], low[:, None]), 0, None
    ).prod(-1)
    area = where[..., 2:].prod(-1)
    share = both / np.maximum(area[:, :, None] + area[:, None] - both, 1e-12)
    pair = objects[:, :, None] & objects[:, None] & ~np.eye(objects.shape[1], dtype=bool)
    return ((share > 0.5) & pair).any((1, 2))
