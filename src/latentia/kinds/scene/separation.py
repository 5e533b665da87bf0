"""What is found in images held against what is true of them, with what the simplest methods give on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics.scenes import Counted, Matched, counted, matched
from latentia.diagnostics.segmentation import Segmented, component_masks, kmeans_masks, segmented
from latentia.errors import DataError

LOOKED_AT = 500
"""Images on which masks are compared: k-means of each image's pixels takes its time."""


@dataclass(frozen=True)
class Separation:
    """How what is found agrees with the truth; None where that is not known.

    Attributes:
        masks: of the model.
        objects: its objects matched with the true ones.
        components: masks by connected regions of one colour.
        kmeans: masks by k-means of the colours, with the true number of groups.
        counts: its numbers of objects.
        component_counts: numbers of connected regions.
    """

    masks: Segmented | None
    objects: Matched | None
    components: Segmented | None
    kmeans: Segmented | None
    counts: Counted | None
    component_counts: Counted | None


def separation(estimator: Any, rows: NDArray[Any], truth: Mapping[str, Any]) -> Separation:
    """Compare what an estimator finds in images `[n, C, H, W]` with their truth: `masks` `[n, H, W]`, `counts` `[n]`, or both.

    Raises:
        DataError: for a truth of another length or shape.
    """
    masks, counts = (
        None if truth.get(name) is None else np.asarray(truth[name]) for name in ("masks", "counts")
    )
    for name, values, shape in (
        ("masks", masks, (len(rows), *rows.shape[2:])),
        ("counts", counts, (len(rows),)),
    ):
        if values is not None and values.shape != shape:
            raise DataError(
                f"{name} of shape {list(values.shape)}; {list(shape)} is expected of these images"
            )
    if counts is None and masks is not None:
        counts = np.array([len(np.unique(mask[mask > 0])) for mask in masks])
    found: dict[str, Any] = dict.fromkeys(
        ("masks", "objects", "components", "kmeans", "counts", "component_counts")
    )
    some = np.sort(np.random.default_rng(0).permutation(len(rows))[:LOOKED_AT])
    regions = None if counts is None else component_masks(rows[some])
    if counts is not None and regions is not None:
        found["counts"] = counted(counts, estimator.count(rows))
        found["component_counts"] = counted(counts[some], regions.max((1, 2)))
    if masks is not None and regions is not None:
        labels, true = estimator.segment(rows[some]), masks[some]
        groups = np.array([len(np.unique(mask)) for mask in true])
        found["masks"] = segmented(true, labels)
        found["objects"] = matched(true, labels)
        found["components"] = segmented(true, regions)
        found["kmeans"] = segmented(true, kmeans_masks(rows[some], groups))
    return Separation(**found)


def figures_of(found: Separation) -> dict[str, Any]:
    """By the names of the words of this kind."""
    masks, counts = found.masks, found.counts
    return {
        "count_accuracy": None if counts is None else counts.accuracy.value,
        "component_count_accuracy": None
        if found.component_counts is None
        else found.component_counts.accuracy.value,
        "ari_fg": None if masks is None else masks.ari_fg.value,
        "component_ari_fg": None if found.components is None else found.components.ari_fg.value,
        "kmeans_ari_fg": None if found.kmeans is None else found.kmeans.ari_fg.value,
        "ari_all": None if masks is None else masks.ari_all.value,
        "covering": None if masks is None else masks.covering.value,
        "position_error": None if found.objects is None else found.objects.position.value,
        "recall": None if found.objects is None else found.objects.recall.value,
    }
