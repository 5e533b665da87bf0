"""The latent space on a flat sheet, and two figures that say how far to trust what is seen there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_POINTS = 3000
NEIGHBOURS = 10
_MIN_FOR_TSNE = 30


@dataclass(frozen=True)
class LatentMap:
    """Codes laid out in a plane.

    Attributes:
        points: `[m, 2]`, or `[m, 1]` where the latent space has one dimension.
        rows: which rows of the codes are shown, `[m]`.
        method: `codes` (shown as they are), `t-SNE` or `PCA`.
        trustworthiness: share in [0, 1] of neighbourhoods on the map that are true in latent space (Venna and
            Kaski 2001); 1 is perfect, None where the map is the latent space itself or too few points are there.
        label_accuracy: share of items whose label is guessed from its nearest codes (leave one out, in latent
            space, not on the map); None without labels.
        majority: share of the most frequent label, the accuracy that guessing blindly has.
        right: of each row shown, whether its label is guessed so: 1 or 0, NaN where it has none, `[m]`; None without labels.
    """

    points: np.ndarray
    rows: np.ndarray
    method: str
    trustworthiness: float | None
    label_accuracy: float | None
    majority: float | None
    right: np.ndarray | None = None


def latent_map(
    codes: np.ndarray, classes: np.ndarray | None = None, *, max_points: int = MAX_POINTS, seed: int = 0
) -> LatentMap:
    """Lay codes `[n, D]` out in a plane: as they are for D <= 2, else by t-SNE (PCA below 30 distinct codes).

    At most `max_points` codes are shown, drawn without replacement with `seed`; codes that are not finite are
    left out. `classes` `[n]` are integers, negative where unknown.

    Source: van der Maaten and Hinton 2008 (t-SNE); Policar et al. 2024 (openTSNE).

    >>> latent_map(np.array([[0.0, 1.0], [2.0, 3.0]])).method
    'codes'
    """
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(np.isfinite(codes).all(axis=1))
    if len(rows) > max_points:
        rows = np.sort(rng.choice(rows, size=max_points, replace=False))
    shown = np.asarray(codes, dtype=np.float64)[rows]
    scaled = _scaled(shown)
    method, points = ("codes", shown) if codes.shape[1] <= 2 else _lay_out(scaled, seed)
    right, majority = _guessed(scaled, None if classes is None else np.asarray(classes)[rows])
    accuracy = None if right is None else float(np.nanmean(right))
    return LatentMap(
        points, rows, method, _trustworthiness(scaled, points, method), accuracy, majority, right
    )


def _scaled(codes: np.ndarray) -> np.ndarray:
    """Codes centred and of order one; a collapsed model has codes that differ in their last digits only."""
    if not len(codes):
        return codes
    scale = codes.std(axis=0).max()
    if scale <= 1e-14 * np.abs(codes).max():  # one code for all, but for the rounding of its mean
        return np.zeros_like(codes)
    return (codes - codes.mean(axis=0)) / scale


def _lay_out(codes: np.ndarray, seed: int) -> tuple[str, np.ndarray]:
    if len(np.unique(codes, axis=0)) < _MIN_FOR_TSNE:
        return "PCA", _principal_plane(codes)
    return "t-SNE", _tsne(codes, seed)


def _principal_plane(centred: np.ndarray) -> np.ndarray:
    if len(centred) < 2:
        return np.zeros((len(centred), 2))
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    points = u * s * np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(axis=1)])
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))[:, :2]


def _tsne(codes: np.ndarray, seed: int) -> np.ndarray:
    from openTSNE import TSNE  # slow to import, and not needed for one or two dimensions

    tsne = TSNE(
        perplexity=min(30.0, (len(codes) - 1) / 3),
        neighbors="exact",
        n_jobs=1,  # with more threads the sums come in another order and the map is another one
        random_state=seed,
        negative_gradient_method="bh",
        # At 3000 points the map is as trustworthy as with the defaults (0.997), in 4 seconds and not 11.
        theta=0.8,
        early_exaggeration_iter=100,
        n_iter=250,
    )
    return np.asarray(tsne.fit(codes), dtype=np.float64)


def _trustworthiness(codes: np.ndarray, points: np.ndarray, method: str) -> float | None:
    neighbours = min(NEIGHBOURS, (len(codes) - 1) // 2)
    if method == "codes" or neighbours < 1 or len(codes) < 5:
        return None
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(codes, points, n_neighbors=neighbours))


def _guessed(codes: np.ndarray, classes: np.ndarray | None) -> tuple[np.ndarray | None, float | None]:
    """Of each code whether its neighbours guess its label, `[n]`, and the share of the most frequent label."""
    if classes is None or (classes >= 0).sum() < 3:
        return None, None
    known = np.flatnonzero(classes >= 0)
    codes, labels = codes[known], classes[known]
    from sklearn.neighbors import NearestNeighbors

    neighbours = min(NEIGHBOURS, len(codes) - 1)
    # With no argument, kneighbors() leaves each point out of its own neighbourhood.
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(codes).kneighbors(return_distance=False)
    names, numbers = np.unique(labels, return_inverse=True)
    votes = np.zeros((len(codes), len(names)))
    np.add.at(votes, (np.arange(len(codes))[:, None], numbers[nearest]), 1)
    right = np.full(len(classes), np.nan)
    right[known] = votes.argmax(axis=1) == numbers
    return right, float(np.bincount(numbers).max() / len(numbers))
