"""How well masks agree with the true ones, and what the simplest methods would give on the same images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentia.diagnostics.measure import Measure

_FLAT = 16  # colours of an image up to which it is one of flat colours
_INK = 25  # levels by which a pixel differs from the ground where colours are not flat
FEWEST_PIXELS = 4
"""A component of fewer pixels is no object."""

Labels = NDArray[Any]  # whose each pixel is, [n, H, W]


@dataclass(frozen=True)
class Segmented:
    """How masks agree with the true ones.

    Attributes:
        ari_fg: adjusted Rand index over the pixels of true objects; images with one visible object, where it is 1 whatever was found,
            are left out.
        ari_all: the same over all pixels and images.
        covering: mean over true objects of the best intersection over union with a slot: of leaks into the ground too.
        left_out: images that `ari_fg` is not of.
    """

    ari_fg: Measure
    ari_all: Measure
    covering: Measure
    left_out: int


def segmented(truth: Labels, found: Labels) -> Segmented:
    """Compare masks with the true ones, of which 0 is the background.

    Example:
        >>> truth = np.array([[[0, 1], [2, 2]]])
        >>> segmented(truth, 5 - truth).ari_fg.value
        1.0
    """
    several = np.array([len(np.unique(mask[mask > 0])) > 1 for mask in truth], dtype=bool)
    fg = [
        adjusted_rand_index(mask[mask > 0], own[mask > 0]) if many else np.nan
        for mask, own, many in zip(truth, found, several, strict=True)
    ]
    everything = [adjusted_rand_index(mask, own) for mask, own in zip(truth, found, strict=True)]
    covered = [covering(mask, own) for mask, own in zip(truth, found, strict=True)]
    return Segmented(
        Measure.of(fg), Measure.of(everything), Measure.of(covered), int(len(truth) - several.sum())
    )


def adjusted_rand_index(a: Labels, b: Labels) -> float:
    r"""The adjusted Rand index of two labellings of the same pixels: 1 for the same groups, 0 in expectation by chance.

    .. math:: \frac{\sum_{ij} C_2(n_{ij}) - E}{\tfrac12 (\sum_i C_2(a_i) + \sum_j C_2(b_j)) - E}, \quad
        E = \sum_i C_2(a_i) \sum_j C_2(b_j) / C_2(n)

    with n_ij pixels of group i and group j, their sums a_i and b_j, and C_2(m) = m (m - 1) / 2; 1 where both have one group.

    Source: Hubert and Arabie 1985, Comparing partitions.

    Example:
        >>> adjusted_rand_index(np.array([0, 0, 1, 1]), np.array([7, 7, 3, 3]))
        1.0
    """
    table = contingency(a, b).astype(np.float64)
    together = _pairs(table).sum()
    rows, columns = _pairs(table.sum(1)).sum(), _pairs(table.sum(0)).sum()
    total = _pairs(table.sum())
    expected = rows * columns / total if total else 0.0
    most = 0.5 * (rows + columns)
    return float((together - expected) / (most - expected)) if most != expected else 1.0


def contingency(a: Labels, b: Labels) -> NDArray[np.int64]:
    """How many pixels have label i in the one and label j in the other, `[I, J]`."""
    first, i = np.unique(np.ravel(a), return_inverse=True)
    second, j = np.unique(np.ravel(b), return_inverse=True)
    return np.bincount(i * len(second) + j, minlength=len(first) * len(second)).reshape(
        len(first), len(second)
    )


def _pairs(n: Any) -> Any:
    return n * (n - 1) / 2


def overlaps(truth: Labels, found: Labels) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[Any]]:
    """Intersection over union of each true object with each slot of an image, `[O, K]`, and the labels of both; true 0 is no object."""
    objects, slots = np.unique(truth[truth > 0]), np.unique(found)
    a = truth.ravel() == objects[:, None]
    b = found.ravel() == slots[:, None]
    both = (a[:, None] & b[None]).sum(-1)
    either = a.sum(-1)[:, None] + b.sum(-1)[None] - both
    return both / np.maximum(either, 1), objects, slots


def covering(truth: Labels, found: Labels) -> float:
    """Mean over the true objects of an image of the best intersection over union with a slot; NaN without an object.

    Source: Engelcke et al. 2020, GENESIS, section 5.2 (mean segmentation covering, after Arbelaez et al. 2010).
    """
    shares, objects, _ = overlaps(truth, found)
    return float(shares.max(1).mean()) if len(objects) else float("nan")


# ------------------------------------------------------------------ what the simplest methods give


def kmeans_masks(x: NDArray[Any], n_groups: NDArray[np.int64], places: bool = False, seed: int = 0) -> Labels:
    """Pixels of each image grouped by colour by k-means.

    Args:
        x: images `[n, C, H, W]`, uint8 or on [0, 1].
        n_groups: groups of each image, `[n]`: its true objects and the background.
        places: whether three times the pixel's place, as shares of the image, stands beside its colour.
        seed: of the starts.
    """
    from sklearn.cluster import KMeans

    values = _unit(x)
    n, _, height, width = values.shape
    at = np.stack(np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")).reshape(
        2, -1
    )
    out = np.zeros((n, height, width), np.int64)
    for i, image in enumerate(values):
        pixels = image.reshape(len(image), -1)
        rows = (np.concatenate([pixels, 3 * at]) if places else pixels).T
        wanted = min(int(n_groups[i]), len(np.unique(rows, axis=0)))
        out[i] = KMeans(wanted, n_init=3, random_state=seed).fit_predict(rows).reshape(height, width)
    return out


def component_masks(x: NDArray[Any]) -> Labels:
    """Connected regions of equal colour of each image, 0 the background: the colour of most of the border.

    Where an image has more than 16 colours, as handwriting has, regions of all that is unlike the background are taken.
    Regions of at most `FEWEST_PIXELS` pixels belong to the background.

    Args:
        x: images `[n, C, H, W]`, uint8 or on [0, 1].

    Example:
        >>> x = np.zeros((1, 1, 8, 8), np.uint8)
        >>> x[0, 0, :3, :3] = x[0, 0, 5:, 5:] = 255
        >>> int(component_masks(x).max())
        2
    """
    images = np.rint(255 * _unit(x)).astype(np.int64)
    return np.stack([_components(image) for image in images])


def _components(image: NDArray[np.int64]) -> Labels:
    weights = 256 ** np.arange(len(image))
    colours = np.tensordot(weights, image, 1)
    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    names, counts = np.unique(border, return_counts=True)
    ground = names[counts.argmax()]
    present = np.unique(colours)
    if len(present) > _FLAT:
        base = ground // weights % 256
        groups = [(np.abs(image - base[:, None, None]) > _INK).any(0)]
    else:
        groups = [colours == colour for colour in present if colour != ground]
    out, last = np.zeros(colours.shape, np.int64), 0
    for group in groups:
        regions, n = ndimage.label(group)
        sizes = np.bincount(regions.ravel(), minlength=n + 1)
        for region in np.flatnonzero(sizes > FEWEST_PIXELS):
            if region:
                last += 1
                out[regions == region] = last
    return out


def _unit(x: NDArray[Any]) -> NDArray[np.float64]:
    return x / 255.0 if x.dtype == np.uint8 else np.asarray(x, dtype=np.float64)
