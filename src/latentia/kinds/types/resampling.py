"""Which samples go together: folds, halves and bootstrap draws that keep the samples of a subject on one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def folds(groups: Places, n_folds: int, seed: int) -> list[Places]:
    """Places of the samples of each fold; groups of all sizes, each whole in one fold, the largest dealt first.

    Example:
        >>> parts = folds(np.array([0, 0, 1, 2, 3, 3]), 2, 0)
        >>> sorted(len(part) for part in parts)
        [3, 3]
    """
    names, owner, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load = np.zeros(n_folds)
    place = np.empty(len(names), dtype=np.int64)
    for group in order:
        place[group] = int(load.argmin())
        load[place[group]] += sizes[group]
    return [np.flatnonzero(place[owner] == i) for i in range(n_folds)]


def bootstrap(groups: Places, seed: int) -> Places:
    """Places of as many groups as there are, drawn with replacement, each with all its samples; sorted."""
    names, owner = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), len(names))
    members = [np.flatnonzero(owner == i) for i in range(len(names))]
    return np.sort(np.concatenate([members[i] for i in drawn]))


def mean_and_error(values: NDArray[np.float64], groups: Places) -> tuple[float, float]:
    """Mean over samples and its standard error, samples of a group counted together.

    Example:
        >>> mean_and_error(np.array([1.0, 3.0]), np.array([0, 1]))
        (2.0, 1.0)
    """
    mean = float(values.mean())
    _, owner = np.unique(groups, return_inverse=True)
    sums = np.bincount(owner, values - mean)
    m = len(sums)
    correction = m / (m - 1) if m > 1 else 1.0
    return mean, float(np.sqrt(correction * (sums @ sums)) / len(values))
