"""Objects that a model finds in images, held against the true ones: how many, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from latentia.diagnostics.measure import Measure
from latentia.diagnostics.segmentation import FEWEST_PIXELS, Labels, overlaps

_SMALLEST = 0.003  # of the image: a slot that is the largest in no more pixels is not used
_NEAR = 0.05  # of the side: within it an object is found where it is
_HIT = 0.5  # intersection over union from which on an object counts as found


@dataclass(frozen=True)
class Counted:
    """Numbers of objects that were found.

    Attributes:
        accuracy: share of items with the right number.
        signed: mean of found less true number.
        confusion: items by true number (rows) and found number (columns), from 0 on.
    """

    accuracy: Measure
    signed: Measure
    confusion: tuple[tuple[int, ...], ...]


def counted(truth: NDArray[Any], found: NDArray[Any]) -> Counted:
    """Compare numbers of objects `[n]`.

    Example:
        >>> counted(np.array([0, 1, 2]), np.array([0, 2, 2])).confusion
        ((1, 0, 0), (0, 0, 1), (0, 0, 1))
    """
    truth, found = np.asarray(truth, dtype=np.int64), np.asarray(found, dtype=np.int64)
    side = int(max(truth.max(initial=0), found.max(initial=0))) + 1
    table = np.bincount(truth * side + found, minlength=side**2).reshape(side, side)
    rows = table[: int(truth.max(initial=0)) + 1]
    return Counted(
        Measure.of(truth == found),
        Measure.of(found - truth),
        tuple(tuple(int(c) for c in row) for row in rows),
    )


@dataclass(frozen=True)
class Matched:
    """Objects that were found, each matched with a true one so that the overlaps are largest in sum.

    Attributes:
        position: distance of the centres of matched objects, as a share of the side.
        near: share of the true objects whose match is within 5 % of the side.
        precision: share of the found objects that overlap a true one by half (intersection over union).
        recall: share of the true objects that are so overlapped.
    """

    position: Measure
    near: Measure
    precision: Measure
    recall: Measure


def matched(truth: Labels, found: Labels) -> Matched:
    """Match the objects of masks `[n, H, W]`, 0 the background in both.

    Example:
        >>> masks = np.zeros((1, 4, 4), int); masks[0, :2, :2] = 1
        >>> matched(masks, 3 * masks).recall.value
        1.0
    """
    distances, near, hits, recalled = [], [], [], []
    for mask, own in zip(truth, found, strict=True):
        shares, objects, slots = overlaps(mask, own)
        kept = slots != 0
        shares, slots = shares[:, kept], slots[kept]
        rows, columns = linear_sum_assignment(1 - shares)
        touching = shares[rows, columns] > 0
        rows, columns = rows[touching], columns[touching]
        apart = np.full(len(objects), np.nan)
        for row, column in zip(rows, columns, strict=True):
            apart[row] = _distance(mask == objects[row], own == slots[column])
        best = np.zeros(len(objects))
        best[rows] = shares[rows, columns]
        distances += apart.tolist()
        near += (np.nan_to_num(apart, nan=np.inf) <= _NEAR).tolist()
        recalled += (best >= _HIT).tolist()
        of_slot = np.zeros(len(slots))
        of_slot[columns] = shares[rows, columns]
        hits += (of_slot >= _HIT).tolist()
    return Matched(Measure.of(distances), Measure.of(near), Measure.of(hits), Measure.of(recalled))


def _distance(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Between the centres of two masks, as a share of the longer side."""
    centres = [np.argwhere(mask).mean(0) for mask in (a, b)]
    return float(np.linalg.norm(centres[0] - centres[1]) / max(a.shape))


# ------------------------------------------------------------------ slots of masks


def owners(masks: NDArray[Any]) -> Labels:
    """The slot with the largest share of each pixel, `[n, H, W]`, of masks `[n, K, H, W]`."""
    return np.asarray(masks).argmax(1)


def border_slot(masks: NDArray[Any]) -> NDArray[np.int64]:
    """The slot that has most of the one-pixel border, `[n]`: it is taken for the background.

    Example:
        >>> masks = np.zeros((1, 2, 4, 4)); masks[:, 1] = 0.5; masks[:, 0, 1:3, 1:3] = 1
        >>> border_slot(masks).tolist()
        [1]
    """
    owner = owners(masks)
    edge = np.concatenate([owner[:, 0], owner[:, -1], owner[:, 1:-1, 0], owner[:, 1:-1, -1]], 1)
    shares = np.stack([(edge == k).sum(1) for k in range(masks.shape[1])], 1)
    return shares.argmax(1)


def present_slots(masks: NDArray[Any]) -> NDArray[np.bool_]:
    """Which slots are used, `[n, K]`: the largest in more than 4 pixels, and in more than 0.3 % of the image."""
    owner = owners(masks)
    area = np.stack([(owner == k).sum((1, 2)) for k in range(masks.shape[1])], 1)
    return area > max(FEWEST_PIXELS, _SMALLEST * owner[0].size)


def pieces(mask: NDArray[np.bool_]) -> int:
    """Connected regions of more than 4 pixels of one mask `[H, W]`."""
    regions, n = ndimage.label(mask)
    return int((np.bincount(regions.ravel(), minlength=n + 1)[1:] > FEWEST_PIXELS).sum())
